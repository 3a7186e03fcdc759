"""Finds the fastest configuration: gate, race, runoff.

1. The default is timed first.  A candidate is timed if it passes the gate: on few points its results agree with the
   plain reference.
2. Candidates race in interleaved rounds with the default; those that fall behind drop out round by round.  The best of
   all races race once more, because the best of many short measurements was mostly lucky.
3. The finalists pass a second gate, their results on the whole problem against those of the default, and meet each
   other and the default in paired rounds, there and back, such as D B A C C A B D.  Among candidates that tie, the
   default among them, the one with the fewest changes wins, so that a repeated tuning comes to the same end; but the
   default stays if its time is within the bootstrap interval.  Only calm rounds count (see `mlmd.tuning.timing`).

What is timed is behind `Bench`, so that a recorded log takes the place of the machine (`mlmd.tuning.trials`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..backends import MlmdError
from .search import BATCH, Strategy
from .space import DEFAULT, Candidate
from .timing import Ratio, Timing, calm, ratio

RUNOFF_SHARE, SECOND_SHARE = 0.4, 0.2  # of the budget; the rest is for the search
# Times the best of the race, round by round: what is slower drops out.  One sample may be disturbed, ten are not; the
# second race takes what time there is and drops few, so that a machine that is busy for a second does not decide it.
RACE = (3.0, 2.0, 1.3, 1.15, 1.1)
SECOND_RACE = (3.0, 2.0, *(1.3,) * 500)
RUNOFF_ROUNDS, GOOD_RUNOFF, LEAST_RUNOFF = 1000, 10, 5  # each is a pair, there and back
SECOND, FINALISTS = 12, 3  # candidates at most
GATE_SHARE = 1.5  # times the least runoff of a finalist: that and its second gate
CLOSE = 1.1  # times the best, or the default: is still a finalist
TIE = 0.01  # candidates this close are equal, the default among them


class GateError(MlmdError):
    """A candidate does not compute what it should, or cannot run."""


class Bench(Protocol):
    """What the runner asks of the machine, or of a log."""

    def now(self) -> float:
        """Seconds since the tuning began."""

    def gate(self, candidate: Candidate, whole: bool) -> float:
        """Largest error of a candidate's results, on few points or on the whole problem; GateError if it is wrong."""

    def round(self, candidates: Sequence[Candidate]) -> list[float]:
        """Seconds per call of each, one sample after the other."""


@dataclass(frozen=True)
class Decision:
    """The end of a tuning.

    Attributes
    ----------
    candidate : Candidate
        What runs from now on.
    seconds, default_seconds : float
        Medians of the runoff.
    ratio : Ratio
        Time of the winner over that of the default.
    trials : int
        Candidates that were timed, the default among them.
    refused : dict
        Candidates that did not pass the gate, and why.
    elapsed : float
        Seconds that it took.
    """

    candidate: Candidate
    seconds: float
    default_seconds: float
    ratio: Ratio
    trials: int
    refused: dict[Candidate, str] = field(default_factory=dict)
    elapsed: float = 0.0


Show = Callable[[str, float], None]


def tune(bench: Bench, strategy: Strategy, budget: float, show: Show = lambda what, part: None) -> Decision:
    """Find the fastest configuration within a budget.

    Parameters
    ----------
    bench : Bench
        The machine, or a log.
    strategy : Strategy
        What to time next.
    budget : float
        Seconds; a runoff that has begun takes its least rounds even where these need longer.
    show : callable
        Told what is done, and the part of the budget that is gone.

    Returns
    -------
    Decision

    Raises
    ------
    GateError
        If the default itself does not pass the gate.
    """
    show("default", 0.0)
    bench.gate(DEFAULT, False)
    (cost,) = bench.round([DEFAULT])
    refused: dict[Candidate, str] = {}
    least = 2 * GATE_SHARE * LEAST_RUNOFF * cost  # for each runner, its gate included
    end = budget - max(RUNOFF_SHARE * budget, 2 * least)

    def tell(what: str) -> None:
        show(what, min(1.0, bench.now() / budget))

    times = _search(bench, strategy, cost, end - SECOND_SHARE * budget, refused, tell)
    trials = len(times)
    if bench.now() < end and (second := _best(times, SECOND)):
        tell("second race")
        times = race(bench, second, end, SECOND_RACE)
    most = int((budget - bench.now()) / (2 * GOOD_RUNOFF * cost)) - 1
    finalists = _finalists(bench, times, max(1, min(most, FINALISTS)), refused)
    samples = runoff(bench, finalists, budget, tell)
    return _decide(samples, trials, refused, bench.now())


