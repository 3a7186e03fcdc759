"""Strategies that say which candidates to time next, by ask and tell.

A strategy is told the time of each candidate relative to that of the default in the same rounds; infinity for one that
failed.  It never asks for a candidate twice, and it ends when there is none left.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from .space import DEFAULT, Candidate, Space

FEW = 24  # candidates that are all timed
BATCH = 6  # candidates that are timed in the same rounds
PROGRESS = 0.995  # of the time of the centre: a neighbour that takes no less is no step down


class Strategy(Protocol):
    """Ask and tell."""

    def ask(self, most: int) -> list[Candidate]:
        """Candidates to time next, not more than ``most``; none when the search is over."""

    def tell(self, times: Mapping[Candidate, float]) -> None:
        """Times of candidates that were asked for, relative to the default."""


class InOrder:
    """Candidates in an order that is fixed beforehand: all of them, or all at random.

    Examples
    --------
    >>> InOrder(Space({"block": (0, 4, 8)})).ask(1)
    [(('block', 4),)]
    """

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._left = [candidate for candidate in candidates if candidate != DEFAULT]

    def ask(self, most: int) -> list[Candidate]:
        """See `Strategy`."""
        taken, self._left = self._left[:most], self._left[most:]
        return taken

    def tell(self, times: Mapping[Candidate, float]) -> None:
        """Nothing depends on the times."""


class Local:
    """Steps to the best neighbour, from the default; where there is none that is faster, a restart at random.

    Examples
    --------
    >>> search = Local(Space({"block": (0, 4), "isa": (0, 2)}))
    >>> search.ask(9)
    [(('block', 4),), (('isa', 2),)]
    """

    def __init__(self, space: Space, seed: int = 0) -> None:
        self._space, self._random = space, random.Random(seed)
        self._times: dict[Candidate, float] = {DEFAULT: 1.0}
        self._asked = {DEFAULT}
        self._centre = DEFAULT

    def ask(self, most: int) -> list[Candidate]:
        """See `Strategy`."""
        while True:
            around = self._space.neighbours(self._centre)
            fresh = [candidate for candidate in around if candidate not in self._asked][:most]
            if fresh:
                self._asked.update(fresh)
                return fresh
            best = min(around, key=self._time, default=self._centre)
            if self._time(best) < PROGRESS * self._time(self._centre):
                self._centre = best
                continue
            untried = [candidate for candidate in self._space if candidate not in self._asked]
            if not untried:
                return []
            self._centre = self._random.choice(untried)
            self._asked.add(self._centre)
            return [self._centre]

    def tell(self, times: Mapping[Candidate, float]) -> None:
        """See `Strategy`."""
        self._times.update(times)

    def _time(self, candidate: Candidate) -> float:
        return self._times.get(candidate, math.inf)


def exhaustive(space: Space, seed: int = 0) -> Strategy:
    """All candidates, those with few changes first."""
    return InOrder(space)


def at_random(space: Space, seed: int = 0) -> Strategy:
    """All candidates, in random order."""
    candidates = list(space)
    random.Random(seed).shuffle(candidates)
    return InOrder(candidates)


def usual(space: Space, seed: int = 0) -> Strategy:
    """Exhaustive where there are few candidates, else local search."""
    return exhaustive(space) if len(space) <= FEW else Local(space, seed)


STRATEGIES: dict[str, Callable[[Space, int], Strategy]] = {
    "usual": usual,
    "exhaustive": exhaustive,
    "random": at_random,
    "local": Local,
}
