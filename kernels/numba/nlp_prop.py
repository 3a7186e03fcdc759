"""Nonlocal propagator: sums over grid points in as many parts as threads, added in order; then the expansion.

In bf16 modes this is done for each pair of parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from ..bf16 import products, split
from .threads import team


@njit(parallel=True, cache=True)
def project(psi: NDArray[Any], Q: NDArray[Any], overlaps: NDArray[np.complex128]) -> None:
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


def nlp_prop(
    psi: NDArray[Any], Q: NDArray[Any], S: NDArray[np.complex128], dv: float, parts: int, threads: int
) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.nlp_prop.reference``."""
    columns = Q if parts else Q[np.newaxis]
    work = psi.astype(Q.dtype, copy=False)
    waves = split(psi, parts) if parts else work[np.newaxis]
    overlaps = np.zeros((threads, Q.shape[-1], psi.shape[1]), np.complex128)
    wanted = products(max(parts, 1))
    with team(threads):
        for i, j in wanted:
            project(waves[j], columns[i], overlaps)
        factors = (S @ overlaps.sum(axis=0) * dv).astype(Q.dtype)
        factors = split(factors, parts) if parts else factors[np.newaxis]
        for i, j in reversed(wanted):
            _expand(work, columns[i], factors[j])
    if work is not psi:
        psi[...] = work
