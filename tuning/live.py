"""The machine as the tuner's bench: candidates are checked and timed on a workload."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend, MlmdError, get, physical_memory
from ..kernels.nlp_prop import MODES
from ..kernels.plan import Plan
from .problem import Problem
from .runner import GateError
from .space import Candidate
from .timing import SETTLE_SECONDS, repeats, sample
from .workload import Workload

TOLERANCES = {"fp64": 1e-10, "fp32": 2e-5, "bf16x3": 2e-5, "bf16x2": 2e-4, "bf16x1": 3e-2}
SHARE_OF_MEMORY = 4  # plans of nlp_prop hold their own Q; all of them may take this part of the memory
MOST_PLANS = 64
PART = 2**24  # elements compared at once


class Live:
    """Checks and times candidates.

    Parameters
    ----------
    problem : Problem
        What is computed.
    backend : str or Backend
        Where.
    clock : callable
        Seconds now.

    Examples
    --------
    >>> from mlmd.tuning.problem import make_problem
    >>> bench = Live(make_problem("density", (4, 4, 4), 2), "reference")
    >>> bench.gate((), whole=False)
    0.0
    """

    def __init__(
        self, problem: Problem, backend: str | Backend, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.problem, self.backend = problem, get(backend)
        self._clock, self._began = clock, clock()
        self._ready: OrderedDict[Candidate, tuple[Callable[[], Any], int]] = OrderedDict()

    def now(self) -> float:
        """Seconds since this was made."""
        return self._clock() - self._began

    def gate(self, candidate: Candidate, whole: bool) -> float:
        """Error of the results, relative to the largest number expected.

        Raises
        ------
        GateError
            If it is above the tolerance, or the backend cannot run the candidate.
        """
        work, expected = (self._work, self._default_result) if whole else (self._small, self._reference_result)
        try:
            error = difference(work.result(work.plan(dict(candidate))), expected)
        except MlmdError as failure:
            raise GateError(f"cannot run: {failure}") from failure
        allowed = tolerance(self.problem)
        if not error <= allowed:
            against = "the default" if whole else "the reference"
            raise GateError(f"differs by {error:.1e} from {against}, more than {allowed:.0e}")
        return error

    def round(self, candidates: Sequence[Candidate]) -> list[float]:
        """Seconds per call of each, after a rest; the data are restored before the round."""
        ready = [self._made_ready(candidate) for candidate in candidates]
        self._work.restore()
        seconds = []
        for call, times in ready:
            time.sleep(SETTLE_SECONDS)
            seconds.append(sample(call, times, self._clock))
        return seconds

    def _made_ready(self, candidate: Candidate) -> tuple[Callable[[], Any], int]:
        """A call that was done once or twice, and how often it makes a sample."""
        if candidate not in self._ready:
            plan = self._work.plan(dict(candidate))

            def call(plan: Plan = plan) -> Any:
                return self._work.apply(plan)

            self._work.restore()
            self._ready[candidate] = call, repeats(call, self._clock)
        self._ready.move_to_end(candidate)
        while len(self._ready) > self._most_plans:
            self._ready.popitem(last=False)
        return self._ready[candidate]

    @cached_property
    def _most_plans(self) -> int:
        if self.problem.kernel != "nlp_prop":
            return MOST_PLANS
        own = self.problem.points * self.problem.rank * MODES[self.problem.mode].dtype.itemsize
        return max(2, min(MOST_PLANS, (physical_memory() or 2**33) // SHARE_OF_MEMORY // own))

    @cached_property
    def _work(self) -> Workload:
        return Workload(self.problem, self.backend)

    @cached_property
    def _small(self) -> Workload:
        return Workload(self.problem.small(), self.backend)

    @cached_property
    def _reference_result(self) -> NDArray[Any]:
        work = Workload(self.problem.small(), "reference")
        return work.result(work.plan({})).copy()

    @cached_property
    def _default_result(self) -> NDArray[Any]:
        return self._work.result(self._work.plan({})).copy()


def tolerance(problem: Problem) -> float:
    """Largest error that passes the gate, relative to the largest number expected."""
    if problem.kernel == "hartree":
        return 1e-6
    return TOLERANCES[problem.mode or ("fp32" if problem.dtype == "complex64" else "fp64")]


def difference(result: NDArray[Any], expected: NDArray[Any]) -> float:
    """Largest difference over the largest number expected; not a number if the result holds none.

    Examples
    --------
    >>> difference(np.array([1.0, 4.0]), np.array([1.0, 5.0]))
    0.2
    """
    got, want = result.reshape(-1), expected.reshape(-1)
    parts = [slice(first, first + PART) for first in range(0, want.size, PART)]
    largest = max(float(np.max(np.abs(want[part]))) for part in parts)
    errors = [float(np.max(np.abs(got[part] - want[part]))) for part in parts]
    return float(np.max(errors)) / largest
