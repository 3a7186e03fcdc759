r"""Hartree potential of the whole cell with work in proportion to its volume.

.. math:: \nabla^2 v = -4\pi (n - \bar n)

with differences of high order, which agree with QXMD's spectral Laplacian on any density that the grid resolves.
Conjugate gradients solve it, and multigrid on the 3-point equation is their preconditioner: a fixed number of
iterations on any grid, each of them local. Ranks may share the grid out in slabs of planes along its longest axis.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from ...kernels import Hartree
from ..errors import ConvergenceError
from ..grid import Grid
from ..parallel import ALONE, Line
from ..parallel.halo import with_halo
from .slabs import SharedCycles

Array = NDArray[np.float64]
ORDER = 16  # of the differences; for silicon at 0.64 bohr 0.01 mHa/atom from the spectral potential, 3 points are 5.3
TOLERANCE = 1e-10  # of the residual, relative to the density
CYCLES = 2  # of multigrid in one preconditioning
MOST_ITERATIONS = 100
SMALLEST = 32768  # points of a rank's slab from which on its messages cost less than it saves


class GlobalHartree:
    """Solver for one grid; keeps its last potential as the start of the next solution.

    Parameters
    ----------
    grid
        Periodic grid of the whole cell.
    threads
        Threads of the multigrid cycles; None for all.
    line
        Ranks that share out the work, each with a slab of planes.
    smallest
        Points that each must have; on a grid of fewer, or of fewer planes than ranks, each rank does all.

    Attributes
    ----------
    iterations
        Of the last solution.

    Raises
    ------
    ConvergenceError
        From a call: the residual does not fall below the tolerance, for a density that is not finite.

    Examples
    --------
    A plane wave of density makes one of potential, 4 pi / G^2 times as high:

    >>> grid = Grid((16, 8, 8), (8.0, 4.0, 4.0))
    >>> wave = np.cos(2 * np.pi * grid.points()[0] / 8.0) + np.zeros(grid.shape)
    >>> v = GlobalHartree(grid)(wave)
    >>> bool(np.allclose(v, 4 * np.pi / (2 * np.pi / 8.0) ** 2 * wave, atol=1e-6))
    True
    """

    def __init__(
        self, grid: Grid, threads: int | None = None, line: Line = ALONE.domains, smallest: int = SMALLEST
    ) -> None:
        shared = line.size > 1 and max(grid.shape) >= line.size and grid.size >= smallest * line.size
        self._line = line if shared else ALONE.domains
        self._axis = int(np.argmax(grid.shape)) if shared else 0
        x, y, z = self._axis, *(axis for axis in range(3) if axis != self._axis)
        shape = (grid.shape[x], grid.shape[y], grid.shape[z])
        spacing = (grid.spacing[x], grid.spacing[y], grid.spacing[z])
        self._own, self._thinnest = self._line.block(shape[0]), shape[0] // self._line.size
        self._stencils = [second_difference(ORDER, h) for h in spacing]
        self._precondition: Callable[[Array], Array]
        if shared:
            self._precondition = SharedCycles(self._line, shape, spacing, CYCLES, threads)
        else:
            cycle = Hartree(shape, spacing, method="multigrid", tol=0.0, max_cycles=CYCLES, threads=threads)
            self._precondition = lambda residual: np.asarray(cycle(residual)) / (4 * np.pi)
        self._v = np.zeros((self._own.stop - self._own.start, *shape[1:]))
        self.iterations = 0

    def __call__(self, density: Array) -> Array:
        """Potential of a density (nx, ny, nz) in electrons/bohr^3, with mean 0, Ha; a collective call."""
        source = 4 * np.pi * np.ascontiguousarray(np.moveaxis(density - density.mean(), self._axis, 0)[self._own])
        slab = self._solve(source, self._v.copy())
        whole = np.concatenate(self._line.collect([slab]))
        whole -= whole.mean()
        self._v = whole[self._own].copy()
        return np.ascontiguousarray(np.moveaxis(whole, 0, self._axis))

    def _solve(self, source: Array, v: Array) -> Array:
        """Conjugate gradients on the slabs of all ranks from a start, which is changed."""
        goal = TOLERANCE * np.sqrt(self._dot(source, source))
        if goal == 0.0:
            return np.zeros_like(source)
        residual, direction, last = source - self._minus_laplacian(v), None, 1.0
        for self.iterations in range(MOST_ITERATIONS):
            if np.sqrt(self._dot(residual, residual)) < goal:
                return v
            z = self._precondition(residual)
            product = self._dot(residual, z)
            direction = z if direction is None else product / last * direction + z
            image = self._minus_laplacian(direction)
            step = product / self._dot(direction, image)
            v += step * direction
            residual -= step * image
            last = product
        raise ConvergenceError("the Hartree potential of the cell did not converge: is the density finite?")

    def _dot(self, a: Array, b: Array) -> float:
        return float(self._line.sum(np.array([np.dot(a.ravel(), b.ravel())]))[0])

    def _minus_laplacian(self, v: Array) -> Array:
        reach = ORDER // 2
        wide = with_halo(self._line, v, reach, self._thinnest)
        along_x = correlate1d(wide, self._stencils[0], axis=0)[reach:-reach]
        return -sum((correlate1d(v, self._stencils[axis], axis=axis, mode="grid-wrap") for axis in (1, 2)), along_x)


def second_difference(order: int, h: float) -> Array:
    """Coefficients of the central second difference of an even order, ``order + 1`` of them.

    Examples
    --------
    >>> second_difference(4, 1.0) * 12
    array([ -1.,  16., -30.,  16.,  -1.])
    """
    m = order // 2
    side = [
        2 * (-1) ** (j + 1) * factorial(m) ** 2 / (j**2 * factorial(m - j) * factorial(m + j)) for j in range(1, m + 1)
    ]
    return np.array([*side[::-1], -2 * sum(side), *side]) / h**2
