"""What ``mlmd bench KERNEL`` times: the plan on each backend and in each mode, its roof, and its peers.

The peers of a kernel are in ``bench_kinetic``, ``bench_nlp``, ``bench_overlap`` and ``bench_observables``: functions
``rivals`` that return name -> callable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..backends import Device, MlmdError, PlanError, get, names
from ..kernels.nlp_prop import MODES
from ..kernels.plan import Plan, checked_dtype, checked_shape, whole
from ..tuning import inputs
from ..tuning.inputs import random_waves, touched_waves
from .bench_kinetic import SPACING, TIME_STEP, reading_pass, scaling_pass
from .roofs import Roofs

Call = Callable[[], Any]
KERNELS = ("kin_prop", "loc_prop", "nlp_prop", "density", "current", "hartree", "overlap")
PLAIN = ("reference", "numba")
REDUCTIONS = ("density", "current", "overlap")
RANKED = ("nlp_prop", "overlap")
MODES_OF = {kernel: ("fp64", "fp32") for kernel in KERNELS} | {
    "nlp_prop": tuple(MODES),
    "hartree": ("multigrid", "dsa", "fft"),
}
LARGEST_FOR_REFERENCE = 2**25  # bytes of psi; the plain NumPy kernels are for checking, and slow
ROOF = {"in place": "roof: {} in place", "read": "roof: read of {}"}
PEERS = {
    "kin_prop": "bench_kinetic",
    "nlp_prop": "bench_nlp",
    "overlap": "bench_overlap",
    "loc_prop": "bench_observables",
    "density": "bench_observables",
    "current": "bench_observables",
    "hartree": "bench_observables",
}
VECTOR_POTENTIAL = (1.0, 2.0, 3.0)
TURN = 1e-2  # rad by which S of nlp_prop turns: unitary, so that repeated calls keep psi in range


@dataclass(frozen=True)
class Problem:
    """Size and type of the arrays that a kernel is timed on."""

    kernel: str
    shape: tuple[int, int, int]
    norb: int
    dtype: str
    threads: int
    rank: int

    @property
    def points(self) -> int:
        """Grid points."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of psi; for hartree of one field."""
        if self.kernel == "hartree":
            return 8 * self.points
        return self.points * self.norb * np.dtype(self.dtype).itemsize


@dataclass
class Case:
    """Rivals of one problem.

    Attributes
    ----------
    problem : Problem
        What is computed.
    calls : dict
        Name -> callable.
    plans : dict
        Name -> plan, for those that are plans of ours.
    baseline : str
        The name that ratios refer to.
    roof : str
        The memory roof of the kernel, ``"in place"`` or ``"read"``.
    notes : list of str
        What is left out, and why.
    """

    problem: Problem
    calls: dict[str, Call] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    baseline: str = ""
    roof: str = "in place"
    notes: list[str] = field(default_factory=list)

    @property
    def roof_row(self) -> str:
        """Name of the row with the pass over memory."""
        return ROOF[self.roof].format("v" if self.problem.kernel == "hartree" else "psi")


def make_problem(kernel: str, shape: Any, norb: int, dtype: str, threads: int, rank: int | None) -> Problem:
    """A checked problem.

    Raises
    ------
    PlanError
        For parameters that make no sense.

    Examples
    --------
    >>> make_problem("density", (4, 4, 4), 2, "complex64", 1, None).nbytes
    1024
    """
    norb = whole("norb", norb, at_least=1)
    rank = norb if rank is None else whole("rank", rank, at_least=1)
    threads = whole("threads", threads, at_least=1)
    problem = Problem(kernel, checked_shape(shape), norb, str(checked_dtype(dtype)), threads, rank)
    if kernel in RANKED and rank > problem.points:
        raise PlanError(f"rank is {rank}, more than the {problem.points} grid points; give a smaller --rank")
    return problem


