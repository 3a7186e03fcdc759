"""Gate, race, runoff and decision on machines with known times."""

from __future__ import annotations

import random

import pytest

from mlmd.tuning.runner import FINALISTS, LEAST_RUNOFF, TIE, Decision, GateError, race, tune
from mlmd.tuning.search import STRATEGIES, exhaustive
from mlmd.tuning.space import DEFAULT, Candidate

from .fakes import SPACE, Machine, valley

BEST = SPACE.candidate({"block": 4, "isa": "v3"})


def decide(machine: Machine, budget: float = 100.0, search: str = "exhaustive") -> Decision:
    return tune(machine, STRATEGIES[search](SPACE, 0), budget)


@pytest.mark.parametrize("search", STRATEGIES)
def test_the_optimum_is_found(search: str) -> None:
    found = decide(Machine(), search=search)
    assert found.candidate == BEST
    assert found.ratio.value == pytest.approx(0.6)
    assert found.seconds == pytest.approx(0.006)
    assert found.default_seconds == pytest.approx(0.01)
    assert found.trials == len(SPACE)


@pytest.mark.parametrize("seed", range(8))
def test_the_optimum_is_found_under_noise(seed: int) -> None:
    """Two per cent of noise in a sample, ten in what all samples of a round have in common."""
    assert decide(Machine(noise=0.02, seed=seed)).candidate == BEST


def meetings(machine: Machine) -> list[list[Candidate]]:
    """Rounds of the runoff, there and back."""
    return [row for row in machine.rounds if len(row) > 1 and row == row[::-1]]


def test_the_default_is_gated_and_timed_first() -> None:
    machine = Machine()
    decide(machine)
    assert machine.gated[0] == (DEFAULT, False)
    assert machine.rounds[0] == [DEFAULT]
    assert all(DEFAULT in row for row in machine.rounds)


def test_nobody_has_a_place_of_its_own() -> None:
    """Who comes first in a round, or after whom, moves a time by several per cent."""
    machine = Machine()
    decide(machine)
    places = [row.index(DEFAULT) for row in meetings(machine)]
    most = len(meetings(machine)[0]) // 2
    assert all(places.count(place) > 0.5 * len(places) / most for place in range(most))


def test_nothing_is_timed_before_its_gate() -> None:
    machine = Machine()
    decide(machine)
    assert {candidate for row in machine.rounds for candidate in row} <= {c for c, whole in machine.gated if not whole}
    finalists = {candidate for row in meetings(machine) for candidate in row} - {DEFAULT}
    assert 1 <= len(finalists) <= FINALISTS
    assert finalists == {candidate for candidate, whole in machine.gated if whole}


def test_a_wrong_candidate_is_never_timed() -> None:
    machine = Machine(wrong={BEST: "small"})
    found = decide(machine)
    assert found.candidate == SPACE.candidate({"block": 8, "isa": "v3"})
    assert "differs" in found.refused[BEST]
    assert all(BEST not in row for row in machine.rounds)


def test_a_candidate_that_is_wrong_on_the_whole_problem_does_not_win() -> None:
    found = decide(Machine(wrong={BEST: "whole"}))
    assert found.candidate == SPACE.candidate({"block": 8, "isa": "v3"})
    assert set(found.refused) == {BEST}


def test_a_wrong_default_ends_the_tuning() -> None:
    with pytest.raises(GateError):
        decide(Machine(wrong={DEFAULT: "small"}))


def test_slow_candidates_drop_out_of_a_race() -> None:
    machine, quick, slow = Machine(), (("block", 4),), (("block", 16),)
    told = race(machine, [quick, slow], deadline=100.0)
    assert told == pytest.approx({quick: 0.8, slow: 1.4})
    assert [len(row) for row in machine.rounds] == [3, 3, 3, 2, 2]


def test_the_default_stays_where_nothing_beats_it() -> None:
    found = decide(Machine(lambda candidate: 1e-2 * (1.0 + 0.1 * len(candidate))))
    assert found.candidate == DEFAULT
    assert found.ratio.value == 1.0


