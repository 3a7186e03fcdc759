r"""A propagation at planned levels, watched by sentinels.

Every K steps a step is taken twice from the same state: as planned, and with all levels at the top.  The difference d
of the observable is what one step spoils.  The pilot found the true error to be :math:`a \sum d\,K`, with an
amplification a (below one where the errors of the steps cancel, above one where they grow).  So the error at the end of
the run is projected to be

.. math:: a\,\Big(\sum_{s' < s} d_{s'} K + d_s\,(N - s)\Big) .

If that is beyond the budget, the step is repeated with each lowered subproblem one level up; the one that brings the
observable nearest to the exact step is raised, for good, until the projection is within the budget or all is at the
top.  The step of the sentinel itself is then the repeated one.  Earlier steps stay as they are: what they spent is
counted.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..dcmesh.lfd import LFD
from ..dcmesh.precision import ladders_of
from ..tuning.precision import finest, lifted
from .observables import value
from .plan import Plan

Make = Callable[[Mapping[str, str]], LFD]


class PrecisionWarning(UserWarning):
    """A sentinel found more error than the budget allows."""


class Watched:
    """An LFD with sentinels; used like one.

    Parameters
    ----------
    make : callable
        Gives an LFD at time 0 for levels of precision.
    plan : Plan
        Where to start, and what the sentinels measure with.
    budget : float
        Largest error allowed at the end of the run.
    every : int
        Steps from sentinel to sentinel.
    steps : int
        Steps of the whole run.
    exact : LFD, optional
        One with all levels at the top, for the repeated steps.
    """

    def __init__(
        self, make: Make, plan: Plan, budget: float, every: int, steps: int, exact: LFD | None = None
    ) -> None:
        self._make, self.plan, self.budget, self.every, self.steps = make, plan, budget, every, steps
        self.levels = dict(plan.levels)
        self.lfd = make(self.levels)
        self.ladders = ladders_of(self.lfd.mode, self.lfd.potential.method)
        self._exact = exact
        self.spent = 0.0  # sum of d K, without the amplification
        self.local = 0.0  # the last d
        self.checked, self.checks = 0, 0
        self.events: list[dict[str, Any]] = []

    @property
    def time(self) -> float:
        """Time in a.u."""
        return self.lfd.time

    @property
    def step_count(self) -> int:
        """Steps done."""
        return self.lfd.step_count

    @property
    def at_top(self) -> bool:
        """Whether nothing is lowered."""
        return self.levels == finest(self.ladders)

    def observe(self) -> dict[str, Any]:
        """As `LFD.observe`."""
        return self.lfd.observe()

    def density(self) -> Any:
        """As `LFD.density`."""
        return self.lfd.density()

    def flops_per_step(self) -> int:
        """As `LFD.flops_per_step`, without the sentinels."""
        return self.lfd.flops_per_step()

    def advance(self, steps: int) -> None:
        """As `LFD.advance`; sentinels stand at the multiples of ``every``, however the steps are asked for."""
        end = self.step_count + steps
        while (now := self.step_count) < end:
            if now > 0 and now % self.every == 0 and not self.at_top:
                self._check()
            else:
                self.lfd.advance(min(end, (now // self.every + 1) * self.every) - now)

    def _check(self) -> None:
        """Take a step beside an exact one, and raise levels until what is projected is within the budget."""
        before, now = self.lfd.state(), self.step_count
        expected = self._exact_step(before)
        self.lfd.advance(1)
        self.local = self._distance(self.lfd, expected)
        self.spent += self.local * (now - self.checked)
        self.checked, self.checks = now, self.checks + 1
        while self._projected() > self.budget and not self.at_top:
            self._raise_worst(before, expected)
        if self.at_top and self._projected() > self.budget:
            self._tell("the budget is spent: all is at the top from here on, and the error stays beyond it")

    def _projected(self) -> float:
        """The error at the end if every step to come spoils as much as the last one."""
        return self.plan.amplification * (self.spent + self.local * (self.steps - self.checked))

    def _raise_worst(self, before: dict[str, Any], expected: np.ndarray) -> None:
        """Raise the subproblem that brings the step nearest to the exact one; the step is then the raised one."""
        was, projected = dict(self.levels), self._projected()
        best: tuple[float, dict[str, str], LFD] | None = None
        for ladder in self.ladders:
            if ladder.above(was[ladder.subproblem]) is None:
                continue
            levels = lifted(self.ladders, was, ladder.subproblem)
            lfd = self._begin(levels, before)
            lfd.advance(1)
            distance = self._distance(lfd, expected)
            if best is None or distance < best[0]:
                best = (distance, levels, lfd)
        assert best is not None  # not at the top
        self.local, self.levels, self.lfd = best
        changes = [f"{name} {was[name]} -> {level}" for name, level in self.levels.items() if level != was[name]]
        self._tell(f"an error of {projected:.2e} was projected; raised: {', '.join(changes)}", projected)

    def _tell(self, what: str, projected: float | None = None) -> None:
        """Note an event, and say it."""
        event = {
            "step": self.checked,
            "budget": self.budget,
            "projected": self._projected() if projected is None else projected,
            "projected_now": self._projected(),
            "levels": dict(self.levels),
            "text": what,
        }
        self.events.append(event)
        warnings.warn(
            f"sentinel at step {self.checked}: {what} "
            f"(budget {self.budget:g} on {self.plan.observable}, now {event['projected_now']:.2e})",
            PrecisionWarning,
            stacklevel=2,
        )

    def _exact_step(self, before: dict[str, Any]) -> np.ndarray:
        """The observable after an exact step from a state."""
        if self._exact is None:
            self._exact = self._make(finest(self.ladders))
        self._exact.restore(before)
        self._exact.solve_potential()
        self._exact.advance(1)
        return value(self.plan.observable, self._exact.observe())

    def _begin(self, levels: Mapping[str, str], state: dict[str, Any]) -> LFD:
        """An LFD at other levels in a state."""
        lfd = self._make(levels)
        lfd.restore(state)
        if levels["hartree"] != self.levels["hartree"]:
            lfd.solve_potential()
        return lfd

    def _distance(self, lfd: LFD, expected: np.ndarray) -> float:
        difference = float(np.linalg.norm(value(self.plan.observable, lfd.observe()) - expected))
        if self.plan.scale > 0.0:
            return difference / self.plan.scale
        return math.inf if difference else 0.0

    def precision(self) -> dict[str, Any]:
        """What is to be told about the precision at the end."""
        spent = self.spent + (0.0 if self.at_top else self.local * (self.step_count - self.checked))
        estimate = self.plan.amplification * spent
        return {
            "levels": dict(self.levels),
            "planned_levels": dict(self.plan.levels),
            "observable": self.plan.observable,
            "budget": self.budget,
            "estimated_error": estimate,
            "within_budget": estimate <= self.budget,
            "sentinel": self.every,
            "checks": self.checks,
            "events": self.events,
        }

    def state(self) -> dict[str, Any]:
        """As `LFD.state`, with the levels and what the sentinels know."""
        watch = {
            "levels": json.dumps(self.levels),
            "events": json.dumps(self.events),
            "plan": self.plan.to_json(),
            "spent": self.spent,
            "local": self.local,
            "checked": self.checked,
            "checks": self.checks,
        }
        return self.lfd.state() | {"watch": watch}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave, bit for bit; the plan is the one that it was made with."""
        watch = state["watch"]
        self.plan = Plan.from_json(watch["plan"])
        levels = json.loads(watch["levels"])
        if levels != self.levels:
            self.levels = levels
            self.lfd = self._make(levels)
        self.lfd.restore(state)
        self.events = json.loads(watch["events"])
        self.spent, self.local = float(watch["spent"]), float(watch["local"])
        self.checked, self.checks = int(watch["checked"]), int(watch["checks"])
