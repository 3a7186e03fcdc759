"""What all plans share: checked parameters, the raw kernel of the backend, checks of the arrays."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from operator import index
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import ArrayError, Arrays, Backend, DeviceBackend, PlanError, choice, default_threads, get
from ..backends.choice import Question
from .knobs import THREADS, Knob, Tuning, checked_tuning

Shape = tuple[int, int, int]
Boundary = tuple[str, str, str]
BOUNDARIES = ("periodic", "dirichlet")


class Plan(ABC):
    """One operator, bound to a shape, a dtype and a backend.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points along x, y, z.
    norb : int
        Number of orbitals (0 for a plan that takes no wave functions).
    dtype : dtype
        complex64 or complex128.
    backend : str or Backend
        ``"reference"``, ``"numba"``, ``"cpu"``, ``"sycl"``, ``"cuda:1"``, ...; arrays are those of the backend.
        ``"auto"`` is the fastest one that works on NumPy's arrays, ``"auto:any"`` the fastest on any: ask
        ``plan.backend`` which it is, and ``plan.arrays`` for its arrays.
    threads : int, optional
        Threads of a call; by default ``OMP_NUM_THREADS``, else the processors of this process (of an MPI rank: its
        share of the node's).
    tuning : mapping, optional
        Knobs of the kernel by name, see `knobs`; results do not depend on them but for rounding.  Without it
        wisdom is asked for them; ``{}`` says that all are at their defaults.
    effort : str, optional
        How wisdom is asked: ``"estimate"``, ``"measure"``, ``"patient"`` or ``"wisdom-only"``, see docs/tuning.md; by
        default ``MLMD_EFFORT``, else ``"estimate"``.
    rank : int
        Columns that the kernel works with besides the orbitals; 0 if there are none.
    mode : str
        Arithmetic or method, where the kernel has several.

    Attributes
    ----------
    tuning : dict
        The knobs that are not at their defaults.

    Raises
    ------
    PlanError
        For parameters that make no sense.
    BackendUnavailable
        If the backend is not there or does not work here.
    """

    KERNEL: ClassVar[str]
    KNOBS: ClassVar[dict[str, tuple[Knob, ...]]] = {}  # by backend, besides the threads
    PLAN_KNOBS: ClassVar[tuple[str, ...]] = (THREADS.name,)  # of no concern to the raw kernel
    _raw: Callable[..., Any]

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        dtype: DTypeLike,
        backend: str | Backend,
        threads: int | None,
        tuning: Tuning | None = None,
        effort: str | None = None,
        rank: int = 0,
        mode: str = "",
    ) -> None:
        self.shape = checked_shape(shape)
        self.norb = whole("norb", norb, at_least=0)
        self.dtype = checked_dtype(dtype)
        self.real_dtype = np.dtype(np.float32 if self.dtype == np.complex64 else np.float64)
        self.threads = default_threads() if threads is None else whole("threads", threads, at_least=1)
        self.points = math.prod(self.shape)
        kind = str(self.dtype) if self.norb else "float64"
        question = Question(self.KERNEL, self.shape, self.norb, kind, self.threads, rank, mode)
        if backend in (choice.AUTO, choice.ANY):
            backend = choice.backend(question, anywhere=backend == choice.ANY)
        self.backend = backend if isinstance(backend, str) else backend.name
        self._backend = get(backend)
        self.arrays: Arrays = self._backend.arrays()
        if tuning is None:
            tuning = choice.tuning(question, self._backend, effort)
        self.tuning = checked_tuning(self.KERNEL, self.knobs(self._backend), tuning)
        self.threads = min(self.threads, int(self.tuning.get(THREADS.name, self.threads)))
        self._of_kernel = {name: value for name, value in self.tuning.items() if name not in self.PLAN_KNOBS}
        self._launch = self._backend.launch(self.threads, self._of_kernel)

    @classmethod
    def knobs(cls, backend: str | Backend) -> tuple[Knob, ...]:
        """What `tuning` may hold on a backend.

        Examples
        --------
        >>> from mlmd.kernels import Density
        >>> [knob.name for knob in Density.knobs("cpu")]
        ['threads', 'isa', 'schedule', 'block']
        """
        found = get(backend)
        own = cls.KNOBS.get(found.name, ())
        return own if found.name == "reference" or isinstance(found, DeviceBackend) else (THREADS, *own)

    @abstractmethod
    def flops(self) -> int:
        """Floating-point operations of a call."""

    @abstractmethod
    def bytes(self) -> int:
        """Least memory traffic of a call."""

    def load(self, kernel: str) -> Callable[..., Any]:
        """Raw implementation of a kernel on this plan's backend."""
        return self._backend.load(kernel, self._of_kernel if kernel == self.KERNEL else None)

    def bound(self, *arguments: Any) -> Callable[[], None]:
        """A call of the raw kernel with these arguments, which were checked, that costs no more checks."""
        binder = self._backend.bind(self.KERNEL)
        if binder is not None:
            return binder(*arguments)
        raw, settle = self._raw, self.arrays.settle

        def call() -> None:
            raw(*arguments)
            settle()

        return call

    def check_psi(self, psi: Any, name: str = "psi", writable: bool = True) -> Any:
        """The wave functions, if they are what the plan was made for."""
        return self.arrays.checked(name, psi, (*self.shape, self.norb), self.dtype, writable)

    def check_field(self, field: Any, name: str, writable: bool = False) -> Any:
        """A real field on the grid, if it is float64 of the plan's shape."""
        return self.arrays.checked(name, field, self.shape, np.dtype(np.float64), writable)

    def check_occupations(self, f: Any) -> Any:
        """The occupations, if they are float64 of shape (norb,)."""
        return self.arrays.checked("f", f, (self.norb,), np.dtype(np.float64), False)

    def target(self, psi: NDArray[Any], out: Any) -> Any:
        """The array to work on in place: ``psi`` itself, or ``out`` with a copy of ``psi`` in it."""
        return target(self.arrays, psi, out, self.check_psi)

    def __repr__(self) -> str:
        grid = "x".join(map(str, self.shape))
        orbitals = f", {self.norb} orbitals, {self.dtype}" if self.norb else ""
        return f"<{type(self).__name__}: grid {grid}{orbitals}, backend {self.backend}, {self.threads} threads>"


def whole(name: str, value: Any, at_least: int) -> int:
    """An integer not below a bound."""
    try:
        number = index(value)
    except TypeError:
        raise PlanError(f"{name} is {value!r}; give a whole number") from None
    if number < at_least:
        raise PlanError(f"{name} is {number}; give {at_least} or more")
    return number


def real(name: str, value: Any) -> float:
    """A finite real number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise PlanError(f"{name} is {value!r}; give a real number") from None
    if not math.isfinite(number):
        raise PlanError(f"{name} is {number}; give a finite number")
    return number


def positive(name: str, value: Any) -> float:
    """A finite number above zero."""
    number = real(name, value)
    if number <= 0.0:
        raise PlanError(f"{name} is {number}; give a number above zero")
    return number


def three(name: str, values: Any) -> tuple[Any, Any, Any]:
    """Three things, one for each axis."""
    if isinstance(values, str) or not isinstance(values, Iterable) or len(items := tuple(values)) != 3:
        raise PlanError(f"{name} is {values!r}; give three values, one each for x, y and z")
    return items


def checked_shape(shape: Sequence[int]) -> Shape:
    """Grid points along the axes, at least two each."""
    sizes = tuple(whole(f"shape[{axis}]", size, at_least=1) for axis, size in enumerate(three("shape", shape)))
    if 1 in sizes:
        raise PlanError(
            f"shape is {sizes}: an axis with 1 point has no neighbours; give 2 points or more (3 if periodic)"
        )
    return sizes[0], sizes[1], sizes[2]


def checked_spacing(spacing: Any) -> tuple[float, float, float]:
    """Grid spacings in bohr; one number means the same along each axis."""
    values = (spacing,) * 3 if np.ndim(spacing) == 0 else three("spacing", spacing)
    hx, hy, hz = (positive(f"spacing[{axis}]", value) for axis, value in enumerate(values))
    return hx, hy, hz


def checked_boundary(boundary: Any, shape: Shape) -> Boundary:
    """Boundary condition of each axis; a periodic axis needs three points."""
    kinds = (boundary,) * 3 if isinstance(boundary, str) else three("boundary", boundary)
    for axis, kind in enumerate(kinds):
        if kind not in BOUNDARIES:
            raise PlanError(f"boundary is {boundary!r}; give 'periodic' or 'dirichlet', or three of them")
        if kind == "periodic" and shape[axis] < 3:
            raise PlanError(
                f"shape is {shape}: a periodic axis with {shape[axis]} points joins the same two points twice; "
                f"give 3 points or more along axis {axis}, or boundary='dirichlet'"
            )
    return kinds


def checked_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """complex64 or complex128, in the byte order of this machine."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise PlanError(f"dtype is {dtype!r}; give 'complex64' or 'complex128'") from None
    if kind not in (np.dtype(np.complex64), np.dtype(np.complex128)):
        raise PlanError(f"dtype is {kind}; give 'complex64' or 'complex128'")
    return kind


def target(arrays: Arrays, source: Any, out: Any, check: Callable[..., Any]) -> Any:
    """The array to work on in place: ``source`` itself, or ``out`` with a copy of ``source`` in it.

    ``check(array, name, writable)`` returns the array as the kernels take it, or raises ArrayError.
    """
    if out is None or out is source:
        return check(source, "psi", True)
    given, to = check(source, "psi", False), check(out, "out", True)
    refuse_overlap(arrays, given, to)
    arrays.copy(to, given)
    return to


def refuse_overlap(arrays: Arrays, source: Any, out: Any) -> None:
    """Refuse an output that shares memory with the input in part."""
    if arrays.overlap(source, out):
        raise ArrayError(
            "out overlaps the input in memory: give the same array for an in-place call, or a separate one"
        )


def vector(name: str, values: Any) -> tuple[float, float, float]:
    """Three finite components of a vector."""
    x, y, z = (real(f"{name}[{axis}]", value) for axis, value in enumerate(three(name, values)))
    return x, y, z
