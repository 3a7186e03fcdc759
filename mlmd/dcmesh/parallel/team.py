"""The ranks that work together, and the few things that they do together.

All sums are taken in the order of the ranks: the same number of ranks gives the same bits each time, on each rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Thing = TypeVar("Thing")
PAIR = 2  # planes of the grid that the kinetic propagator turns together: planes are shared out by pairs


class Line(Protocol):
    """Ranks that share something out among themselves; all calls but `block` are collective."""

    rank: int
    size: int

    def block(self, count: int) -> slice:
        """The part of ``count`` things in a row that is this rank's; parts differ by one at most."""

    def sum(self, array: NDArray[Any]) -> NDArray[Any]:
        """Sum of the arrays of all ranks."""

    def collect(self, things: Sequence[Thing]) -> list[Thing]:
        """The things of all ranks in the order of the ranks; each rank may have any number of them."""

    def exchange(self, first: NDArray[Any], last: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Send to both neighbours on the ring of ranks; get the ``last`` of the one before, the ``first`` of the next.

        Both arrays are C-contiguous and alike on all ranks.
        """


class Single:
    """One rank, which has all.

    Examples
    --------
    >>> Single().block(5), Single().sum(np.ones(2)).tolist()
    (slice(0, 5, None), [1.0, 1.0])
    >>> before, after = Single().exchange(np.zeros(1), np.ones(1))
    >>> before.tolist(), after.tolist()
    ([1.0], [0.0])
    """

    rank, size = 0, 1

    def block(self, count: int) -> slice:
        """All."""
        return slice(0, count)

    def sum(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array itself."""
        return array

    def collect(self, things: Sequence[Thing]) -> list[Thing]:
        """The things themselves."""
        return list(things)

    def exchange(self, first: NDArray[Any], last: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """It is its own neighbour."""
        return last.copy(), first.copy()


class MpiLine:
    """The ranks of a communicator of mpi4py."""

    def __init__(self, comm: Any) -> None:
        self._comm = comm
        self.rank, self.size = int(comm.rank), int(comm.size)

    def block(self, count: int) -> slice:
        """See `Line`."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def sum(self, array: NDArray[Any]) -> NDArray[Any]:
        """See `Line`: each rank sums a piece and hands it to all."""
        piece = -(-array.size // self.size)
        mine = np.zeros((self.size, piece), array.dtype)
        mine.reshape(-1)[: array.size] = array.reshape(-1)
        pieces = np.empty_like(mine)
        self._comm.Alltoall(mine, pieces)
        self._comm.Allgather(pieces.sum(axis=0), mine)
        return mine.reshape(-1)[: array.size].reshape(array.shape)

    def collect(self, things: Sequence[Thing]) -> list[Thing]:
        """See `Line`: they are pickled."""
        return list(chain.from_iterable(self._comm.allgather(list(things))))

    def exchange(self, first: NDArray[Any], last: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """See `Line`."""
        before, after = (self.rank - 1) % self.size, (self.rank + 1) % self.size
        from_before, from_after = np.empty_like(last), np.empty_like(first)
        self._comm.Sendrecv(last, after, recvbuf=from_before, source=before)
        self._comm.Sendrecv(first, before, recvbuf=from_after, source=after)
        return from_before, from_after


class Team(NamedTuple):
    """Where one rank stands among all.

    Attributes
    ----------
    ranks
        All ranks of its domain.
    bands
        Those of them that have the same planes of the grid and share out the bands.
    space
        Those that have the same bands and share out the planes.
    domains
        The ranks in its place in all teams, one of each: they share out the domains.
    """

    ranks: Line
    bands: Line
    space: Line
    domains: Line


ALONE = Team(Single(), Single(), Single(), Single())
"""The team of a process without MPI."""


def split(world: Any, bands: int, space: int) -> Team:
    """Teams of bands x space ranks out of a communicator of mpi4py; a collective call.

    Parameters
    ----------
    world
        Its size is a multiple of ``bands * space``; the ranks of a team follow one another.
    bands, space
        Ranks that share out the bands and the planes.
    """
    domain, place = divmod(world.rank, bands * space)
    band, slab = divmod(place, space)
    count = bands * space
    return Team(
        ranks=MpiLine(world.Split(domain, place)),
        bands=MpiLine(world.Split(domain * space + slab, band)),
        space=MpiLine(world.Split(domain * bands + band, slab)),
        domains=MpiLine(world.Split(place % count, domain)),
    )
