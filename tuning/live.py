"""The machine as the tuner's bench: candidates are checked and timed on a workload."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend, MlmdError, get, physical_memory
from ..kernels.nlp_prop import MODES
from ..kernels.plan import Plan
from .problem import Problem
from .runner import GateError
from .space import DEFAULT, Candidate
from .timing import SETTLE_SECONDS, repeats, sample
from .workload import Workload

TOLERANCES = {"fp64": 1e-10, "fp32": 2e-5, "bf16x3": 2e-5, "bf16x2": 2e-4, "bf16x1": 3e-2}
SHARE_OF_MEMORY = 4  # plans of nlp_prop hold their own Q; all of them may take this part of the memory
MOST_PLANS = 64
PART = 2**24  # elements compared at once
FAILURES = (MlmdError, ValueError, RuntimeError, MemoryError)  # of a backend that cannot do what it is asked


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
        self._plans: OrderedDict[Candidate, Plan] = OrderedDict()
        self._repeats: dict[Candidate, int] = {}
        self._sampled, self._price = 0.0, 0.0  # seconds of samples since the arrays were made; of making them anew

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
        expected = self._default_result if whole else self._reference_result
        try:
            error = difference(self._result(candidate, whole), expected)
        except FAILURES as failure:
            raise GateError(f"cannot run: {failure}") from failure
        allowed = tolerance(self.problem)
        if not error <= allowed:
            against = "the default" if whole else "the reference"
            raise GateError(f"differs by {error:.1e} from {against}, more than {allowed:.0e}")
        return error

    def _result(self, candidate: Candidate, whole: bool) -> NDArray[Any]:
        if whole:
            return self._work.result(self._plan(candidate))
        return self._small.result(self._small.plan(dict(candidate)))

    def round(self, candidates: Sequence[Candidate]) -> list[float]:
        """Seconds per call of each, after a rest; the data are restored before the round.

        Where arrays happen to lie in memory moves the times of some candidates by several per cent, so they are made
        anew from time to time: as often as it costs no more than the samples.
        """
        seconds = []
        self._place(candidates)
        for candidate in candidates:
            call = partial(self._work.apply, self._plan(candidate))
            times = self._times(candidate, call)
            time.sleep(SETTLE_SECONDS)
            seconds.append(sample(call, times, self._clock))
            self._sampled += times * seconds[-1]
        return seconds

    def _place(self, candidates: Sequence[Candidate]) -> None:
        """Restore the data, in other memory if that was sampled for as long as it takes to make it."""
        if self._sampled >= self._price:
            began, self._sampled = self._clock(), 0.0
            self._plans.clear()
            self._work.renew()
            for candidate in dict.fromkeys(candidates):
                self._work.apply(self._plan(candidate))
            self._price = self._clock() - began
        self._work.restore()

    def _plan(self, candidate: Candidate) -> Plan:
        """The plan of a candidate; those that were not used for longest make room for it."""
        if candidate not in self._plans:
            self._plans[candidate] = self._work.plan(dict(candidate))
        self._plans.move_to_end(candidate)
        while len(self._plans) > self._most_plans:
            self._plans.popitem(last=False)
        return self._plans[candidate]

    def _times(self, candidate: Candidate, call: Callable[[], Any]) -> int:
        """How many calls make a sample; found by one or two of them."""
        if candidate not in self._repeats:
            self._repeats[candidate] = repeats(call, self._clock)
        return self._repeats[candidate]

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
        return self._result(DEFAULT, whole=True).copy()


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
