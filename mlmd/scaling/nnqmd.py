"""What one rank of XS-NNQMD does and sends in an MD step, counted.

A rank has the atoms of a brick of the cell. A strictly local network needs besides only ghosts: the atoms of the
neighbours within a cutoff of the brick, whose own energies are not counted. Positions of ghosts come in, forces on them
go out, along one axis after the other, so that edges and corners need no messages of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..backends import PlanError
from ..perf.scaling import published_nnqmd as published
from ..perf.scaling.model import Load, Work
from ..perf.scaling.network import EXCHANGE, SUM, Message
from ..perf.scaling.series import Case, Series

VECTOR = 3 * 8  # bytes of a position, velocity or force
SUMS = 8 * 8  # bytes of what all ranks sum in a step: energies and the virial
STATE = 4 * VECTOR + 2 * 8  # bytes of an atom or ghost: position, velocity, two forces, type and number
PAIR = 2 * 8 + VECTOR  # bytes of a pair of neighbours: two numbers, the vector between them
BLOCK = 4096  # atoms that are evaluated at a time


@dataclass(frozen=True)
class Crystal:
    """What is simulated: atoms per cubic Angstrom, cutoff (Angstrom), neighbours of an atom within it."""

    density: float
    cutoff: float
    neighbours: float


@dataclass(frozen=True)
class Network:
    """What a model does for one pair of neighbours, and what it holds for one atom.

    Attributes
    ----------
    label : str
        Its size in words.
    weights : int
        How many it has.
    work : mapping
        Part -> (operations, least bytes) of a pair, counted in an evaluation.
    held : float
        Bytes of an atom while it is evaluated.
    """

    label: str
    weights: int
    work: dict[str, tuple[float, float]]
    held: float = 0.0


@dataclass(frozen=True)
class Brick:
    """The part of the cell that a rank has: sides in Angstrom."""

    sides: tuple[float, float, float]
    crystal: Crystal

    @property
    def atoms(self) -> float:
        """Its own."""
        return self.crystal.density * math.prod(self.sides)

    @property
    def ghosts(self) -> float:
        """Atoms of the neighbours within a cutoff: those of the brick widened on all sides, without its own.

        Examples
        --------
        >>> Brick((10.0, 10.0, 10.0), Crystal(density=0.1, cutoff=5.0, neighbours=47.0)).ghosts
        700.0
        """
        return self.crystal.density * math.prod(side + 2 * self.crystal.cutoff for side in self.sides) - self.atoms

    @property
    def sent(self) -> tuple[float, float, float]:
        """Atoms that go to one neighbour along each axis; what came along the axes before goes on.

        Examples
        --------
        >>> brick = Brick((10.0, 10.0, 10.0), Crystal(density=0.1, cutoff=5.0, neighbours=47.0))
        >>> brick.sent, 2 * sum(brick.sent) == brick.ghosts
        ((50.0, 100.0, 200.0), True)
        """
        (a, b, c), reach = self.sides, self.crystal.cutoff
        layer = self.crystal.density * reach
        return layer * b * c, layer * (a + 2 * reach) * c, layer * (a + 2 * reach) * (b + 2 * reach)


def cube(atoms: float, crystal: Crystal) -> Brick:
    """A cube that holds so many atoms.

    Raises
    ------
    PlanError
        For one that is thinner than the cutoff: its ghosts come from more than the nearest neighbours.

    Examples
    --------
    >>> round(cube(1000, Crystal(0.125, 5.0, 60.0)).sides[0], 9)
    20.0
    """
    side = (atoms / crystal.density) ** (1 / 3)
    if side < crystal.cutoff:
        raise PlanError(
            f"{atoms:,.0f} atoms a rank fill a cube of {side:.3g} Angstrom, thinner than the cutoff of "
            f"{crystal.cutoff:g}; project to fewer ranks"
        )
    return Brick((side, side, side), crystal)


def load(brick: Brick, network: Network) -> Load:
    """Work of a rank in a step, by part.

    Examples
    --------
    >>> brick = Brick((10.0, 10.0, 10.0), Crystal(density=0.1, cutoff=5.0, neighbours=47.0))
    >>> load(brick, Network("made up", 1, {"dense": (10.0, 4.0)}))["dense"]
    Work(calls=1, flops=47000.0, nbytes=18800.0)
    """
    return work(brick.atoms, brick.ghosts, brick.crystal.neighbours, network)


def work(atoms: float, ghosts: float, neighbours: float, network: Network) -> Load:
    """Work on so many atoms and ghosts with so many neighbours each, by part."""
    pairs, present = atoms * neighbours, atoms + ghosts
    parts = {name: Work(1, flops * pairs, nbytes * pairs) for name, (flops, nbytes) in network.work.items()}
    return parts | {
        "neighbours": Work(1, 0.0, PAIR * present * neighbours),  # those of ghosts are looked for too
        "atoms": Work(1, 0.0, 2.0 * STATE * present),
    }


def messages(brick: Brick, ranks: int) -> list[Message]:
    """Messages of a rank in a step: ghosts in and forces out along three axes, and a sum.

    Examples
    --------
    >>> brick = Brick((10.0, 10.0, 10.0), Crystal(density=0.1, cutoff=5.0, neighbours=47.0))
    >>> messages(brick, 8)[0]
    Message(kind='exchange', calls=2, nbytes=1200.0, ranks=8)
    """
    if ranks == 1:
        return []
    return [*(Message(EXCHANGE, 2, VECTOR * atoms, ranks) for atoms in brick.sent), Message(SUM, 1, SUMS, ranks)]


def memory(brick: Brick, network: Network) -> float:
    """Bytes of a rank that evaluates so many atoms at a time as a block has."""
    return STATE * (brick.atoms + brick.ghosts) + network.held * min(brick.atoms, BLOCK)


def case(ranks: int, each: float, crystal: Crystal, network: Network) -> Case:
    """A run with so many atoms for each rank."""
    brick = cube(each, crystal)
    return Case(ranks, each * ranks, load(brick, network), messages(brick, ranks), memory(brick, network))


def weak_series(ranks: Sequence[int], crystal: Crystal, network: Network) -> list[Series]:
    """Figure 5a: three numbers of atoms for each rank."""
    return [
        Series(f"{each:,} atoms a rank", [case(count, each, crystal, network) for count in ranks], points)
        for each, points in published.WEAK.items()
    ]


def strong_series(ranks: Sequence[int], crystal: Crystal, network: Network) -> list[Series]:
    """Figure 5b: two numbers of atoms shared out to more and more ranks."""
    return [
        Series(f"{atoms:,} atoms", [case(count, atoms / count, crystal, network) for count in ranks], points)
        for atoms, points in published.STRONG.items()
    ]