def dtype_of(mode: str) -> str:
    """Type of the arrays in a mode: float64 for the fields of hartree.

    Examples
    --------
    >>> dtype_of("fp64"), dtype_of("bf16x2"), dtype_of("dsa")
    ('complex128', 'complex64', 'float64')
    """
    if mode in MODES_OF["hartree"]:
        return "float64"
    return "complex128" if mode == "fp64" else "complex64"


def plan_and_call(problem: Problem, mode: str, backend: str) -> tuple[Plan, Call]:
    """The plan of a problem on one backend, and a call of it that ends when its work is done.

    Parameters
    ----------
    problem : Problem
        Its dtype must be that of the mode.
    mode : str
        One of ``MODES_OF`` the kernel.
    backend : str
        Name of the backend.

    Raises
    ------
    MlmdError
        If the backend cannot do it.

    Examples
    --------
    >>> plan, call = plan_and_call(make_problem("density", (4, 4, 4), 2, "complex64", 1, None), "fp32", "reference")
    >>> call().shape
    (4, 4, 4)
    """
    if problem.kernel == "hartree":
        plan, call = _hartree(problem, backend, mode)
    elif problem.kernel == "nlp_prop":
        plan, call = _low_rank(problem, backend, mode)
    else:
        plan, call = _of_one_form(problem, backend)
    return plan, _to_the_end(plan, call)


def _of_one_form(problem: Problem, backend: str) -> tuple[Plan, Call]:
    """Plan and call of a kernel that has no modes."""
    make = {"kin_prop": _kinetic, "loc_prop": _local, "density": _density, "current": _current, "overlap": _overlap}
    return make[problem.kernel](problem, backend)


def make_case(problem: Problem) -> Case:
    """The rivals of a problem.

    Raises
    ------
    MlmdError
        If no backend has the kernel.
    """
    case = Case(problem, roof="read" if problem.kernel in REDUCTIONS else "in place")
    _add_plans(case)
    if not case.plans:
        raise MlmdError(f"no backend has the kernel {problem.kernel}: {'; '.join(case.notes)}")
    case.baseline = next(iter(case.plans))
    _add_roof(case)
    _add_peers(case)
    return case


def _add_plans(case: Case) -> None:
    """The plan on every backend that works; the C++ one first, because ratios refer to it."""
    problem = case.problem
    if not hasattr(kernels, problem.kernel):
        case.notes.append(f"this version has no plan {problem.kernel}")
        return
    build = hartree_calls if problem.kernel == "hartree" else orbital_calls
    for backend in sorted(names(), key=lambda name: name != "cpu"):
        status = get(backend).status()
        if not status.works:
            case.notes.append(f"backend {backend} left out: {status.reason}")
        elif backend == "reference" and problem.nbytes > LARGEST_FOR_REFERENCE:
            case.notes.append("backend reference left out: slow at this size")
        else:
            for name, plan, call in build(problem, backend, case.notes):
                case.plans[name], case.calls[name] = plan, _to_the_end(plan, call)


def _to_the_end(plan: Plan, call: Call) -> Call:
    """The call, and on a device the wait until it is done."""
    arrays = plan.arrays
    if not isinstance(arrays, Device):
        return call

    def finished() -> Any:
        result = call()
        arrays.synchronize()
        return result

    return finished


def _there(backend: str, array: NDArray[Any]) -> Any:
    """The array where the backend works."""
    return get(backend).arrays().asarray(array)


def orbital_calls(problem: Problem, backend: str, notes: list[str]) -> Iterator[tuple[str, Plan, Call]]:
    """Name, plan and call of a kernel on wave functions; in each mode, but for NumPy and Numba, which gain nothing."""
    if problem.kernel == "kin_prop":
        yield from _kinetic_forms(problem, backend)
        return
    if problem.kernel != "nlp_prop":
        yield (backend, *_of_one_form(problem, backend))
        return
    usual = "fp32" if problem.dtype == "complex64" else "fp64"
    for mode in sorted(MODES, key=lambda mode: mode != usual) if backend not in PLAIN else [usual]:
        found = _low_rank_or_why(problem, backend, mode)
        if isinstance(found, str):
            notes.append(f"{backend} {mode} left out: {found}")
        else:
            yield (f"{backend} {mode}", *found)


