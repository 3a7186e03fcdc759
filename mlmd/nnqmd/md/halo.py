"""Ghosts: atoms of other bricks, or images of own ones, that atoms of this brick can see.

Along each axis in turn a rank passes the atoms near its faces on to both neighbours, together with the ghosts that it
has from the axes before; so corners need no messages of their own. Where a brick is thinner than the shell of ghosts,
what was received is passed on again: any cell and any number of ranks will do, and a small periodic cell is its own
neighbour as often as need be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bricks import fractional, heights
from .particles import Floats, System

ROUNDING = 1e-9  # of fractional coordinates


@dataclass(frozen=True)
class Swap:
    """One message: which points go along an axis, by how many cells they shift, which rows receive those that come."""

    axis: int
    step: int
    sent: NDArray[np.intp]
    shift: Floats
    received: slice


class Halo:
    """The ghosts of a rank, as long as its list of neighbours lasts.

    Parameters
    ----------
    system : System
        Atoms at home (:func:`mlmd.nnqmd.md.bricks.migrate`).
    reach : float
        Width of the shell in Angstrom.

    Attributes
    ----------
    points : int
        Atoms of this rank and ghosts, in this order.

    Examples
    --------
    >>> import ase
    >>> from .particles import make_system
    >>> system = make_system(ase.Atoms("H", [[1, 9, 1]], cell=[2, 18, 8], pbc=[True, True, False]), ["H"])
    >>> Halo(system, 3.0).positions(system)[:, 0].tolist()
    [1.0, -1.0, -3.0, 3.0, 5.0]
    """

    def __init__(self, system: System, reach: float) -> None:
        self._rings = system.ranks.rings
        self._swaps: list[Swap] = []
        self.points = len(system.particles)
        coordinates = fractional(system.particles.positions, system.cell)
        for axis in np.flatnonzero(system.periodic):
            coordinates = self._along(int(axis), coordinates, reach / heights(system.cell)[axis])

    def _along(self, axis: int, coordinates: Floats, width: float) -> Floats:
        """Swaps along an axis for a shell of that width, in fractions of the cell; the coordinates of all points."""
        ring = self._rings[axis]
        low, high = ring.rank / ring.size, (ring.rank + 1) / ring.size
        parts = [coordinates]
        for step in (1, -1):
            first, candidates = 0, coordinates
            for _ in range(int(np.ceil(width * ring.size + ROUNDING))):
                x = candidates[:, axis]
                near = x >= high - width - ROUNDING if step > 0 else x <= low + width + ROUNDING
                sent = np.flatnonzero(near)
                crosses = ring.rank == (ring.size - 1 if step > 0 else 0)
                shift = np.zeros(3)
                shift[axis] = -step if crosses else 0
                came = ring.pass_on(candidates[sent] + shift, step)
                rows = slice(self.points, self.points + len(came))
                self._swaps.append(Swap(axis, step, first + sent, shift, rows))
                parts.append(came)
                first, candidates, self.points = rows.start, came, rows.stop
        return np.concatenate(parts)

    def _filled(self, own: NDArray, cell: Floats | None) -> NDArray:
        values = np.empty((self.points, *own.shape[1:]), own.dtype)
        values[: len(own)] = own
        for swap in self._swaps:
            given = values[swap.sent] if cell is None else values[swap.sent] + swap.shift @ cell
            values[swap.received] = self._rings[swap.axis].pass_on(given, swap.step)
        return values

    def positions(self, system: System) -> Floats:
        """Positions of all points, (points, 3): those of the ghosts are where they are seen from here."""
        return self._filled(system.particles.positions, system.cell)

    def values(self, own: NDArray) -> NDArray:
        """What belongs to atoms, for all points."""
        return self._filled(own, None)

    def order(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Numbers of all points in an order that is the same on any number of ranks: by atom, then by cell.

        Where sums over neighbours are taken in this order, rounding is the same for any division of the atoms.
        """
        x, y, z = self._filled(np.zeros((len(ids), 3)), np.eye(3)).T
        return np.argsort(np.lexsort((z, y, x, self.values(ids))))

    def summed(self, values: Floats, own: int) -> Floats:
        """Add what the ghosts got to their owners; returns the rows of the atoms of this rank. Changes ``values``."""
        for swap in reversed(self._swaps):
            values[swap.sent] += self._rings[swap.axis].pass_on(values[swap.received], -swap.step)
        return values[:own]
