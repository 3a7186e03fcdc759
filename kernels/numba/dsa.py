"""Dynamical simulated annealing of the Hartree potential with compiled sweeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..dsa import leapfrog
from ..multigrid import Field
from .multigrid import relax


def dsa(
    v: Field,
    velocity: Field,
    rhs: Field,
    spacing: Field,
    periodic: NDArray[np.int32],
    step: float,
    damping: float,
    sweeps: int,
    threads: int,
) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.dsa.reference``."""
    leapfrog(relax, v, velocity, rhs, spacing, periodic, step, damping, sweeps, threads)