def hartree_calls(problem: Problem, backend: str, notes: list[str]) -> Iterator[tuple[str, Plan, Call]]:
    """Name, plan and call of the three ways to the Hartree potential; a cold multigrid start, warm DSA sweeps."""
    for method in MODES_OF["hartree"]:
        if method == "fft" and backend in PLAIN:
            continue  # the same library on each host backend
        yield (f"{backend} {method}", *_hartree(problem, backend, method))


def _hartree(problem: Problem, backend: str, method: str) -> tuple[Plan, Call]:
    plan = kernels.hartree(problem.shape, SPACING, method=method, tol=1e-8, backend=backend, threads=problem.threads)
    n = _there(backend, np.random.default_rng(1).normal(size=problem.shape))
    return plan, lambda: plan(n)


def _kinetic(problem: Problem, backend: str) -> tuple[Plan, Call]:
    psi, plan = _there(backend, waves(problem)), kinetic_plan(problem, backend)
    return plan, lambda: plan(psi)


def kinetic_plan(problem: Problem, backend: str) -> kernels.KinProp:
    """The plan of a step of kin_prop."""
    return kernels.kin_prop(
        problem.shape, problem.norb, SPACING, TIME_STEP, problem.dtype, backend, threads=problem.threads
    )


def _kinetic_forms(problem: Problem, backend: str) -> Iterator[tuple[str, Plan, Call]]:
    """Compiled plans also on packed wave functions, and with light and potential."""
    psi, plan = _there(backend, waves(problem)), kinetic_plan(problem, backend)
    if backend not in PLAIN:
        packed = plan.pack(psi)
        v = _there(backend, np.random.default_rng(2).normal(size=problem.shape))
        yield f"{backend}, packed", plan, lambda: plan(packed)
        yield f"{backend}, packed, A and v", plan, lambda: plan(packed, VECTOR_POTENTIAL, v)
        yield f"{backend}, A and v", plan, lambda: plan(psi, VECTOR_POTENTIAL, v)
    yield backend, plan, lambda: plan(psi)


def _local(problem: Problem, backend: str) -> tuple[Plan, Call]:
    psi, v = (_there(backend, a) for a in (waves(problem), np.random.default_rng(2).normal(size=problem.shape)))
    plan = kernels.loc_prop(problem.shape, problem.norb, TIME_STEP, problem.dtype, backend, threads=problem.threads)
    return plan, lambda: plan(psi, v)


def _density(problem: Problem, backend: str) -> tuple[Plan, Call]:
    arrays = (waves(problem), np.full(problem.norb, 2.0), np.empty(problem.shape))
    psi, f, n = (_there(backend, array) for array in arrays)
    plan = kernels.density(problem.shape, problem.norb, problem.dtype, backend, threads=problem.threads)
    return plan, lambda: plan(psi, f, out=n)


def _current(problem: Problem, backend: str) -> tuple[Plan, Call]:
    psi, f = (_there(backend, array) for array in (waves(problem), np.full(problem.norb, 2.0)))
    plan = kernels.current(problem.shape, problem.norb, SPACING, problem.dtype, backend, threads=problem.threads)
    return plan, lambda: plan.measure(psi, f, VECTOR_POTENTIAL)


def _overlap(problem: Problem, backend: str) -> tuple[Plan, Call]:
    bras = _there(backend, random_waves((*problem.shape, problem.rank), problem.dtype))
    psi = _there(backend, waves(problem))
    plan = kernels.overlap(
        problem.shape, problem.norb, problem.rank, 1.0, problem.dtype, backend=backend, threads=problem.threads
    )
    return plan, lambda: plan(bras, psi)


