r"""Dynamical simulated annealing of the Hartree potential: a damped motion whose rest state solves Poisson's equation.

.. math:: M v'' = \nabla^2 v + 4\pi n - \gamma M v'

With M = 1 long waves are slow: over L grid points they need O(L) sweeps.  M is a fictitious mass for us to choose
(Fourier acceleration): here its inverse adds up the Jacobi corrections of a hierarchy of coarser grids, local and O(N)
like the sweep itself, which makes all wave lengths about equally fast: the eigenvalues of -M^{-1} laplacian
lie within a factor of about SPREAD on any grid.  The friction changes from sweep to sweep such that what is left of
the worst mode after the last one is least (Chebyshev's polynomial).  Each call starts at rest in the frame of a
predictor that goes on as v did in the calls before: the sweeps need only take out what the predictor lacks.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .multigrid import Field, Levels, Relax, relax, transfers
from .multigrid import transfer as between

SHARE = 0.5  # of the Jacobi correction of each level
SPREAD = 8.0  # largest eigenvalue of -M^-1 laplacian over the smallest one
POWER_STEPS = 12
MARGIN = 1.02
Raw = Callable[[Field, Field, Field, Levels, NDArray[np.float64], NDArray[np.float64], int], None]


def friction(sweeps: int, fastest: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each sweep keeps of the motion, and what it adds of the pull.

    Parameters
    ----------
    sweeps : int
        Sweeps of a call.
    fastest : float
        Largest eigenvalue of -M^-1 laplacian.

    Examples
    --------
    >>> keep, gain = friction(2, 1.0)
    >>> keep.round(3).tolist(), gain.round(3).tolist()
    ([0.0, 0.434], [1.778, 2.549])
    """
    centre, half = 0.5 * fastest * (1.0 + 1.0 / SPREAD), 0.5 * fastest * (1.0 - 1.0 / SPREAD)
    keep, gain, last = [0.0], [1.0 / centre], half / centre
    for _ in range(sweeps - 1):
        this = 1.0 / (2.0 * centre / half - last)
        keep.append(this * last)
        gain.append(2.0 * this / half)
        last = this
    return np.array(keep), np.array(gain)


def remainder(sweeps: int) -> float:
    """Largest part of an error that the sweeps of a call leave.

    Examples
    --------
    >>> round(remainder(4), 2)
    0.1
    """
    return 1.0 / math.cosh(sweeps * math.acosh((SPREAD + 1.0) / (SPREAD - 1.0)))


def predictor_order(sweeps: int) -> int:
    """Highest order, up to two, of an extrapolation in time that stays stable with the sweeps that follow it.

    An error e becomes -r (3 e - 3 e' + e'') in the next call (order two) if the sweeps leave -r of it.  This
    recursion decays if r < 1 / (2^(order + 1) - 1).

    Examples
    --------
    >>> [predictor_order(sweeps) for sweeps in (1, 2, 3, 4)]
    [0, 0, 1, 2]
    """
    return max(order for order in range(3) if order == 0 or remainder(sweeps) < 1.0 / (2 ** (order + 1) - 1))


def fastest_mode(raw: Raw, levels: Levels, threads: int) -> float:
    """Largest eigenvalue of -M^-1 laplacian, with a backend's raw kernel.

    The shortest waves have 2 SHARE, all but; waves of the coarser levels may have more, which power iteration from
    point charges, made of all wave lengths, finds soon.
    """
    shape = levels.shapes[0].tolist()
    still, one, none = np.zeros(shape), np.ones(1), np.zeros(1)
    charges, x = np.zeros(shape), np.zeros(shape)
    for part, charge in ((2, 1.0), (3, 0.5), (max(shape), -0.7)):
        charges[tuple(n // part for n in shape)] += charge
    raw(still.copy(), x, charges, levels, none, one, threads)
    for _ in range(POWER_STEPS):
        x /= np.sqrt(np.mean(x**2))
        pull = np.zeros(shape)
        raw(x, pull, still, levels, none, one, threads)
        x = pull
    return max(2.0 * SHARE, MARGIN * float(np.sqrt(np.mean(x**2))))


def anneal(
    relax: Relax,
    v: Field,
    motion: Field,
    rhs: Field,
    levels: Levels,
    keep: NDArray[np.float64],
    gain: NDArray[np.float64],
    threads: int,
) -> None:
    """Sweeps on v and its motion, in place, with a backend's `relax`; other arguments as in `reference`."""
    matrices = transfers(levels)
    h, periodic = levels.spacings, levels.periodic

    def accelerate(depth: int, residual: Field) -> Field:
        diagonal = sum(2.0 / h[depth, a] ** 2 for a in range(3) if levels.shapes[depth, a] > 1 or not periodic[a])
        weight = 1.0 / diagonal if diagonal else 0.0
        if depth == len(matrices):
            return weight * residual
        ratio = math.prod(h[depth] / h[depth + 1])
        coarse = ratio * between([matrix.T for matrix in matrices[depth]], residual)
        return SHARE * weight * residual + between(matrices[depth], accelerate(depth + 1, coarse))

    for kept, gained in zip(keep, gain, strict=True):
        motion[...] = kept * motion + gained * accelerate(0, relax(v, rhs, h[0], periodic, 0.0, 1.0, threads))
        v += motion


def reference(
    v: Field,
    motion: Field,
    rhs: Field,
    levels: Levels,
    keep: NDArray[np.float64],
    gain: NDArray[np.float64],
    threads: int,
) -> None:
    """Raw kernel: sweeps motion <- keep motion + gain M^-1 (laplacian v + rhs), v <- v + motion, in place.

    Parameters
    ----------
    v, motion, rhs : (nx, ny, nz) float64
        Potential, its change in the last sweep, minus the Laplacian sought.
    levels : Levels
        From `multigrid.make_levels`.
    keep, gain : (sweeps,) float64
        See `friction`.
    threads : int
        Not used here.
    """
    anneal(relax, v, motion, rhs, levels, keep, gain, threads)
