"""Measure what each level costs and spoils by itself, then choose the cheapest assignment within a budget.

Every level is run alone through the pilot window, and its observable compared with that of the run that differs in
nothing but this level: the error of the level.  Its time is compared with the same run.  An assignment is predicted to
be wrong by the sum of the errors of its levels, grown to the end of the whole run (the worst case: nothing cancels),
and to take the time of the finest one plus the sum of the differences.  What is chosen is then run jointly; while that
misses the budget, the subproblem with the largest error is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .growth import Growth, fit
from .ladders import Assignment, Ladder, alone, assignments, finest, lifted

SAME_TIME = 0.01  # of the finest one's time: a gain below is noise, and the smaller error is taken instead


class Track(NamedTuple):
    """An observable, (samples, components), after these steps of the window, and the seconds of a step."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    seconds: float


@dataclass(frozen=True)
class Lowering:
    """What one level does by itself: its error, and the seconds that a step takes more."""

    subproblem: str
    level: str
    growth: Growth
    seconds: float


@dataclass(frozen=True)
class Choice:
    """An assignment with its predicted error at the end of the run and seconds of a step."""

    assignment: Assignment
    error: float
    seconds: float


@dataclass(frozen=True)
class Judgement:
    """A choice that was run jointly: its measured error, and that grown to the end of the run."""

    choice: Choice
    measured: float
    at_end: float


def measure(
    ladders: Sequence[Ladder], run: Callable[[Assignment, Assignment], tuple[Track, Track]], scale: float
) -> list[Lowering]:
    """Run every level below the top alone.

    Parameters
    ----------
    ladders : sequence of Ladder
        What may be lowered.
    run : callable
        ``run(assignment, base)`` gives the tracks of both over the pilot window, timed side by side.
    scale : float
        What errors are relative to.

    Returns
    -------
    list of Lowering
        In the order of the ladders.
    """
    found = []
    for ladder in ladders:
        for level in ladder.levels[1:]:
            lowered, base = run(*alone(ladders, ladder, level))
            growth = fit(lowered.steps, errors(lowered.values, base.values, scale))
            found.append(Lowering(ladder.subproblem, level.name, growth, lowered.seconds - base.seconds))
    return found


def errors(values: NDArray[np.float64], reference: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Relative errors of the samples, (samples,): the length of the difference by the scale."""
    difference = np.linalg.norm(values - reference, axis=1)
    return difference / scale if scale > 0.0 else np.where(difference > 0.0, np.inf, 0.0)


def predict(ladders: Sequence[Ladder], measured: Sequence[Lowering], seconds: float, steps: int) -> list[Choice]:
    """All assignments with their predicted error after so many steps; ``seconds`` are those of the finest one."""
    known: Mapping[tuple[str, str], Lowering] = {(m.subproblem, m.level): m for m in measured}
    choices = []
    for assignment in assignments(ladders):
        lowered = [known[item] for item in assignment.items() if item in known]
        error = sum(one.growth.after(steps) for one in lowered)
        choices.append(Choice(assignment, error, seconds + sum(one.seconds for one in lowered)))
    return choices


def choose(choices: Sequence[Choice], budget: float) -> Choice:
    """The cheapest within the budget; of those that cost the same the one with the smallest error.

    The finest assignment, which comes first, is within any budget: the others are compared with it.
    """
    valid = [choices[0], *(choice for choice in choices[1:] if choice.error <= budget)]
    limit = min(choice.seconds for choice in valid) + SAME_TIME * choices[0].seconds
    return min((choice for choice in valid if choice.seconds <= limit), key=lambda c: (c.error, c.seconds))


def pareto(choices: Sequence[Choice]) -> list[Choice]:
    """Those that no other one beats in both time and error, the slowest first."""
    front: list[Choice] = []
    for choice in sorted(choices, key=lambda c: (c.seconds, c.error)):
        if not front or choice.error < front[-1].error:
            front.append(choice)
    return front[::-1]


def judge(
    ladders: Sequence[Ladder],
    measured: Sequence[Lowering],
    choices: Sequence[Choice],
    budget: float,
    run: Callable[[Assignment], Growth],
    steps: int,
) -> list[Judgement]:
    """Choose, run jointly, and raise the worst subproblem as long as the budget is missed.

    Parameters
    ----------
    ladders, measured, choices
        As above.
    budget : float
        Largest error allowed at the end.
    run : callable
        Runs an assignment jointly and gives the growth of its error.
    steps : int
        Steps of the whole run.

    Returns
    -------
    list of Judgement
        Of all that were tried; the last one is within the budget.
    """
    tried: list[Judgement] = []
    known = {tuple(choice.assignment.items()): choice for choice in choices}
    choice = choose(choices, budget)
    while True:
        if choice.assignment == finest(ladders):
            return [*tried, Judgement(choice, 0.0, 0.0)]
        growth = run(choice.assignment)
        tried.append(Judgement(choice, growth.error, growth.after(steps)))
        if tried[-1].at_end <= budget:
            return tried
        choice = known[tuple(raised(ladders, measured, choice.assignment, steps).items())]


def raised(ladders: Sequence[Ladder], measured: Sequence[Lowering], assignment: Assignment, steps: int) -> Assignment:
    """The assignment with the subproblem of the largest predicted error one level up."""
    known = {(m.subproblem, m.level): m.growth.after(steps) for m in measured}
    _, worst = max((known[item], item[0]) for item in assignment.items() if item in known)
    return lifted(ladders, assignment, worst)
