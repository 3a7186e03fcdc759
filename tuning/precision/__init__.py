"""Precision planner: the cheapest precision of each subproblem that keeps an observable within a budget.

It knows nothing of what is computed: `ladders` says what may be lowered, `growth` how an error grows, `planner`
measures and chooses. The application hands in the runs and their times.
"""

from __future__ import annotations

from .growth import Growth, fit
from .ladders import Assignment, Ladder, Level, alone, assignments, finest, holds, lifted
from .planner import Choice, Judgement, Lowering, Track, choose, errors, judge, measure, pareto, predict

__all__ = [
    "Assignment",
    "Choice",
    "Growth",
    "Judgement",
    "Ladder",
    "Level",
    "Lowering",
    "Track",
    "alone",
    "assignments",
    "choose",
    "errors",
    "finest",
    "fit",
    "holds",
    "judge",
    "lifted",
    "measure",
    "pareto",
    "predict",
]
