"""Trilinear forms on the edges of a neighbour list: what the kernels of strictly local neural networks have in common.

A form T(a, b, c) is a sum of products of three real arrays.  A call gives its gradient in one of them, a function of
the other two.  The gradients of such a gradient are gradients of the same form, so that forces and training (second
derivatives) need no further kernels.  Edges are sorted by their centre: those of atom n are ``begin[n]`` to
``begin[n + 1] - 1``.  Channels are the last axis of each array.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import ArrayError, Backend, PlanError, default_threads, get
from .knobs import ISA, SCHEDULE, THREADS, Knob, Tuning, checked_tuning
from .plan import whole

ATOMS = Knob("block", (0, 4, 16, 64), "atoms of a piece of work")
KINDS = (np.dtype(np.float32), np.dtype(np.float64))


class EdgeForm(ABC):
    """One trilinear form with its sizes; neighbour lists come with each call.

    Parameters
    ----------
    channels : int
        Length of the last axis.
    dtype : dtype
        float32 or float64.
    backend : str or Backend
        ``"reference"`` or ``"cpu"``.
    threads : int, optional
        Threads of a call; by default ``OMP_NUM_THREADS``, else the processors of this process.
    tuning : mapping, optional
        Knobs of the kernel by name, see `knobs`; results do not depend on them but for rounding.

    Raises
    ------
    PlanError
        For parameters that make no sense.
    BackendUnavailable
        If the backend is not there, does not work here, or has no such kernel.
    """

    KERNEL: ClassVar[str]
    FACTORS: ClassVar[tuple[str, str, str]]  # names of the three arrays
    KNOBS: ClassVar[Mapping[str, tuple[Knob, ...]]] = {"cpu": (THREADS, ISA, SCHEDULE, ATOMS)}

    def __init__(
        self,
        channels: int,
        dtype: DTypeLike,
        backend: str | Backend,
        threads: int | None,
        tuning: Tuning | None,
    ) -> None:
        self.channels = whole("channels", channels, at_least=1)
        self.dtype = np.dtype(dtype)
        if self.dtype not in KINDS:
            raise PlanError(f"dtype is {self.dtype}; give 'float32' or 'float64'")
        self._backend = get(backend)
        self.backend = self._backend.name
        self.tuning = checked_tuning(self.KERNEL, self.knobs(self._backend), tuning)
        wanted = default_threads() if threads is None else whole("threads", threads, at_least=1)
        self.threads = min(wanted, int(self.tuning.get(THREADS.name, wanted)))
        of_kernel = {name: value for name, value in self.tuning.items() if name != THREADS.name}
        self._launch = self._backend.launch(self.threads, of_kernel)
        self._raw: Callable[..., Any] = self._backend.load(self.KERNEL, of_kernel)

    @classmethod
    def knobs(cls, backend: str | Backend) -> tuple[Knob, ...]:
        """What `tuning` may hold on a backend."""
        return cls.KNOBS.get(get(backend).name, ())

    @abstractmethod
    def shapes(self, atoms: int, edges: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Shapes of the three arrays for a neighbour list."""

    @abstractmethod
    def flops(self, atoms: int, edges: int) -> int:
        """Floating-point operations of a call."""

    def bytes(self, atoms: int, edges: int) -> int:
        """Least memory traffic of a call: two arrays are read, one is written."""
        return sum(int(np.prod(shape)) for shape in self.shapes(atoms, edges)) * self.dtype.itemsize

    def _fixed(self) -> tuple[Any, ...]:
        """Arguments of the raw kernel that belong to the form."""
        return ()

    def __call__(
        self, wanted: str, begin: NDArray[np.int64], *given: NDArray[Any], out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Gradient of the form in one of its arrays.

        Parameters
        ----------
        wanted : str
            Name of that array, one of `FACTORS`.
        begin : ndarray, (atoms + 1,), int64
            First edge of each atom, then the number of edges.
        *given : two ndarrays of the plan's dtype, C-contiguous
            The other two, in the order of `FACTORS`.
        out : ndarray, optional
            Where the result goes.

        Returns
        -------
        ndarray
            Of the shape of the array that the gradient is in.

        Raises
        ------
        PlanError
            If there is no array of that name.
        ArrayError
            If an array does not fit the plan or the neighbour list.
        """
        if wanted not in self.FACTORS:
            raise PlanError(f"{self.KERNEL} has no array '{wanted}'; give one of {', '.join(self.FACTORS)}")
        place = self.FACTORS.index(wanted)
        begin = checked_begin(begin)
        shapes = self.shapes(len(begin) - 1, int(begin[-1]))
        if len(given) != 2:
            raise ArrayError(f"{self.KERNEL} was given {len(given)} arrays; expected the two besides '{wanted}'")
        arrays: list[Any] = list(given)
        arrays.insert(place, np.empty(shapes[place], self.dtype) if out is None else out)
        check = self._backend.arrays().checked
        for k, (name, array) in enumerate(zip(self.FACTORS, arrays, strict=True)):
            check(name if k != place else "out", array, shapes[k], self.dtype, k == place)
        self._raw(place, begin, *self._fixed(), *arrays, self._launch)
        return arrays[place]

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {self.channels} channels, {self.dtype}, {self.backend}, {self.threads} threads>"
        )


def checked_begin(begin: Any) -> NDArray[np.int64]:
    """First edges of the atoms, if they can be.

    Raises
    ------
    ArrayError
        If they do not start at 0, or fall somewhere.
    """
    if not isinstance(begin, np.ndarray) or begin.dtype != np.int64 or begin.ndim != 1 or len(begin) < 1:
        raise ArrayError("begin must be a one-dimensional int64 array of one number more than there are atoms")
    if begin[0] != 0 or np.any(np.diff(begin) < 0):
        raise ArrayError("begin must start with 0 and must not fall: sort the edges by centre, see first_edges")
    return np.ascontiguousarray(begin)


def first_edges(centres: NDArray[np.int64], atoms: int) -> NDArray[np.int64]:
    """``begin`` of a neighbour list.

    Parameters
    ----------
    centres : ndarray, (edges,), int64
        Centre of each edge, in rising order.
    atoms : int
        Number of atoms.

    Returns
    -------
    ndarray, (atoms + 1,), int64

    Raises
    ------
    ArrayError
        If the centres are out of order, or no numbers of atoms.

    Examples
    --------
    >>> first_edges(np.array([0, 0, 2]), 3).tolist()
    [0, 2, 2, 3]
    """
    if len(centres) and (np.any(np.diff(centres) < 0) or centres[0] < 0 or centres[-1] >= atoms):
        raise ArrayError(f"centres must rise and be numbers of the {atoms} atoms: sort the edges by centre")
    return np.searchsorted(centres, np.arange(atoms + 1)).astype(np.int64)
