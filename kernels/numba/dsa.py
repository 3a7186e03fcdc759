"""Dynamical simulated annealing of the Hartree potential with compiled sweeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..dsa import anneal
from ..multigrid import Field, Levels
from .multigrid import relax


def dsa(
    v: Field,
    motion: Field,
    rhs: Field,
    levels: Levels,
    keep: NDArray[np.float64],
    gain: NDArray[np.float64],
    threads: int,
) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.dsa.reference``."""
    anneal(relax, v, motion, rhs, levels, keep, gain, threads)
