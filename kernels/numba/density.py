"""Density: the weighted squares of the orbitals of each grid point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .threads import team


@njit(parallel=True, cache=True)
def _sum(rows: NDArray[Any], f: NDArray[np.float64], n: NDArray[np.float64]) -> None:
    for p in prange(rows.shape[0]):
        total = 0.0
        for s in range(rows.shape[1]):
            x = np.complex128(rows[p, s])
            total += f[s] * (x.real * x.real + x.imag * x.imag)
        n[p] = total


def density(psi: NDArray[Any], f: NDArray[np.float64], n: NDArray[np.float64], threads: int) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.density.reference``."""
    with team(threads):
        _sum(psi.reshape(-1, psi.shape[-1]), f, n.reshape(-1))
