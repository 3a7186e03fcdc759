"""Norm and bond sums of the three axes; each plane of the grid has its own sums, added in order at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .threads import team


@njit(cache=True, inline="always")
def _bond(x: NDArray[Any], y: NDArray[Any], f: NDArray[np.float64]) -> complex:
    total = 0.0j
    for s in range(f.shape[0]):
        total += f[s] * (np.complex128(x[s]).conjugate() * np.complex128(y[s]))
    return total


@njit(parallel=True, cache=True)
def _planes(
    psi: NDArray[Any],
    f: NDArray[np.float64],
    periodic: NDArray[np.int32],
    n: NDArray[np.float64],
    sums: NDArray[np.complex128],
) -> None:
    nx, ny, nz, _ = psi.shape
    for ix in prange(nx):
        right = ix + 1 if ix + 1 < nx else 0
        for iy in range(ny):
            up = iy + 1 if iy + 1 < ny else 0
            for iz in range(nz):
                front = iz + 1 if iz + 1 < nz else 0
                here = psi[ix, iy, iz]
                square = _bond(here, here, f)
                n[ix, iy, iz] = square.real
                sums[ix, 0] += square
                if right or periodic[0]:
                    sums[ix, 1] += _bond(here, psi[right, iy, iz], f)
                if up or periodic[1]:
                    sums[ix, 2] += _bond(here, psi[ix, up, iz], f)
                if front or periodic[2]:
                    sums[ix, 3] += _bond(here, psi[ix, iy, front], f)


def current(
    psi: NDArray[Any],
    f: NDArray[np.float64],
    periodic: NDArray[np.int32],
    dv: float,
    n: NDArray[np.float64] | None,
    totals: NDArray[np.complex128],
    threads: int,
) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.current.reference``."""
    sums = np.zeros((psi.shape[0], 4), np.complex128)
    with team(threads):
        _planes(psi, f, periodic, np.empty(psi.shape[:3]) if n is None else n, sums)
    totals[...] = sums.sum(axis=0) * dv
