"""Nonlocal propagator: sums over grid points in as many parts as threads, added in order; then the expansion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .threads import team


@njit(parallel=True, cache=True)
def _project(psi: NDArray[Any], Q: NDArray[Any], overlaps: NDArray[np.complex128]) -> None:
    parts, points = overlaps.shape[0], psi.shape[0]
    for part in prange(parts):
        for p in range(points * part // parts, points * (part + 1) // parts):
            for k in range(Q.shape[1]):
                q = Q[p, k].conjugate()
                for s in range(psi.shape[1]):
                    overlaps[part, k, s] += q * psi[p, s]


@njit(parallel=True, cache=True)
def _expand(psi: NDArray[Any], Q: NDArray[Any], factors: NDArray[Any]) -> None:
    for p in prange(psi.shape[0]):
        for k in range(Q.shape[1]):
            q = Q[p, k]
            for s in range(psi.shape[1]):
                psi[p, s] += q * factors[k, s]


def nlp_prop(psi: NDArray[Any], Q: NDArray[Any], S: NDArray[np.complex128], dv: float, threads: int) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.nlp_prop.reference``."""
    overlaps = np.zeros((threads, Q.shape[1], psi.shape[1]), np.complex128)
    work = psi.astype(Q.dtype, copy=False)
    with team(threads):
        _project(work, Q, overlaps)
        _expand(work, Q, (S @ overlaps.sum(axis=0) * dv).astype(Q.dtype))
    if work is not psi:
        psi[...] = work
