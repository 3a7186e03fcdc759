"""What the gate times: kernels, sizes and modes, made by any build from the same arrays.

The default suite has each kernel once in the caches and, where it is bound by memory, once beyond the second-level
cache.  A call takes about a millisecond, so that many pairs fit into the budget.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ...backends import MlmdError, PlanError
from ...kernels.plan import checked_dtype, checked_shape, whole

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Call = Callable[[], Any]
SPACING, TIME_STEP, TURN = 0.4, 0.04, 1e-2
VECTOR_POTENTIAL = (1.0, 2.0, 3.0)
RANKED = ("nlp_prop", "overlap")
HARTREE_METHODS = ("multigrid", "dsa", "fft")
MODES: dict[str, tuple[str, ...]] = {
    "kin_prop": ("", "packed"),
    "loc_prop": ("",),
    "nlp_prop": ("", "fp32", "fp64", "bf16x1", "bf16x2", "bf16x3"),
    "density": ("",),
    "current": ("",),
    "overlap": ("",),
    "hartree": HARTREE_METHODS,
}


@dataclass(frozen=True)
class Case:
    """One thing to time.

    Attributes
    ----------
    kernel : str
        Its name.
    shape : tuple of 3 int
        Grid points.
    norb : int
        Orbitals, and columns of Q or bras; not used by hartree.
    dtype : str
        ``"complex64"`` or ``"complex128"``.
    backend : str
        Where it runs.
    mode : str
        ``"packed"`` for kin_prop, the arithmetic of nlp_prop, the method of hartree; else empty.
    """

    kernel: str
    shape: tuple[int, int, int]
    norb: int = 16
    dtype: str = "complex64"
    backend: str = "cpu"
    mode: str = ""

    @property
    def name(self) -> str:
        """A line for tables.

        Examples
        --------
        >>> Case("kin_prop", (32, 32, 32), mode="packed").name
        'kin_prop packed 32x32x32 x 16 complex64'
        """
        grid = "x".join(map(str, self.shape))
        orbitals = "" if self.kernel == "hartree" else f"x {self.norb} {self.dtype}"
        backend = "" if self.backend == "cpu" else f"on {self.backend}"
        return " ".join(part for part in (self.kernel, self.mode, grid, orbitals, backend) if part)


SUITE = (
    Case("kin_prop", (32, 32, 32), 16),
    Case("kin_prop", (40, 40, 40), 32, mode="packed"),
    Case("kin_prop", (24, 24, 24), 16, "complex128"),
    Case("loc_prop", (40, 40, 40), 32),
    Case("nlp_prop", (20, 20, 20), 32, mode="fp32"),
    Case("nlp_prop", (20, 20, 20), 32, mode="bf16x1"),
    Case("density", (40, 40, 40), 32),
    Case("current", (32, 32, 32), 16),
    Case("overlap", (20, 20, 20), 32),
    Case("hartree", (32, 32, 32), mode="dsa"),
)


def checked(case: Case) -> Case:
    """The case, if it makes sense.

    Raises
    ------
    PlanError
        If it does not.
    """
    if case.kernel not in MODES:
        raise PlanError(f"kernel is {case.kernel!r}; give one of {', '.join(MODES)}")
    if case.mode not in MODES[case.kernel]:
        known = ", ".join(repr(mode) for mode in MODES[case.kernel])
        raise PlanError(f"mode of {case.kernel} is {case.mode!r}; give one of {known}")
    shape, norb = checked_shape(case.shape), whole("norb", case.norb, at_least=1)
    return Case(case.kernel, shape, norb, str(checked_dtype(case.dtype)), str(case.backend), case.mode)


def select(kernels: Sequence[str], **changes: Any) -> list[Case]:
    """Cases of the suite, those of some kernels only and with some things changed.

    Parameters
    ----------
    kernels : sequence of str
        Names; empty for all.
    **changes
        Fields of `Case` to replace; None leaves them.

    Raises
    ------
    PlanError
        For a kernel that is not there, or changes that make no sense.

    Examples
    --------
    >>> [case.name for case in select(["density"], norb=4)]
    ['density 40x40x40 x 4 complex64']
    """
    for kernel in kernels:
        if kernel not in MODES:
            raise PlanError(f"--kernel is {kernel!r}; give one of {', '.join(MODES)}")
    given = {key: value for key, value in changes.items() if value is not None}
    chosen = (case for case in SUITE if not kernels or case.kernel in kernels)
    return list(dict.fromkeys(checked(Case(**asdict(case) | given)) for case in chosen))


def read_cases(path: Path) -> list[Case]:
    """Cases from a TOML file with a table ``[[case]]`` for each.

    Raises
    ------
    MlmdError
        If the file cannot be read, or something in it makes no sense.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("case", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MlmdError(f"--cases {path}: {error}; give a TOML file with a table [[case]] for each case") from None
    if not isinstance(tables, list) or not tables:
        raise MlmdError(f"--cases {path}: there is no table [[case]] in it; write one for each case")
    return [_read_case(table, f"--cases {path}: case {number}") for number, table in enumerate(tables, 1)]


def _read_case(table: Mapping[str, Any], where: str) -> Case:
    try:
        return checked(Case(**table))
    except TypeError:
        known = ", ".join(Case.__dataclass_fields__)
        raise MlmdError(f"{where}: it has {', '.join(table)}; give kernel and shape, and else only {known}") from None
    except MlmdError as error:
        raise MlmdError(f"{where}: {error}") from None


class Arrays:
    """The arrays of a case, which all builds work on in turn.

    Parameters
    ----------
    case : Case
        What they are for.
    build : ModuleType
        The package ``mlmd`` of one build: it places them in memory and brings them to the backend.
    threads : int
        Threads of the calls.
    """

    def __init__(self, case: Case, build: ModuleType, threads: int) -> None:
        there = build.backends.get(case.backend).arrays().asarray
        rng = np.random.default_rng(1)
        self.psi: Any = None
        if case.kernel == "hartree":
            self.field = there(rng.normal(size=case.shape))
            return
        psi = build.kernels.zeros((*case.shape, case.norb), case.dtype, threads)
        psi.real, psi.imag = rng.random(psi.shape, psi.real.dtype), rng.random(psi.shape, psi.real.dtype)
        self.psi = there(psi)
        self.field = there(rng.normal(size=case.shape))
        self.sums = there(np.empty(case.shape))
        self.occupations = there(np.full(case.norb, 2.0))
        if case.kernel in RANKED:
            self.columns = there(orthonormal_columns(case))
        if case.mode == "packed":
            plan = build.kernels.kin_prop(
                case.shape, case.norb, SPACING, TIME_STEP, case.dtype, case.backend, threads=threads
            )
            self.psi = plan.pack(self.psi)


def orthonormal_columns(case: Case) -> Any:
    """As many columns as orbitals, with disjoint supports: orthonormal and cheap to make."""
    points = math.prod(case.shape)
    owner = np.arange(points) % case.norb
    columns = np.zeros((points, case.norb), case.dtype)
    columns[np.arange(points), owner] = 1 / np.sqrt(np.bincount(owner)[owner])
    return columns.reshape(*case.shape, case.norb)


def make_call(case: Case, build: ModuleType, arrays: Arrays, threads: int) -> Call:
    """The case as a build of the package does it: its plan, on the arrays.

    Propagators are unitary and work in place, so that repeated calls keep the numbers in range.

    Parameters
    ----------
    case : Case
        What to compute.
    build : ModuleType
        The package ``mlmd`` of the build.
    arrays : Arrays
        What to compute it on.
    threads : int
        Threads of a call.
    """
    k, size = build.kernels, (case.shape, case.norb)
    how = {"dtype": case.dtype, "backend": case.backend, "threads": threads}
    match case.kernel:
        case "kin_prop":
            kinetic = k.kin_prop(*size, SPACING, TIME_STEP, **how)
            return _to_the_end(build, kinetic, lambda: kinetic(arrays.psi, VECTOR_POTENTIAL, arrays.field))
        case "loc_prop":
            local = k.loc_prop(*size, TIME_STEP, **how)
            return _to_the_end(build, local, lambda: local(arrays.psi, arrays.field))
        case "nlp_prop":
            low_rank = k.nlp_prop(*size, case.norb, 1.0, **how, mode=case.mode or None)
            low_rank.set(arrays.columns, np.expm1(-1j * TURN) * np.eye(case.norb))
            return _to_the_end(build, low_rank, lambda: low_rank(arrays.psi))
        case "density":
            density = k.density(*size, **how)
            return _to_the_end(build, density, lambda: density(arrays.psi, arrays.occupations, out=arrays.sums))
        case "current":
            current = k.current(*size, SPACING, **how)
            return _to_the_end(
                build, current, lambda: current.measure(arrays.psi, arrays.occupations, VECTOR_POTENTIAL)
            )
        case "overlap":
            overlap = k.overlap(*size, case.norb, 1.0, **how)
            return _to_the_end(build, overlap, lambda: overlap(arrays.columns, arrays.psi))
        case _:
            solver = k.hartree(
                case.shape, SPACING, method=case.mode, tol=1e-8, backend=case.backend, threads=threads
            )
            return _to_the_end(build, solver, lambda: solver(arrays.field))


def _to_the_end(build: ModuleType, plan: Any, call: Call) -> Call:
    """The call, and on a device, which old builds do not know, the wait until it is done."""
    if not isinstance(getattr(plan, "arrays", None), getattr(build.backends, "Device", ())):
        return call

    def finished() -> None:
        call()
        plan.arrays.synchronize()

    return finished
