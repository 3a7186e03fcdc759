"""The grids of a multigrid hierarchy on a device: tables and scratch, made once for each set of levels.

The layout is that of ``csrc/include/mlmd/poisson_level.h``.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Device, default_threads
from ..dsa import SHARE
from ..multigrid import Levels

SHARES = 4
FIELDS = ("v", "rhs", "a", "b")
PLANES = 18  # of a task's window
FEW_PLANES, MANY_PLANES = 2, 8  # of the next grid, in a task
SMALL_TASK, SMALL_GROUP = 8192, 1024  # points up to which a grid is left to one task, or to one group of items
SUMS = 16384


class Hierarchy:
    """What the kernels are given of the levels on one device.

    Attributes
    ----------
    arrays : tuple
        Tables of whole numbers and of real ones, and scratch: the first arguments of the kernels.
    fields : list of dict
        The scratch fields ``v``, ``rhs``, ``a``, ``b`` of each grid; the finest one has the last two.
    points : list of int
        Grid points of each grid.
    small : int
        The first grid that one task or group does, with all that follow.
    """

    def __init__(self, device: Device, levels: Levels) -> None:
        shapes = levels.shapes.astype(np.int64)
        self.shapes, self.points = shapes.tolist(), shapes.prod(axis=1).tolist()
        few = SMALL_TASK if device.processor else SMALL_GROUP
        last = len(shapes) - 1
        self.small = next(k for k in range(1, last + 1) if self.points[k] <= few or k == last)
        self._threads = default_threads()
        table = _Tables(levels)
        plane = math.prod(self.shapes[0][1:])
        sizes = {"zeros": self.shapes[0][2], "sums": SUMS + self.shapes[0][0]}
        window = PLANES * plane if device.processor else 0
        sizes["window"] = window * max(self.tasks(k) for k in range(last))
        offsets, end = {}, 0
        for name, size in sizes.items():
            offsets[name], end = end, end + size
        places = []
        for k in range(last + 1):
            own = ("a", "b") if k == 0 else FIELDS  # v and rhs of the finest grid are the caller's
            places.append({name: end + j * self.points[k] for j, name in enumerate(own)})
            end += len(own) * self.points[k]
        work = device.zeros((end,), np.float64)
        self.fields = [
            {name: work[offset : offset + self.points[k]] for name, offset in here.items()}
            for k, here in enumerate(places)
        ]
        header = [last + 1, offsets["zeros"], offsets["window"], window, offsets["sums"], 0, 0, 0]
        records = np.array(
            [
                [*shape, *levels.periodic, *table.records[k], *(places[k].get(name, 0) for name in FIELDS), 0]
                for k, shape in enumerate(self.shapes)
            ]
        )
        numbers = np.array([*header, *records.ravel(), *table.places], np.int64)
        self.arrays = (
            device.constant(numbers),
            device.constant(np.concatenate([stencils(levels).ravel(), table.weights])),
            work,
        )

    def tasks(self, depth: int) -> int:
        """Tasks for the planes of a grid: one or two per thread, since what lies beyond the ends is done twice."""
        planes = min(self.shapes[depth][0], self.shapes[depth + 1][0])
        wanted = self._threads * (2 if planes >= 2 * self._threads * MANY_PLANES else 1)
        return max(1, min(wanted, planes // FEW_PLANES))


class _Tables:
    """Links and shares of all grids, one after the other, and where those of each grid begin."""

    def __init__(self, levels: Levels) -> None:
        self.places: list[int] = []
        self.weights: list[float] = []
        self.records: list[list[int]] = []
        for k, fine in enumerate(levels.shapes.tolist()):
            coarse = levels.shapes[min(k + 1, len(levels.shapes) - 1)].tolist()
            axes = list(zip(fine, coarse, levels.periodic.tolist(), strict=True))
            links = [self._add(*links_of(*axis)) for axis in axes]
            shares = [shares_of(*axis) for axis in axes]
            starts = [self._add(places, weights) for places, weights in shares]
            reach = [int((weights != 0.0).any(axis=0).nonzero()[0].max()) + 1 for _, weights in shares]
            self.records.append([*links, *starts, *reach])

    def _add(self, places: NDArray[np.int64], weights: NDArray[np.float64]) -> int:
        start = len(self.places)
        self.places += places.ravel().tolist()
        self.weights += weights.ravel().tolist()
        return start


def links_of(fine: int, coarse: int, periodic: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The two coarse neighbours of each fine point, and their weights, both (fine, 2).

    Examples
    --------
    >>> links_of(3, 1, False)[1].tolist()
    [[0.0, 0.5], [1.0, 0.0], [0.5, 0.0]]
    """
    places, weights = np.zeros((fine, 2), np.int64), np.zeros((fine, 2))
    for j in range(fine):
        place = _place(j, fine, coarse, periodic)
        low = math.floor(place)
        for side, weight in ((0, 1.0 - (place - low)), (1, place - low)):
            if periodic or 0 <= low + side < coarse:
                places[j, side], weights[j, side] = (low + side) % coarse, weight
    return places, weights


def shares_of(fine: int, coarse: int, periodic: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The fine points that have each coarse point as a neighbour, and its weights there, both (coarse, SHARES).

    They follow one another; those of a periodic axis are counted on beyond its ends.

    Examples
    --------
    >>> shares_of(4, 2, True)[0].tolist()
    [[-1, 0, 1, 2], [1, 2, 3, 4]]
    """
    weights = np.zeros((coarse, SHARES))
    firsts = np.zeros(coarse, np.int64)
    within = range(-fine, 2 * fine) if periodic else range(fine)
    for J in range(coarse):
        near = [j for j in within if abs(_place(j, fine, coarse, periodic) - J) < 1.0]
        firsts[J] = near[0]
        for k, j in enumerate(near):
            weights[J, k] = 1.0 - abs(_place(j, fine, coarse, periodic) - J)
    return firsts[:, None] + np.arange(SHARES), weights


def _place(j: int, fine: int, coarse: int, periodic: int) -> float:
    """Where a fine point is on the coarse grid."""
    return j * coarse / fine if periodic else (j + 1) * (coarse + 1) / (fine + 1) - 1.0


def stencils(levels: Levels) -> NDArray[np.float64]:
    """Numbers of each grid's Laplacian, (levels, 8): ``Stencil`` of the header."""
    h = levels.spacings
    there = (levels.shapes > 1) | (levels.periodic == 0)
    diagonal = np.where(there, 2.0 / h**2, 0.0).sum(axis=1)
    share = np.divide(SHARE, diagonal, out=np.zeros(len(h)), where=diagonal > 0.0)
    share[-1] /= SHARE
    volumes = h.prod(axis=1)
    scale = np.append(volumes[:-1] / volumes[1:], 0.0)
    return np.column_stack([1.0 / h**2, levels.weights, share, scale, np.zeros(len(h))])


_made: dict[tuple[int, int, bool], Hierarchy] = {}


def hierarchy(device: Device, levels: Levels) -> Hierarchy:
    """Tables and scratch of these levels on a device; kept as long as both are."""
    key = (id(device), id(levels), device.processor)
    if key not in _made:
        made = Hierarchy(device, levels)
        for owner in (device, levels):
            weakref.finalize(owner, _made.pop, key, None)
        _made[key] = made
    return _made[key]


def whole(*values: int) -> list[Any]:
    """Kernel arguments of the type ``int``."""
    return [np.int32(value) for value in values]
