"""Overlaps: sums over grid points in as many parts as threads, added in order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .nlp_prop import project
from .threads import team


def overlap(psi0: NDArray[Any], psi: NDArray[Any], dv: float, out: NDArray[np.complex128], threads: int) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.overlap.reference``."""
    parts = np.zeros((threads, psi0.shape[1], psi.shape[1]), np.complex128)
    with team(threads):
        project(psi.astype(psi0.dtype, copy=False), psi0, parts)
    out[...] = parts.sum(axis=0) * dv
