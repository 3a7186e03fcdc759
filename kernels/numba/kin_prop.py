"""Kinetic propagator: one sweep over psi for each set of pairs, then one for the phase."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .loc_prop import loc_prop
from .rotations import rotations, split_phase
from .threads import team


@njit(parallel=True, cache=True)
def _sweep(lines: NDArray[Any], start: int, count: int, wrap: int, c: float, low: float, beta: complex) -> None:
    outer, n, inner = lines.shape
    pairs = count + wrap
    for item in prange(outer * pairs):
        block, pair = item // pairs, item % pairs
        a, b = start + 2 * pair, start + 2 * pair + 1
        if pair == count:
            a, b = n - 1, 0
        for k in range(inner):
            x, y = lines[block, a, k], lines[block, b, k]
            lines[block, a, k] = c * x + (beta * y + low * x)
            lines[block, b, k] = c * y + (low * y - beta.conjugate() * x)


@njit(parallel=True, cache=True)
def _turn(rows: NDArray[Any], high: complex, low: complex) -> None:
    for p in prange(rows.shape[0]):
        for s in range(rows.shape[1]):
            x = rows[p, s]
            rows[p, s] = low * x + high * x


def kin_prop(
    psi: NDArray[Any],
    pairs: NDArray[np.int32],
    angles: NDArray[np.float64],
    phase: float,
    bonds: NDArray[np.float64],
    v: NDArray[np.float64] | None,
    times: NDArray[np.float64],
    steps: int,
    work: NDArray[np.uint8],
    threads: int,
) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.kin_prop.reference``."""
    for block in psi:
        for _ in range(steps):
            if v is not None and times[0]:
                loc_prop(block, v, times[0], threads)
            _propagate(block, pairs, angles, phase, bonds, threads)
            if v is not None and times[1]:
                loc_prop(block, v, times[1], threads)


def _propagate(
    psi: NDArray[Any],
    pairs: NDArray[np.int32],
    angles: NDArray[np.float64],
    phase: float,
    bonds: NDArray[np.float64],
    threads: int,
) -> None:
    single = bool(psi.dtype == np.complex64)
    shape = psi.shape
    with team(threads):
        for (axis, *pair), angle in zip(pairs.tolist(), angles.tolist(), strict=True):
            lines = psi.reshape(math.prod(shape[:axis]), shape[axis], -1)
            for c, low, re, im in rotations(angle, float(bonds[axis]), single):
                _sweep(lines, *pair, c, low, complex(re, im))
        _turn(psi.reshape(-1, shape[-1]), *split_phase(phase, single))