def _low_rank_or_why(problem: Problem, backend: str, mode: str) -> tuple[Plan, Call] | str:
    try:
        return _low_rank(problem, backend, mode)
    except MlmdError as error:
        return str(error)


def _low_rank(problem: Problem, backend: str, mode: str) -> tuple[Plan, Call]:
    psi = _there(backend, waves(problem))
    plan = kernels.nlp_prop(
        problem.shape, problem.norb, problem.rank, 1.0, problem.dtype, mode, backend, threads=problem.threads
    )
    plan.set(_there(backend, orthonormal_columns(problem)), np.expm1(-1j * TURN) * np.eye(problem.rank))
    return plan, lambda: plan(psi)


def memory_array(problem: Problem) -> NDArray[Any]:
    """What the pass over memory works on: wave functions, or the field of hartree."""
    return np.ones(problem.shape) if problem.kernel == "hartree" else waves(problem)


def waves(problem: Problem) -> NDArray[Any]:
    """Random wave functions, touched first by the threads that will use them."""
    return touched_waves(problem.shape, problem.norb, problem.dtype, problem.threads)


def orthonormal_columns(problem: Problem) -> NDArray[Any]:
    """Columns of the given rank; see `mlmd.tuning.inputs`."""
    return inputs.orthonormal_columns(problem.shape, problem.rank, problem.dtype)


def _add_roof(case: Case) -> None:
    problem = case.problem
    make = reading_pass if case.roof == "read" else scaling_pass
    try:
        case.calls[case.roof_row] = make(memory_array(problem), problem.threads)
    except MlmdError as error:
        case.notes.append(f"no roof: {error}")


def _add_peers(case: Case) -> None:
    problem, module = case.problem, f"{__package__}.{PEERS[case.problem.kernel]}"
    if not find_spec(module):
        case.notes.append(f"no peers: {module} is not there")
        return
    rivals = import_module(module).rivals
    match problem.kernel:
        case "kin_prop":
            found = rivals(problem.shape, problem.norb, problem.dtype, problem.threads)
        case "nlp_prop" | "overlap":
            found = rivals(problem.points, problem.norb, problem.rank, problem.dtype, problem.threads)
        case _:
            found = rivals(problem.kernel, problem.shape, problem.norb, problem.dtype, problem.threads)
    ours = {"mlmd"}.union(*(name.split() for name in case.plans))  # some peers are plans of ours under another name
    case.calls |= {name: call for name, call in found.items() if name.split()[0] not in ours}
    if problem.kernel == "nlp_prop" and not any("mkl" in name.lower() for name in found):
        case.notes.append("MKL left out: it is not installed; pip install mkl")


def arithmetic_roof(plan: Plan, roofs: Roofs) -> tuple[str, float] | None:
    """The peak that bounds a plan made of matrix products; None for the others, which memory bounds."""
    mode = getattr(plan, "mode", None)
    if type(plan).__name__ == "Overlap":
        mode = "fp32" if plan.dtype == np.complex64 else "fp64"
    return peak_of(mode, {"fp32": roofs.fp32, "fp64": roofs.fp64, "bf16": roofs.bf16}) if mode in MODES else None


def peak_of(mode: str, peaks: Mapping[str, float | None]) -> tuple[str, float] | None:
    """Name and rate of the peak of a mode of products; None where the machine has no such unit.

    Examples
    --------
    >>> peak_of("bf16x2", {"fp32": 1e12, "bf16": 6e12})
    ('bf16 / 3', 2000000000000.0)
    """
    if mode.startswith("bf16x"):
        products = {"1": 1, "2": 3, "3": 6}[mode[-1]]
        rate = peaks.get("bf16")
        return None if rate is None else (f"bf16 / {products}", rate / products)
    rate = peaks.get(mode)
    return None if rate is None else (mode, rate)
