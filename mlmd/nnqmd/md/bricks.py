"""Bricks of the cell: which rank an atom belongs to, and its way there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .particles import Floats, Ints, System, joined

BIN = 6.0  # Angstrom: atoms are kept in the order of boxes of this size, so that neighbours are near in memory


def fractional(positions: Floats, cell: Floats) -> Floats:
    """Coordinates along the vectors of the cell.

    Examples
    --------
    >>> fractional(np.array([[1.0, 2.0, 3.0]]), np.diag([2.0, 4.0, 4.0])).tolist()
    [[0.5, 0.5, 0.75]]
    """
    return positions @ np.linalg.inv(cell)


def heights(cell: Floats) -> Floats:
    """Distances between opposite faces of a cell.

    Examples
    --------
    >>> heights(np.diag([2.0, 4.0, 8.0])).tolist()
    [2.0, 4.0, 8.0]
    """
    return 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)


def wrap(system: System) -> None:
    """Bring the atoms of this rank back into the cell along its periodic axes."""
    atoms = system.particles
    cells = np.where(system.periodic, np.floor(fractional(atoms.positions, system.cell)), 0.0)
    atoms.positions -= cells @ system.cell
    atoms.images += cells.astype(np.int64)


def homes(coordinates: Floats, grid: tuple[int, int, int]) -> Ints:
    """Places in the grid of ranks, (atoms, 3), of atoms at fractional coordinates."""
    return np.clip(np.floor(coordinates * grid).astype(np.int64), 0, np.array(grid) - 1)


def migrate(system: System) -> None:
    """Hand atoms that are not in their brick to the rank that is, and put all in order.

    Parameters
    ----------
    system : System
        Changed in place. Its atoms are then in an order that depends on their positions and numbers alone.
    """
    coordinates = fractional(system.particles.positions, system.cell)
    ranks = system.ranks
    for axis, ring in enumerate(ranks.rings):
        if ring.size == 1:
            continue
        while True:
            way = homes(coordinates, ranks.grid)[:, axis] - ring.rank
            ahead = (way != 0) & (way % ring.size <= ring.size // 2)
            behind = (way != 0) & ~ahead
            if not ranks.sum(int(np.count_nonzero(way))):
                break
            atoms = system.particles
            system.particles = joined(
                [
                    atoms.rows(way == 0),
                    ring.pass_on(atoms.rows(ahead), 1),
                    ring.pass_on(atoms.rows(behind), -1),
                ]
            )
            coordinates = fractional(system.particles.positions, system.cell)
    system.particles = system.particles.rows(_order(coordinates, system.cell, system.particles.ids))


def _order(coordinates: Floats, cell: Floats, ids: Ints) -> NDArray[np.intp]:
    boxes = np.floor(coordinates * np.maximum(1.0, np.floor(heights(cell) / BIN)))
    return np.lexsort((ids, boxes[:, 2], boxes[:, 1], boxes[:, 0]))
