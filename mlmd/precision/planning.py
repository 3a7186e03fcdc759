"""Making a plan: pilot, choice, joint judgement, times; and all of it as a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..config import Config
from ..dcmesh.precision import unit
from ..tuning.precision import Choice, Judgement, Ladder, Lowering, finest, judge, measure, pareto, predict
from .pilot import Pilot, Step, Window
from .plan import Plan


@dataclass(frozen=True)
class Report:
    """A plan with all that led to it.

    Attributes
    ----------
    plan : Plan
        What was chosen.
    ladders : sequence of Ladder
        What could be lowered.
    lowerings : sequence of Lowering
        Each level alone.
    choices : sequence of Choice
        All assignments, predicted.
    tried : sequence of Judgement
        Those that were run jointly; the last one was taken.
    window : Window
        Steps of the pilot window.
    steps : int
        Steps of the whole run.
    finest_seconds : float
        Time of a step with all levels at the top.
    """

    plan: Plan
    ladders: Sequence[Ladder]
    lowerings: Sequence[Lowering]
    choices: Sequence[Choice]
    tried: Sequence[Judgement]
    window: Window
    steps: int
    finest_seconds: float

    @property
    def front(self) -> list[Choice]:
        """The predicted Pareto front."""
        return pareto(self.choices)

    def amplification(self, lowering: Lowering) -> float | None:
        """Error at the end of the run by the error of one operation."""
        one = unit(lowering.subproblem, lowering.level)
        return None if one is None else lowering.growth.after(self.steps) / one

    def to_json(self) -> dict[str, Any]:
        """Everything, of values that JSON can hold."""
        return {
            "plan": asdict(self.plan),
            "window": list(self.window),
            "steps": self.steps,
            "finest_seconds": self.finest_seconds,
            "ladders": {ladder.subproblem: [level.name for level in ladder.levels] for ladder in self.ladders},
            "alone": [
                asdict(one) | {"at_end": one.growth.after(self.steps), "amplification": self.amplification(one)}
                for one in self.lowerings
            ],
            "front": [asdict(choice) for choice in self.front],
            "predicted": [asdict(choice) for choice in self.choices],
            "together": [asdict(one) for one in self.tried],
        }


def make_plan(
    config: Config, ground_state: Any, observable: str, budget: float, sentinel: int, length: int, step: Step
) -> Report:
    """Plan the precision of a problem.

    Parameters
    ----------
    config : Config
        The input.
    ground_state
        Where the electrons start.
    observable : str
        What the budget is on, see `observables`.
    budget : float
        Largest error allowed at the end of the run.
    sentinel : int
        Steps from sentinel to sentinel in the run.
    length : int
        Steps of the pilot window.
    step : callable
        Is told what is being done.
    """
    steps = config.dynamics.n_steps
    pilot = Pilot(config, ground_state, observable, length, sentinel, step)
    pilot.shadow()
    ladders = pilot.ladders
    top: dict[str, float] = {}

    def run(assignment: Mapping[str, str], base: Mapping[str, str]) -> Any:
        tracks = pilot.run(dict(assignment), dict(base))
        if base == finest(ladders):
            top.setdefault("seconds", tracks[1].seconds)
        return tracks

    lowerings = measure(ladders, run, pilot.scale)
    choices = predict(ladders, lowerings, top["seconds"], steps)
    tried = judge(ladders, lowerings, choices, budget, pilot.joint, steps)
    best = tried[-1]
    seconds = pilot.step_seconds(best.choice.assignment)
    judged = (best.measured, best.at_end, pilot.amplification, pilot.scale)
    plan = Plan(best.choice.assignment, observable, budget, *judged, *seconds)
    return Report(plan, ladders, lowerings, choices, tried, pilot.window, steps, top["seconds"])


