"""Kinetic propagator: one sweep over psi for each set of pairs, then one for the phase."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

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
    psi: NDArray[Any], pairs: NDArray[np.int32], turns: NDArray[np.float64], phase: NDArray[np.complex128], threads: int
) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.kin_prop.reference``."""
    shape = psi.shape
    with team(threads):
        for (axis, start, count, wrap), (c, low, re, im) in zip(pairs.tolist(), turns.tolist(), strict=True):
            lines = psi.reshape(math.prod(shape[:axis]), shape[axis], -1)
            _sweep(lines, start, count, wrap, c, low, complex(re, im))
        _turn(psi.reshape(-1, shape[-1]), complex(phase[0]), complex(phase[1]))