@pytest.mark.parametrize(("gain", "wins"), [(0.5 * TIE, False), (1.5 * TIE, True)])
def test_a_winner_that_ties_with_the_default_does_not_win(gain: float, wins: bool) -> None:
    found = decide(Machine(lambda candidate: 1e-2 * ((1.0 - gain) if candidate == BEST else 1.2 if candidate else 1.0)))
    assert (found.candidate == BEST) == wins


@pytest.mark.parametrize("seed", range(8))
def test_noise_alone_wins_nothing(seed: int) -> None:
    assert decide(Machine(lambda candidate: 1e-2, noise=0.02, seed=seed)).candidate == DEFAULT


@pytest.mark.parametrize("seed", range(8))
def test_equals_resolve_to_the_fewest_changes(seed: int) -> None:
    """A knob that does nothing is not turned, however the noise falls."""

    def seconds(candidate: Candidate) -> float:
        return valley(tuple(item for item in candidate if item[0] != "schedule"))

    found = decide(Machine(seconds, noise=0.003, seed=seed))
    assert found.candidate == BEST


def test_the_budget_holds() -> None:
    machine = Machine()
    found = decide(machine, budget=1.0)
    assert found.trials < len(SPACE)
    assert machine.now() < 1.0 + 0.2
    assert len(meetings(machine)) > LEAST_RUNOFF


def test_a_budget_of_nothing_still_times_the_default() -> None:
    found = tune(Machine(), exhaustive(SPACE), 1e-9)
    assert (found.candidate, found.trials) == (DEFAULT, 1)
    assert found.default_seconds == pytest.approx(0.01)


def test_progress_is_shown() -> None:
    seen: list[tuple[str, float]] = []
    tune(Machine(), exhaustive(SPACE), 20.0, lambda what, part: seen.append((what, part)))
    assert seen[0] == ("default", 0.0)
    assert seen[-1][0] == "runoff"
    assert [part for _, part in seen] == sorted(part for _, part in seen)


@pytest.mark.parametrize("cost", [0.1, 0.7, 2.0])
def test_slow_kernels_leave_time_for_the_runoff(cost: float) -> None:
    machine = Machine(lambda candidate: cost * valley(candidate) / valley(DEFAULT))
    found = decide(machine, budget=60.0, search="local")
    assert machine.now() < 66.0
    assert found.seconds <= found.default_seconds
    rivals = {candidate for row in meetings(machine) for candidate in row} - {DEFAULT}
    assert len(meetings(machine)) >= LEAST_RUNOFF if rivals else len(meetings(machine)) == 1
    assert rivals or not found.candidate


def test_a_lucky_sample_does_not_win() -> None:
    """One candidate is far too fast in the first race only; in the second it is what it is."""
    lucky, machine = SPACE.candidate({"block": 1}), Machine()
    times = machine.round

    def once(candidates: list[Candidate]) -> list[float]:
        seconds = times(candidates)
        early = len(machine.rounds) < 20
        return [s / 3 if early and c == lucky else s for c, s in zip(candidates, seconds, strict=True)]

    machine.round = once  # type: ignore[assignment,method-assign]
    assert decide(machine).candidate == BEST


@pytest.mark.parametrize("seed", range(8))
def test_busy_neighbours_do_not_decide(seed: int) -> None:
    """For seconds at a time all take longer, and the best candidate most of all; in calm rounds it is the best."""
    busy = random.Random(seed)
    machine, plain = Machine(noise=0.01, seed=seed), Machine.round
    state = {"until": 0.0, "busy": False}

    def disturbed(candidates: list[Candidate]) -> list[float]:
        if machine.now() >= state["until"]:
            state.update(until=machine.now() + busy.uniform(0.5, 3.0), busy=busy.random() < 0.6)
        seconds = plain(machine, candidates)
        slower = [1.9 if candidate == BEST else 1.6 for candidate in candidates]
        return [s * f for s, f in zip(seconds, slower, strict=True)] if state["busy"] else seconds

    machine.round = disturbed  # type: ignore[assignment,method-assign]
    found = decide(machine, budget=200.0)
    assert found.candidate == BEST
    assert found.ratio.value == pytest.approx(0.6, rel=0.02)
