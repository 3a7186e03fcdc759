r"""The cell cut into domains: cores that tile the grid, each with a buffer around it.

A domain's box shares the points of the global grid and wraps around the cell. The supports

.. math:: \sum_\alpha p_\alpha(\mathbf r) = 1

are 1 in the middle of a core and fall to 0 within half a buffer of its faces, inside and outside, so that what is
recombined is smooth and the outer half of a buffer counts nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..errors import PartitionError
from ..grid import Grid

Array = NDArray[np.float64]
AXES = "xyz"


@dataclass(frozen=True)
class Box:
    """Core and buffer of one domain.

    Attributes
    ----------
    cell
        The global grid.
    core
        First point and number of points of the core along each axis.
    buffer
        Points of the buffer on either side, 0 along an axis that is not divided.
    """

    cell: Grid
    core: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    buffer: tuple[int, int, int]

    @cached_property
    def grid(self) -> Grid:
        """The grid of the box."""
        nx, ny, nz = (n + 2 * b for (_, n), b in zip(self.core, self.buffer, strict=True))
        hx, hy, hz = self.cell.spacing
        return Grid((nx, ny, nz), (nx * hx, ny * hy, nz * hz))

    @cached_property
    def origin(self) -> Array:
        """Position of the first point of the box, bohr."""
        first = np.array([start - b for (start, _), b in zip(self.core, self.buffer, strict=True)])
        return np.asarray(first * self.cell.spacing)

    @cached_property
    def points(self) -> tuple[NDArray[np.intp], ...]:
        """Index of the global grid that takes out the box."""
        axes = [
            np.arange(start - b, start + n + b) % total
            for (start, n), b, total in zip(self.core, self.buffer, self.cell.shape, strict=True)
        ]
        return np.ix_(*axes)

    @cached_property
    def support(self) -> Array:
        """p of the module's docstring on the box, (nx, ny, nz)."""
        x, y, z = (_support(n, b) for (_, n), b in zip(self.core, self.buffer, strict=True))
        return x[:, None, None] * y[None, :, None] * z[None, None, :]

    def local(self, positions: Array) -> Array:
        """Positions (n, 3) measured from the origin of the box, each as the image that may lie in it; bohr."""
        return np.asarray((positions - self.origin) % self.cell.lengths)

    def holds(self, positions: Array) -> NDArray[np.bool_]:
        """Which positions (n, 3) lie in the box."""
        return np.asarray(np.all(self.local(positions) < np.asarray(self.grid.lengths), axis=1))

    def shares(self, positions: Array) -> Array:
        """p at positions (n, 3), between 0 and 1, and 0 outside the box: (n,). All boxes together have 1."""
        axes = zip(positions.T, self.cell.spacing, self.core, self.buffer, self.cell.shape, strict=True)
        return np.prod([_share(x / h - start, n, b, total) for x, h, (start, n), b, total in axes], axis=0)


def partition(grid: Grid, divisions: Sequence[int], buffer: float) -> list[Box]:
    """Cut a cell into equal cores with buffers.

    Parameters
    ----------
    grid
        The grid of the cell.
    divisions
        Number of domains along x, y, z. An axis with one has no buffer and stays periodic.
    buffer
        Least thickness of the buffers, bohr; rounded up to whole points.

    Returns
    -------
    list of Box
        Ordered by x, y, z of the core, z fastest.

    Raises
    ------
    PartitionError
        Divisions that are not three positive numbers or do not tile the grid; a buffer that is negative, or so thick
        that a box overlaps itself around the cell.

    Examples
    --------
    >>> boxes = partition(Grid((8, 8, 24), (4.0, 4.0, 12.0)), (1, 1, 3), 1.4)
    >>> [box.core[2] for box in boxes], boxes[0].grid.shape
    ([(0, 8), (8, 8), (16, 8)], (8, 8, 14))
    >>> total = recombine(boxes, [np.ones(box.grid.shape) for box in boxes])
    >>> bool(np.allclose(total, 1.0))
    True
    """
    if len(divisions) != 3 or min(divisions) < 1:
        raise PartitionError(f"divisions {list(divisions)}: give three whole numbers of 1 or more, such as [1, 1, 2]")
    if not 0.0 <= buffer < np.inf:
        raise PartitionError(f"buffer of {buffer:g} bohr: give a thickness of 0 or more")
    cores, buffers = [], []
    for axis, (n, d) in enumerate(zip(grid.shape, divisions, strict=True)):
        if n % d:
            raise PartitionError(
                f"{d} domains along {AXES[axis]} do not tile {n} grid points: take a divisor of {n}, or another grid"
            )
        cores.append([(i * (n // d), n // d) for i in range(d)])
        buffers.append(_buffer(grid, axis, n // d, buffer) if d > 1 else 0)
    bx, by, bz = buffers
    return [Box(grid, (x, y, z), (bx, by, bz)) for x, y, z in product(*cores)]


def recombine(boxes: Sequence[Box], fields: Sequence[Array]) -> Array:
    """Field on the global grid from one on each box: the sum of p times the field of the box."""
    total = np.zeros(boxes[0].cell.shape)
    for box, field in zip(boxes, fields, strict=True):
        total[box.points] += box.support * field
    return total


def _buffer(grid: Grid, axis: int, core: int, buffer: float) -> int:
    """Points of a buffer."""
    h, n = grid.spacing[axis], grid.shape[axis]
    points = int(np.ceil(buffer / h - 1e-9))
    if core + 2 * points > n:
        most = (n - core) // 2 * h
        raise PartitionError(
            f"a buffer of {buffer:.4g} bohr is larger than the cell: with two of them a core of {core * h:.4g} bohr "
            f"along {AXES[axis]} overlaps itself in {n * h:.4g} bohr; give at most {most:.4g} bohr, or divide "
            f"{AXES[axis]} less"
        )
    return points


def _support(n: int, b: int) -> Array:
    """p along one axis: n points of the core, b on either side; goes over within half a buffer of the faces."""
    width = _half_width(n, b)
    inside = np.arange(n + 2 * b, dtype=np.float64) - b + 0.5  # faces lie half a point before the first point of a core
    return _step(inside, width) * _step(n - inside, width)


def _share(x: Array, n: int, b: int, total: int) -> Array:
    """p along one axis at distances from the first point of the core, in units of points."""
    width = _half_width(n, b)
    if width == 0.0:
        return np.asarray(x % total < n, dtype=float)
    x = (x + 0.5) % total
    return _step(x, width) * _step(n - x, width) + _step(x - total, width)


def _half_width(n: int, b: int) -> float:
    return min(0.5 * b, 0.5 * n)


def _step(x: Array, width: float) -> Array:
    """0 below -width, 1 above, sin^2 between, so that s(x) + s(-x) = 1."""
    if width < 0.5:
        return np.asarray(x > 0, dtype=float)
    return np.asarray(np.sin(0.25 * np.pi * (1 + np.clip(x / width, -1, 1))) ** 2)
