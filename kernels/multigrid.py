"""Multigrid for the 3-point Poisson equation laplacian v = -rhs on a grid of any shape.

A level has about half the points of the finer one over the same length, so that the points of the two need not
coincide: the correction is interpolated linearly, whatever the ratio, the residual goes down by the scaled
transpose of that, and the operator is discretised anew.  Only the axes with the closest points are coarsened,
down to one point each, where the equation is solved by a division.  Two damped Jacobi sweeps before and after
each visit have the weights of the Chebyshev polynomial that is least on the modes that the next level lacks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .plan import Boundary, Shape

Field = NDArray[np.float64]
Relax = Callable[[Field, Field, NDArray[np.float64], NDArray[np.int32], float, float, int], Field]
STRONG = 1.5  # an axis is coarsened if its spacing is within this factor of the closest one


@dataclass(frozen=True)
class Levels:
    """The grids of a multigrid solver, finest first, as arrays that every backend takes.

    Attributes
    ----------
    shapes : (levels, 3) int32
        Grid points.
    spacings : (levels, 3) float64
        Grid spacings, bohr.
    weights : (levels, 2) float64
        Weights of the two Jacobi sweeps; the first one of the last level is the inverse of its diagonal.
    periodic : (3,) int32
        Whether the axis is periodic (else zero beyond both ends).
    """

    shapes: NDArray[np.int32]
    spacings: NDArray[np.float64]
    weights: NDArray[np.float64]
    periodic: NDArray[np.int32]


def make_levels(shape: Shape, spacing: tuple[float, float, float], boundary: Boundary) -> Levels:
    """Grids and smoother weights for a box.

    Examples
    --------
    >>> make_levels((5, 4, 3), (0.5, 0.5, 0.5), ("periodic", "periodic", "dirichlet")).shapes.tolist()
    [[5, 4, 3], [3, 2, 1], [2, 1, 1], [1, 1, 1]]
    """
    periodic = np.array([kind == "periodic" for kind in boundary], np.int32)
    ends = 1 - periodic
    n = np.array(shape, np.int32)
    lengths = (n + ends) * np.array(spacing)
    shapes, spacings, weights = [], [], []
    while True:
        h = lengths / (n + ends)
        coarse = _coarsen(n, h, periodic)
        shapes.append(n)
        spacings.append(h)
        weights.append(_weights(n, h, periodic, coarse < n))
        if n.max() == 1:
            return Levels(np.array(shapes, np.int32), np.array(spacings), np.array(weights), periodic)
        n = coarse


def _coarsen(n: NDArray[np.int32], h: Field, periodic: NDArray[np.int32]) -> NDArray[np.int32]:
    many = n > 1
    if not many.any():
        return n
    close = many & (h <= STRONG * h[many].min())
    return np.where(close, np.where(periodic, (n + 1) // 2, n // 2), n).astype(np.int32)


def _weights(n: NDArray[np.int32], h: Field, periodic: NDArray[np.int32], coarsened: NDArray[Any]) -> list[float]:
    diagonal = sum(2.0 / h[axis] ** 2 for axis in range(3) if n[axis] > 1 or not periodic[axis])
    if not coarsened.any():
        return [1.0 / diagonal if diagonal else 0.0, 0.0]
    low, high = 2.0 / (h[coarsened].max() ** 2 * diagonal), 2.0
    middle, swing = 0.5 * (high + low), 0.5 * (high - low) * math.cos(0.25 * math.pi)
    return [1.0 / (diagonal * (middle + swing)), 1.0 / (diagonal * (middle - swing))]


def interpolation(fine: int, coarse: int, periodic: bool) -> Field:
    """Matrix (fine, coarse) of the linear interpolation between two grids over the same length.

    Examples
    --------
    >>> interpolation(3, 1, periodic=False).ravel().tolist()
    [0.5, 1.0, 0.5]
    """
    matrix = np.zeros((fine, coarse))
    for j in range(fine):
        place = j * coarse / fine if periodic else (j + 1) * (coarse + 1) / (fine + 1) - 1.0
        low = math.floor(place)
        for J, weight in ((low, 1.0 - (place - low)), (low + 1, place - low)):
            if periodic:
                matrix[j, J % coarse] += weight
            elif 0 <= J < coarse:
                matrix[j, J] += weight
    return matrix


def relax(
    v: Field, rhs: Field, h: Field, periodic: NDArray[np.int32], keep: float, weight: float, threads: int
) -> Field:
    """A new array keep v + weight (laplacian v + rhs): a Jacobi sweep (keep 1) or the residual (keep 0, weight 1)."""
    total = rhs.copy()
    for axis in range(3):
        total += (_shift(v, 1, axis, periodic) + _shift(v, -1, axis, periodic) - 2.0 * v) / h[axis] ** 2
    return keep * v + weight * total


def _shift(v: Field, step: int, axis: int, periodic: NDArray[np.int32]) -> Field:
    moved = np.roll(v, -step, axis)
    if not periodic[axis]:
        np.moveaxis(moved, axis, 0)[-1 if step > 0 else 0] = 0.0
    return moved


def solve(
    relax: Relax, v: Field, rhs: Field, levels: Levels, tol: float, max_cycles: int, threads: int
) -> tuple[int, float]:
    """V(2,2) cycles on v, in place, until the residual is below tol times the right-hand side.

    Parameters
    ----------
    relax : callable
        The backend's `relax`.
    v : (nx, ny, nz) float64
        Start, and the solution at the end.
    rhs : (nx, ny, nz) float64
        Minus the Laplacian of v; not zero everywhere, and with the mean 0 if all axes are periodic.
    levels : Levels
        From `make_levels`.
    tol : float
        Relative residual to reach.
    max_cycles : int
        Where to give up.
    threads : int
        Threads of a sweep.

    Returns
    -------
    cycles : int
        How many were done.
    residual : float
        Relative residual at the end.
    """
    periodic, matrices = levels.periodic, transfers(levels)

    def cycle(depth: int, v: Field, rhs: Field) -> Field:
        h, (first, second) = levels.spacings[depth], levels.weights[depth]
        if depth == len(matrices):
            return first * rhs
        v = relax(relax(v, rhs, h, periodic, 1.0, first, threads), rhs, h, periodic, 1.0, second, threads)
        residual = relax(v, rhs, h, periodic, 0.0, 1.0, threads)
        ratio = math.prod(h / levels.spacings[depth + 1])
        coarse = ratio * transfer([matrix.T for matrix in matrices[depth]], residual)
        v = v + transfer(matrices[depth], cycle(depth + 1, np.zeros_like(coarse), coarse))
        return relax(relax(v, rhs, h, periodic, 1.0, first, threads), rhs, h, periodic, 1.0, second, threads)

    target = float(np.linalg.norm(rhs))
    for cycles in range(max_cycles + 1):
        residual = float(np.linalg.norm(relax(v, rhs, levels.spacings[0], periodic, 0.0, 1.0, threads))) / target
        if residual <= tol or cycles == max_cycles:
            break
        v[...] = cycle(0, v, rhs)
    return cycles, residual


def transfers(levels: Levels) -> list[list[Field]]:
    """For each level but the last, the interpolation matrices from the next one along the three axes."""
    return [
        [interpolation(a, b, p) for a, b, p in zip(fine, coarse, levels.periodic, strict=True)]
        for fine, coarse in zip(levels.shapes[:-1].tolist(), levels.shapes[1:].tolist(), strict=True)
    ]


def transfer(matrices: list[Field], field: Field) -> Field:
    """The field with a matrix applied along each axis."""
    return reduce(lambda f, am: np.moveaxis(np.tensordot(am[1], f, (1, am[0])), 0, am[0]), enumerate(matrices), field)


def reference(v: Field, rhs: Field, levels: Levels, tol: float, max_cycles: int, threads: int) -> tuple[int, float]:
    """Raw kernel: `solve` with NumPy sweeps; arguments and result as there."""
    return solve(relax, v, rhs, levels, tol, max_cycles, threads)
