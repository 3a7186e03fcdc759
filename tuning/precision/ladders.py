"""What may be lowered: subproblems, each with a ladder of levels, and the assignments of a level to each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

Assignment = dict[str, str]


@dataclass(frozen=True)
class Level:
    """One level of a subproblem, and the levels of others that it needs."""

    name: str
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ladder:
    """The levels of a subproblem, the most exact one first.

    Examples
    --------
    >>> Ladder("state", (Level("fp64"), Level("fp32"))).above("fp32")
    'fp64'
    """

    subproblem: str
    levels: tuple[Level, ...]

    def above(self, name: str) -> str | None:
        """Name of the next more exact level; None at the top."""
        names = [level.name for level in self.levels]
        index = names.index(name)
        return names[index - 1] if index else None


def finest(ladders: Sequence[Ladder]) -> Assignment:
    """The top of all ladders."""
    return {ladder.subproblem: ladder.levels[0].name for ladder in ladders}


def alone(ladders: Sequence[Ladder], ladder: Ladder, level: Level) -> tuple[Assignment, Assignment]:
    """The assignment in which only one subproblem is lowered, and the one that it is to be compared with.

    Both have what the level needs.

    Examples
    --------
    >>> products = Ladder("products", (Level("fp64"), Level("bf16", {"state": "fp32"})))
    >>> alone([Ladder("state", (Level("fp64"), Level("fp32"))), products], products, products.levels[1])
    ({'state': 'fp32', 'products': 'bf16'}, {'state': 'fp32', 'products': 'fp64'})
    """
    base = finest(ladders) | dict(level.needs)
    return base | {ladder.subproblem: level.name}, base


def holds(ladders: Sequence[Ladder], assignment: Assignment) -> bool:
    """Whether each level has what it needs."""
    levels = [next(x for x in ladder.levels if x.name == assignment[ladder.subproblem]) for ladder in ladders]
    return all(assignment[name] == wanted for level in levels for name, wanted in level.needs.items())


def assignments(ladders: Sequence[Ladder]) -> Iterator[Assignment]:
    """All assignments that hold, the finest one first."""
    names = [ladder.subproblem for ladder in ladders]
    for levels in product(*(ladder.levels for ladder in ladders)):
        assignment = dict(zip(names, (level.name for level in levels), strict=True))
        if holds(ladders, assignment):
            yield assignment


def lifted(ladders: Sequence[Ladder], assignment: Assignment, subproblem: str) -> Assignment:
    """An assignment with one subproblem a level up, and others as far up as their needs then ask for.

    Raises
    ------
    ValueError
        If the subproblem is at the top.

    Examples
    --------
    >>> products = Ladder("products", (Level("fp64"), Level("bf16", {"state": "fp32"})))
    >>> ladders = [Ladder("state", (Level("fp64"), Level("fp32"))), products]
    >>> lifted(ladders, {"state": "fp32", "products": "bf16"}, "state")
    {'state': 'fp64', 'products': 'fp64'}
    """
    by_name = {ladder.subproblem: ladder for ladder in ladders}
    up = assignment | {subproblem: _above(by_name[subproblem], assignment[subproblem])}
    for ladder in ladders:
        while not holds([ladder], up):
            up[ladder.subproblem] = _above(ladder, up[ladder.subproblem])
    return up


def _above(ladder: Ladder, name: str) -> str:
    above = ladder.above(name)
    if above is None:
        raise ValueError(f"{ladder.subproblem} is at its top, {name}: nothing is more exact")
    return above
