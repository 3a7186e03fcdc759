"""Ranks in a grid of bricks: who has which part of the cell, and what they do together."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
import typer
from numpy.typing import NDArray

from ...dcmesh.parallel.abort import abort
from ...dcmesh.parallel.team import MpiLine, Single
from ...errors import MlmdError
from ...interrupt import Interrupted

Thing = TypeVar("Thing")


class DecompositionError(MlmdError):
    """A cell that cannot be shared out among so many ranks."""


class Ring(Protocol):
    """The ranks along one axis of the grid; beyond the last one is the first."""

    rank: int
    size: int

    def pass_on(self, thing: Thing, step: int) -> Thing:
        """Send something, such as an array, to the rank ``step`` further on; get that of the rank as far behind."""


class OwnRing(Single):
    """One rank, which is its own neighbour."""

    def pass_on(self, thing: Thing, step: int) -> Thing:
        """The thing itself."""
        return thing


class MpiRing(MpiLine):
    """The ranks of a communicator of mpi4py."""

    def pass_on(self, thing: Thing, step: int) -> Thing:
        """See `Ring`: it is pickled."""
        to, source = (self.rank + step) % self.size, (self.rank - step) % self.size
        return self._comm.sendrecv(thing, dest=to, source=source)


class Ranks:
    """All ranks, and their rings along the three axes of the cell.

    Parameters
    ----------
    world
        Communicator of mpi4py; None for one rank.
    grid : (int, int, int)
        Ranks along each axis.

    Attributes
    ----------
    place : (int, int, int)
        Of this rank in the grid.

    Examples
    --------
    >>> alone = Ranks()
    >>> alone.size, alone.place, alone.sum(2.0)
    (1, (0, 0, 0), 2.0)
    """

    def __init__(self, world: Any = None, grid: tuple[int, int, int] = (1, 1, 1)) -> None:
        self.grid = grid
        self._all: Single | MpiLine = Single() if world is None else MpiLine(world)
        self._world, self.rank, self.size = world, self._all.rank, self._all.size
        x, y, z = (int(number) for number in np.unravel_index(self.rank, grid))
        self.place = (x, y, z)
        self.rings: tuple[Ring, ...] = (OwnRing(), OwnRing(), OwnRing())
        if world is not None:
            colours = [(y, z), (x, z), (x, y)]
            self.rings = tuple(
                MpiRing(world.Split(a * max(grid) + b, place))
                for (a, b), place in zip(colours, self.place, strict=True)
            )

    def sum(self, numbers: Any) -> Any:
        """Sum over the ranks, in their order, of a number or an array."""
        total = self._all.sum(np.atleast_1d(np.asarray(numbers)))
        return total if np.ndim(numbers) else total[0].item()

    def collect(self, thing: Thing) -> list[Thing]:
        """The things of all ranks in the order of the ranks."""
        return self._all.collect([thing])

    def gather(self, thing: Thing) -> list[Thing] | None:
        """The things of all ranks on the first one; None on the others."""
        return [thing] if self._world is None else self._world.gather(thing)

    def alike(self, work: Callable[[], Thing]) -> Thing:
        """Do something on each rank; an error of ours on one of them is raised on all."""
        try:
            result = work()
        except MlmdError as error:
            self.collect(str(error))
            raise
        problems = [one for one in self.collect("") if one]
        if problems:
            raise MlmdError(problems[0])
        return result

    def abort(self, words: str) -> None:
        """Say why, and end the job on all ranks."""
        abort(self._world, words)

    def lead(self, work: Callable[[], None]) -> None:
        """Do something on the first rank alone; an error of ours is raised on all."""
        self.alike(work if self.rank == 0 else lambda: None)


def find_ranks(heights: NDArray[np.float64], periodic: NDArray[np.bool_]) -> Ranks:
    """All ranks of this job, in the grid of bricks with the smallest surface.

    Parameters
    ----------
    heights : ndarray, (3,)
        Distances between opposite faces of the cell.
    periodic : ndarray of bool, (3,)
        Which axes are periodic; the others are not divided.

    Returns
    -------
    Ranks

    Raises
    ------
    MlmdError
        See `mlmd.crew.find_crew` and :func:`choose_grid`.
    """
    from ...crew import find_crew

    crew = find_crew()
    return Ranks() if crew is None else Ranks(crew.world, choose_grid(crew.size, heights.tolist(), periodic.tolist()))


def choose_grid(ranks: int, heights: Sequence[float], periodic: Sequence[bool]) -> tuple[int, int, int]:
    """Share a cell out among ranks so that the bricks have the smallest surface, which is what the ghosts are.

    Parameters
    ----------
    ranks : int
        How many there are.
    heights : sequence of float
        Distances between opposite faces of the cell.
    periodic : sequence of bool
        Which axes may be divided.

    Returns
    -------
    (int, int, int)

    Raises
    ------
    DecompositionError
        More than one rank and no periodic axis.

    Examples
    --------
    >>> choose_grid(8, [10.0, 10.0, 10.0], [True, True, True])
    (2, 2, 2)
    >>> choose_grid(4, [40.0, 10.0, 10.0], [True, True, True])
    (4, 1, 1)
    >>> choose_grid(4, [10.0, 10.0, 90.0], [True, True, False])
    (2, 2, 1)
    """
    divisors = [n for n in range(1, ranks + 1) if ranks % n == 0]
    grids = [
        (a, b, c)
        for a, b, c in itertools.product(divisors, repeat=3)
        if a * b * c == ranks and all(n == 1 or p for n, p in zip((a, b, c), periodic, strict=True))
    ]
    if not grids:
        raise DecompositionError(
            f"{ranks} ranks share out periodic axes, and the structure has none: run it on one rank, with more threads"
        )

    def surface(grid: tuple[int, int, int]) -> float:
        x, y, z = (height / n for height, n in zip(heights, grid, strict=True))
        return x * y + y * z + z * x

    return min(grids, key=surface)


@contextmanager
def ending_together(ranks: Ranks) -> Iterator[None]:
    """End all ranks when one of them meets what was not foreseen; errors of ours all ranks meet alike.

    Parameters
    ----------
    ranks : Ranks
        All of them.
    """
    try:
        yield
    except (MlmdError, Interrupted, typer.Exit):
        raise
    except BaseException:
        if ranks.size == 1:
            raise
        ranks.abort(f"{traceback.format_exc()}error: rank {ranks.rank} of {ranks.size} failed")
