"""A problem made ready to run on a backend: its arrays, made once, and plans of any configuration that work on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..backends import Backend, Device, get
from ..kernels.memory import zeros
from ..kernels.plan import Plan
from .inputs import orthonormal_columns, random_waves, touched_waves
from .problem import Problem

TIME_STEP = 0.04
VECTOR_POTENTIAL = (1.0, 2.0, 3.0)
TURN = 1e-2  # rad by which S of nlp_prop turns: unitary, so that repeated calls keep psi in range
TOLERANCE = 1e-8  # of multigrid
DV = 1.0

Tuning = Mapping[str, int | str]


class Workload:
    """Arrays of a problem on a backend.

    Parameters
    ----------
    problem : Problem
        What is computed.
    backend : str or Backend
        Where.

    Examples
    --------
    >>> from mlmd.tuning.problem import make_problem
    >>> work = Workload(make_problem("density", (4, 4, 4), 2), "reference")
    >>> work.result(work.plan({})).shape
    (4, 4, 4)
    """

    def __init__(self, problem: Problem, backend: str | Backend) -> None:
        self.problem, self.backend = problem, get(backend)
        self.arrays = self.backend.arrays()
        make, self._apply = _KERNELS[problem.kernel]
        self._start = {name: self.arrays.asarray(array) for name, array in make(problem).items()}
        self.renew()

    def renew(self) -> None:
        """Put the inputs into other memory."""
        self.inputs = {name: self._copy(array) for name, array in self._start.items()}

    def _copy(self, array: Any) -> Any:
        on_device = isinstance(self.arrays, Device)
        shape, dtype = array.shape, array.dtype
        copy = self.arrays.empty(shape, dtype) if on_device else zeros(shape, dtype, self.problem.threads)
        self.arrays.copy(copy, array)
        return copy

    def plan(self, tuning: Tuning) -> Plan:
        """A plan with these knobs, ready to be applied.

        Raises
        ------
        MlmdError
            If the backend cannot do it.
        """
        p = self.problem
        common: dict[str, Any] = {"backend": self.backend, "threads": p.threads, "tuning": tuning}
        match p.kernel:
            case "kin_prop":
                return kernels.kin_prop(p.shape, p.norb, p.spacing, TIME_STEP, p.dtype, boundary=p.boundary, **common)
            case "loc_prop":
                return kernels.loc_prop(p.shape, p.norb, TIME_STEP, p.dtype, **common)
            case "density":
                return kernels.density(p.shape, p.norb, p.dtype, **common)
            case "current":
                return kernels.current(p.shape, p.norb, p.spacing, p.dtype, boundary=p.boundary, **common)
            case "overlap":
                return kernels.overlap(p.shape, p.norb, p.rank, DV, p.dtype, **common)
            case "hartree":
                options: dict[str, Any] = {"method": p.mode, "laplacian": "fd", "tol": TOLERANCE}
                return kernels.hartree(p.shape, p.spacing, p.boundary, **options, **common)
        plan = kernels.nlp_prop(p.shape, p.norb, p.rank, DV, p.dtype, p.mode, **common)
        plan.set(self.inputs["Q"], np.expm1(-1j * TURN) * np.eye(p.rank))
        return plan

    def apply(self, plan: Plan) -> Any:
        """One call of the plan, to its end; the array that it made or changed."""
        result = self._apply(plan, self.inputs)
        if isinstance(self.arrays, Device):
            self.arrays.synchronize()
        return result

    def restore(self) -> None:
        """Put back what operators in place have changed."""
        if self.problem.kernel in IN_PLACE:
            self.arrays.copy(self.inputs["psi"], self._start["psi"])

    def result(self, plan: Plan) -> NDArray[Any]:
        """What a plan without a past makes of the data as they were at the start; the next call may change it."""
        self.restore()
        if isinstance(plan, kernels.Hartree):
            plan.restore({name: np.zeros_like(field) for name, field in plan.state().items()})
        return self.arrays.asnumpy(self.apply(plan))


def _waves(problem: Problem) -> NDArray[Any]:
    return touched_waves(problem.shape, problem.norb, problem.dtype, problem.threads)


def _field(problem: Problem) -> NDArray[np.float64]:
    return np.random.default_rng(2).normal(size=problem.shape)


def _with_field(problem: Problem) -> dict[str, NDArray[Any]]:
    return {"psi": _waves(problem), "v": _field(problem)}


def _with_columns(problem: Problem) -> dict[str, NDArray[Any]]:
    return {"psi": _waves(problem), "Q": orthonormal_columns(problem.shape, problem.rank, problem.dtype)}


def _with_occupations(problem: Problem) -> dict[str, NDArray[Any]]:
    return {"psi": _waves(problem), "f": np.full(problem.norb, 2.0), "n": np.empty(problem.shape)}


def _two_sets(problem: Problem) -> dict[str, NDArray[Any]]:
    return {"psi": _waves(problem), "bras": random_waves((*problem.shape, problem.rank), problem.dtype)}


Inputs = dict[str, Any]
_KERNELS: dict[str, tuple[Callable[[Problem], Inputs], Callable[[Any, Inputs], Any]]] = {
    "kin_prop": (lambda problem: {"psi": _waves(problem)}, lambda plan, a: plan(a["psi"], VECTOR_POTENTIAL)),
    "loc_prop": (_with_field, lambda plan, a: plan(a["psi"], a["v"])),
    "nlp_prop": (_with_columns, lambda plan, a: plan(a["psi"])),
    "overlap": (_two_sets, lambda plan, a: plan(a["bras"], a["psi"])),
    "density": (_with_occupations, lambda plan, a: plan(a["psi"], a["f"], out=a["n"])),
    "current": (_with_occupations, lambda plan, a: plan.sums(a["psi"], a["f"])),
    "hartree": (lambda problem: {"n": _field(problem)}, lambda plan, a: plan(a["n"])),
}
IN_PLACE = ("kin_prop", "loc_prop", "nlp_prop")
