"""Dynamical simulated annealing of the Hartree potential: a damped wave whose rest state solves Poisson's equation.

    v'' = laplacian v + rhs - gamma v'

A few leapfrog sweeps follow a density that moves slowly; velocity and position live half a step apart.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .multigrid import Field, Relax, relax
from .plan import Boundary, Shape

SAFETY = 0.95


def stable_step(spacing: tuple[float, float, float]) -> float:
    """Pseudo-time step below the stability limit 2 / omega_max of the leapfrog.

    Examples
    --------
    >>> round(stable_step((1.0, 1.0, 1.0)), 3)
    0.548
    """
    return SAFETY / math.sqrt(sum(h**-2 for h in spacing))


def critical_damping(shape: Shape, spacing: tuple[float, float, float], boundary: Boundary) -> float:
    """Damping 2 k_min that makes the slowest mode of the cell come to rest soonest.

    k_min is that of the lowest standing wave between the Dirichlet ends, or, if all axes are periodic, of the
    longest plane wave that fits.

    Examples
    --------
    >>> round(critical_damping((10, 10, 10), (0.5, 0.5, 0.5), ("periodic",) * 3), 3)
    2.513
    """
    ends = [(n + 1) * h for n, h, kind in zip(shape, spacing, boundary, strict=True) if kind == "dirichlet"]
    if ends:
        return 2.0 * math.sqrt(sum((math.pi / length) ** 2 for length in ends))
    return 4.0 * math.pi / max(n * h for n, h in zip(shape, spacing, strict=True))


def leapfrog(
    relax: Relax,
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
    """Leapfrog sweeps on v and velocity, in place, with a backend's `relax`; other arguments as in `reference`."""
    friction = 0.5 * damping * step
    keep, gain = (1.0 - friction) / (1.0 + friction), step / (1.0 + friction)
    for _ in range(sweeps):
        velocity[...] = keep * velocity + gain * relax(v, rhs, spacing, periodic, 0.0, 1.0, threads)
        v += step * velocity


def reference(
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
    """Raw kernel: leapfrog sweeps on v and velocity, in place.

    Parameters
    ----------
    v, velocity, rhs : (nx, ny, nz) float64
        Potential, its pseudo-time derivative half a step earlier, minus the Laplacian sought.
    spacing : (3,) float64
    periodic : (3,) int32
    step, damping : float
        Pseudo-time step and gamma.
    sweeps : int
    threads : int
        Not used here.
    """
    leapfrog(relax, v, velocity, rhs, spacing, periodic, step, damping, sweeps, threads)