def _search(
    bench: Bench,
    strategy: Strategy,
    cost: float,
    deadline: float,
    refused: dict[Candidate, str],
    show: Callable[[str], None],
) -> dict[Candidate, float]:
    """Times relative to the default of what the strategy asks for until the deadline."""
    times: dict[Candidate, float] = {DEFAULT: 1.0}
    while (left := deadline - bench.now()) > 0.0:
        asked = strategy.ask(max(1, min(BATCH, int(left / (len(RACE) * cost)))))
        if not asked:
            break
        show(f"search, {len(times)} timed")
        fit = [candidate for candidate in asked if _passes(bench, candidate, False, refused)]
        told = race(bench, fit, deadline) if fit else {}
        times |= told
        strategy.tell({candidate: told.get(candidate, math.inf) for candidate in asked})
    return times


def _passes(bench: Bench, candidate: Candidate, whole: bool, refused: dict[Candidate, str]) -> bool:
    try:
        bench.gate(candidate, whole)
    except GateError as error:
        refused[candidate] = str(error)
        return False
    return True


def race(
    bench: Bench, candidates: Sequence[Candidate], deadline: float, behind: Sequence[float] = RACE
) -> dict[Candidate, float]:
    """Median time of each relative to the default, in a round for each limit, out of which the slow ones drop.

    Of those that stay to the end, in the calm rounds.
    """
    samples: dict[Candidate, list[float]] = {runner: [] for runner in (DEFAULT, *candidates)}
    running = list(candidates)
    for number, factor in enumerate(behind):
        if number and bench.now() >= deadline:
            break
        order = _shuffled([DEFAULT, *running], number)
        for runner, seconds in zip(order, bench.round(order), strict=True):
            samples[runner].append(seconds)
        times = {candidate: _relative(samples[candidate], samples[DEFAULT]) for candidate in running}
        best = min(1.0, *times.values())
        running = [candidate for candidate in running if times[candidate] <= factor * best]
        if not running:
            break
    told = {candidate: _relative(samples[candidate], samples[DEFAULT]) for candidate in candidates}
    timings = calm({runner: samples[runner] for runner in (DEFAULT, *running)})
    return told | {c: _relative(timings[c].seconds, timings[DEFAULT].seconds) for c in running}


def _relative(seconds: Sequence[float], default: Sequence[float]) -> float:
    """Median time relative to the default, in the rounds before a candidate dropped out."""
    return float(np.median(np.divide(seconds, default[: len(seconds)])))


def _best(times: dict[Candidate, float], most: int, close: float = math.inf) -> list[Candidate]:
    """The best candidates, of those that are close to the best and the default."""
    rivals = sorted((time, len(candidate), candidate) for candidate, time in times.items() if candidate != DEFAULT)
    return [candidate for time, _, candidate in rivals if time <= close * min(1.0, rivals[0][0])][:most]


def _finalists(
    bench: Bench, times: dict[Candidate, float], most: int, refused: dict[Candidate, str]
) -> list[Candidate]:
    """The best of those that pass the second gate."""
    right: set[Candidate] = set()
    while True:
        found = _best({candidate: time for candidate, time in times.items() if candidate not in refused}, most, CLOSE)
        right |= {c for c in found if c not in right and _passes(bench, c, True, refused)}
        if right.issuperset(found):
            return found


def runoff(
    bench: Bench, finalists: Sequence[Candidate], budget: float, show: Callable[[str], None]
) -> dict[Candidate, tuple[float, ...]]:
    """Samples of the default and the finalists from paired rounds, there and back; one for each pair."""
    runners = [DEFAULT, *finalists]
    samples: dict[Candidate, list[float]] = {runner: [] for runner in runners}
    for number in range(RUNOFF_ROUNDS if finalists else 1):
        if number >= LEAST_RUNOFF and bench.now() >= budget:
            break
        show("runoff")
        order = _shuffled(runners, number)
        seconds = bench.round([*order, *reversed(order)])
        for runner, there, back in zip(order, seconds, reversed(seconds), strict=False):
            samples[runner].append(0.5 * (there + back))
    return {runner: tuple(found) for runner, found in samples.items()}


def _shuffled(runners: Sequence[Candidate], number: int) -> list[Candidate]:
    """In another order in each round, the same in each tuning: the place in a round moves times by several per cent."""
    return random.Random(number).sample(runners, len(runners))


def _decide(
    samples: dict[Candidate, tuple[float, ...]], trials: int, refused: dict[Candidate, str], elapsed: float
) -> Decision:
    timings = calm(samples)
    winner = _winner(timings)
    default = timings[DEFAULT]
    gain = ratio(timings[winner], default)
    return Decision(winner, timings[winner].median, default.median, gain, trials, refused, elapsed)


def _winner(timings: dict[Candidate, Timing]) -> Candidate:
    """The simplest of the best, the default among them; it stays, too, if none of them is surely faster."""
    gains = {candidate: ratio(timing, timings[DEFAULT]) for candidate, timing in timings.items()}
    best = min(gains, key=lambda candidate: gains[candidate].value)
    equal = [candidate for candidate in timings if ratio(timings[candidate], timings[best]).value <= 1.0 + TIE]
    simplest = min(equal, key=lambda candidate: (len(candidate), candidate))
    for candidate in (simplest, best):
        if candidate == DEFAULT or gains[candidate].high < 1.0:
            return candidate
    return DEFAULT
