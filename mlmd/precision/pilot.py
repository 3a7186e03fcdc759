"""The pilot of a plan: short runs of a problem at lowered precision beside an FP64 shadow run, and their times.

The FP64 run starts at the ground state and goes through the middle of the pulse, where the light is strongest; the
window is its last part.  Each level is run alone through the window, from the FP64 state at its beginning.  What is
chosen is run jointly from the ground state to the end of the window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..dcmesh.lfd import LFD
from ..dcmesh.precision import ladders_of
from ..engine import light, propagate, under_light
from ..laser import DeltaKick, Laser
from ..perf.interleave import interleave
from ..tuning.precision import Assignment, Growth, Track, errors, finest, fit
from .observables import scale, value
from .plan import Plan
from .sentinel import Watched

SAMPLE = 10  # steps between observations
TIMED = 4  # steps in a timed sample
ROUNDS = 11
LEAST_SENTINELS = 8  # in the joint run

Step = Callable[[str], None]


class Window(NamedTuple):
    """First and last step of the pilot window, multiples of `SAMPLE`."""

    start: int
    stop: int


def window(laser: Laser, dt: float, steps: int, length: int) -> Window:
    """The window around the maximum of a pulse, or after a kick; at the beginning in the dark.

    Examples
    --------
    >>> from mlmd.laser import NoLaser, SinSquaredPulse
    >>> window(SinSquaredPulse(photon_energy=0.2, length=100.0, intensity=1e-4), dt=0.1, steps=2000, length=200)
    Window(start=400, stop=600)
    >>> window(NoLaser(), dt=0.1, steps=155, length=200)
    Window(start=0, stop=150)
    """
    length = min(length, steps) // SAMPLE * SAMPLE
    begin = getattr(laser, "start", 0.0)
    middle = begin / dt if isinstance(laser, DeltaKick) else 0.5 * (begin + laser.duration) / dt - 0.5 * length
    start = round(max(0.0, min(middle, steps - length)) / SAMPLE) * SAMPLE
    start = min(start, (steps - length) // SAMPLE * SAMPLE)
    return Window(start, start + length)


class Pilot:
    """Runs of one problem.

    Parameters
    ----------
    config : Config
        The input.
    ground_state
        Where the electrons start.
    observable : str
        What errors are measured in.
    length : int
        Steps of the window.
    sentinel : int
        Steps from sentinel to sentinel in the run that is planned.
    step : callable
        Is told what is being done.
    """

    def __init__(
        self, config: Config, ground_state: Any, observable: str, length: int, sentinel: int, step: Step
    ) -> None:
        self.config, self.observable, self.step = config, observable, step
        self.ground_state = under_light(config, ground_state)
        dynamics = config.dynamics
        self.ladders = ladders_of(dynamics.mode, dynamics.hartree)
        self.window = window(light(config.laser), dynamics.dt, dynamics.n_steps, length)
        self.every = max(1, min(sentinel, self.window.stop // LEAST_SENTINELS))
        self.spent, self.measured = 0.0, 0.0
        self._bases: dict[tuple[str, ...], tuple[LFD, NDArray[np.float64]]] = {}

    def make(self, levels: str | Mapping[str, str]) -> LFD:
        """The electrons at time 0."""
        return propagate(self.config, self.ground_state, levels)

    def shadow(self) -> None:
        """The FP64 run, up to the end of the window."""
        self._exact = self.make(finest(self.ladders))
        rows = [self._seen(self._exact)]
        while self._exact.step_count < self.window.stop:
            if self._exact.step_count == self.window.start:
                self._begin = self._exact.state()
            if self._exact.step_count % (self.window.stop // 10) < SAMPLE:
                self.step(f"FP64 shadow run, step {self._exact.step_count} of {self.window.stop}")
            self._exact.advance(SAMPLE)
            rows.append(self._seen(self._exact))
        self.reference = np.array(rows)
        self.scale = scale(self.observable, self.reference)

    def run(self, assignment: Assignment, base: Assignment) -> tuple[Track, Track]:
        """Two assignments through the window, and their times side by side."""
        changed = [f"{name} {level}" for name, level in assignment.items() if base[name] != level]
        self.step(f"alone: {', '.join(changed)}")
        if (name := tuple(base.values())) not in self._bases:
            lfd = self.make(base)
            self._bases[name] = (lfd, self._through(lfd))
        beside, expected = self._bases[name]
        lfd = self.make(assignment)
        values = self._through(lfd)
        steps = np.arange(1, len(values) + 1) * SAMPLE
        seconds = self._times({"base": beside, "lowered": lfd})
        here = float(np.median(seconds["base"]))
        more = float(np.median(seconds["lowered"] - seconds["base"]))
        return Track(steps, values, here + more), Track(steps, expected, here)

    def joint(self, assignment: Assignment) -> Growth:
        """An assignment from the ground state to the end of the window, with sentinels that only look on."""
        self.step(f"together: {' '.join(assignment.values())}")
        unwatched = Plan(assignment, self.observable, np.inf, 0.0, 0.0, 1.0, self.scale, 0.0, 0.0, 0.0)
        run = Watched(self.make, unwatched, np.inf, self.every, self.window.stop, self._exact)
        rows = []
        while run.step_count < self.window.stop:
            run.advance(SAMPLE)
            rows.append(self._seen(run))
        wrong = errors(np.array(rows), self.reference[1:], self.scale)
        self.measured, self.spent = float(wrong.max()), run.spent
        return fit(np.arange(1, len(rows) + 1) * SAMPLE, wrong)

    @property
    def amplification(self) -> float:
        """Error of the last joint run by what its sentinels saw."""
        return self.measured / self.spent if self.spent > 0.0 else 1.0

    def step_seconds(self, assignment: Assignment) -> tuple[float, float, float]:
        """Seconds of a step at an assignment, in FP32 and in FP64 throughout, from the same rounds."""
        self.step("times of a step")
        self._bases.clear()
        rivals = {"planned": self.make(assignment), "fp32": self.make("fp32"), "fp64": self.make("fp64")}
        planned, fp32, fp64 = (float(np.median(s)) for s in self._times(rivals).values())
        return planned, fp32, fp64

    def _through(self, lfd: LFD) -> NDArray[np.float64]:
        """The observable along the window, from the FP64 state at its beginning."""
        lfd.restore(self._begin)
        lfd.solve_potential()
        rows = []
        while lfd.step_count < self.window.stop:
            lfd.advance(SAMPLE)
            rows.append(self._seen(lfd))
        return np.array(rows)

    def _times(self, rivals: Mapping[str, LFD]) -> dict[str, NDArray[np.float64]]:
        """Seconds of a step of each, round by round, all in the window."""
        for lfd in rivals.values():
            lfd.restore(self._begin)
        calls = {name: (lambda lfd=lfd: lfd.advance(TIMED)) for name, lfd in rivals.items()}
        times = interleave(calls, rounds=ROUNDS)
        return {name: np.array(timing.seconds) / TIMED for name, timing in times.items()}

    def _seen(self, electrons: LFD | Watched) -> NDArray[np.float64]:
        return value(self.observable, electrons.observe())
