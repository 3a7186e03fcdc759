"""Strategies on spaces whose optimum is known."""

from __future__ import annotations

import math

import pytest

from mlmd.tuning.search import BATCH, FEW, STRATEGIES, Strategy
from mlmd.tuning.space import DEFAULT, Candidate, Space

from .fakes import SPACE, valley

BEST = SPACE.candidate({"block": 4, "isa": "v3"})


def asked_for(strategy: Strategy, trials: int = 10**6) -> list[Candidate]:
    """What a strategy asks for when it is told the truth."""
    found: list[Candidate] = []
    while len(found) < trials and (asked := strategy.ask(BATCH)):
        assert len(asked) <= BATCH
        found += asked
        strategy.tell({candidate: valley(candidate) / valley(DEFAULT) for candidate in asked})
    return found


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_candidate_is_asked_for_once(name: str) -> None:
    found = asked_for(STRATEGIES[name](SPACE, 0))
    assert sorted(found) == sorted(set(SPACE) - {DEFAULT})


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_space_of_the_default_alone_is_searched_at_once(name: str) -> None:
    assert asked_for(STRATEGIES[name](Space({}), 0)) == []


def test_local_search_goes_downhill() -> None:
    """The neighbours of the default and of two better points: half of the space, where chance needs all of it."""
    assert BEST in asked_for(STRATEGIES["local"](SPACE, 0), trials=len(SPACE) // 2)


@pytest.mark.parametrize("seed", range(5))
def test_local_search_leaves_a_local_minimum(seed: int) -> None:
    space = Space({"a": tuple(range(8)), "b": tuple(range(8))})

    def trap(candidate: Candidate) -> float:
        full = space.full(candidate)
        return 0.5 if full == {"a": 6, "b": 5} else 1.0 + 0.1 * len(candidate)

    strategy, best = STRATEGIES["local"](space, seed), math.inf
    while asked := strategy.ask(BATCH):
        told = {candidate: trap(candidate) for candidate in asked}
        best = min(best, *told.values())
        strategy.tell(told)
    assert best == 0.5


def test_failed_candidates_lead_nowhere() -> None:
    strategy = STRATEGIES["local"](SPACE, 0)
    first = strategy.ask(99)
    strategy.tell(dict.fromkeys(first, math.inf))
    (chosen,) = strategy.ask(99)
    assert len(chosen) > 1, "a restart at random among those that are left"


def test_small_spaces_are_searched_in_order_and_large_ones_locally() -> None:
    small = Space({"block": tuple(range(FEW))})
    assert asked_for(STRATEGIES["usual"](small, 0)) == list(small)[1:]
    assert asked_for(STRATEGIES["usual"](SPACE, 3)) == asked_for(STRATEGIES["local"](SPACE, 3))


def test_idle_knobs_are_not_varied() -> None:
    space = Space({"solver": ("own", "fft"), "block": (0, 4, 8)}, {"solver=fft": ["block"]})
    assert len(space) == 4
    assert space.neighbours((("solver", "fft"),)) == [()]
    assert sorted(asked_for(STRATEGIES["local"](space, 0))) == sorted(set(space) - {()})
