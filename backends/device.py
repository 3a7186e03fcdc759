"""A device with memory and a queue of its own: what SYCL and CUDA have in common.

Work is queued in order and runs while Python goes on; `Device.synchronize` waits for it.  Nothing is copied between
host and device but by `asarray`, `asnumpy` and `constant`, which count their bytes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .arrays import Arrays
from .base import Backend, Status
from .errors import BackendUnavailable, PlanError
from .machine import local_rank

CONSTANTS = 512  # small arrays that are kept on a device


@dataclass
class Traffic:
    """Bytes that went to the device and back."""

    to_device: int = 0
    to_host: int = 0


class Graph(Protocol):
    """Work on a device that was captured."""

    def launch(self) -> None:
        """Queue it."""


class Device(Arrays):
    """Memory, queue and kernels of one device.

    Attributes
    ----------
    name : str
        As in ``backend="sycl:0"``.
    processor : bool
        Whether it is a processor: kernels are then tasks for its threads, else work items that share memory accesses.
    cache : int
        Bytes of a processor core's second-level cache; 0 if unknown.
    units : int
        Threads of a processor.
    traffic : Traffic
        Bytes copied between host and device so far.
    """

    name: str
    processor: bool = False
    cache: int = 0
    units: int = 1

    def __init__(self) -> None:
        self.traffic = Traffic()
        self._captured: list[Any] | None = None
        self._constants: OrderedDict[bytes, Any] = OrderedDict()
        self._lock = Lock()

    @abstractmethod
    def launch(self, kernel: str, size: tuple[int, ...], group: tuple[int, ...], *arguments: Any) -> None:
        """Queue a kernel.

        Parameters
        ----------
        kernel : str
            Its file in ``csrc`` and its name, ``"density:density_f32"``.
        size, group : tuple of int
            Work items in all, rounded up to whole groups, and in a group, along each dimension; the last one is the
            fastest.
        *arguments
            This device's arrays, and NumPy scalars of the types that the kernel has.

        Raises
        ------
        BackendUnavailable
            If there is no such kernel.
        """

    @abstractmethod
    def gemm(self, a: Any, b: Any, c: Any, beta: float = 0.0, form: str = "N", fast: str | None = None) -> None:
        """Queue c <- op(a) b + beta c for two-dimensional C-contiguous arrays of one complex type.

        Parameters
        ----------
        a, b, c : array
            May be rows of larger arrays; any size from 1 on.
        beta : float
        form : str
            What op is: ``"N"``, nothing, or what `adjoint` gave with ``a``.
        fast : str, optional
            ``"bf16"`` says that ``a`` and ``b`` are complex64 arrays of bf16 numbers, so that the library may multiply
            in bf16 and sum in float32.
        """

    @abstractmethod
    def adjoint(self, a: Any, room: Any = None) -> tuple[Any, str]:
        """What `gemm` takes for a^H: an array and its form, ``(a, "C")`` or ``(conj(a), "T")``.

        Where conj(a) has to be made it goes to ``room``, an array like ``a``, or to a new one.  ``a`` may have more
        dimensions than two: the left factors are then its rows.
        """

    @abstractmethod
    def graph(self, work: Callable[[], Any]) -> Graph:
        """What a callable queues here, to be queued again and again without its Python; it is not run now.

        The work must have been done once before, so that its kernels are there and its constants on the device.  Arrays
        that it makes stay with the graph.

        Raises
        ------
        PlanError
            If it copies something between host and device, or waits.
        """

    @abstractmethod
    def synchronize(self) -> None:
        """Wait for all that was queued."""

    @abstractmethod
    def memory(self) -> tuple[int | None, int]:
        """Bytes of its memory that are free (None if it does not tell), and in all."""

    @abstractmethod
    def close(self) -> None:
        """Wait, give memory back, and refuse further work."""

    @cached_property
    def amx(self) -> bool:
        """Whether kernels can use matrix tiles of a processor."""
        return False

    @cached_property
    def dots(self) -> bool:
        """Whether kernels are to use dot products of a processor's bf16 numbers, as there are no tiles."""
        return False

    def combine(self, to: Any, x: Any, y: Any, a: float = 1.0, b: float = 1.0) -> None:
        """See `Arrays.combine`."""
        scalars = (np.float64(a), np.float64(b), np.int64(to.size))
        self.launch("fields:combine_f64", *items(self, int(to.size)), to, x, y, *scalars)

    def _check_free(self, what: str) -> None:
        """Refuse what a graph that is being captured cannot hold."""
        if self._captured is not None:
            raise PlanError(f"nothing can be {what} while a graph is captured: do the work once before, without it")

    def constant(self, array: NDArray[Any]) -> Any:
        """A small array on the device; the same bytes are copied only once."""
        key = array.dtype.char.encode() + repr(array.shape).encode() + array.tobytes()
        with self._lock:
            if key not in self._constants:
                self._constants[key] = self.asarray(array)
            self._constants.move_to_end(key)
            while len(self._constants) > CONSTANTS:
                self._constants.popitem(last=False)
            return self._constants[key]


@dataclass(frozen=True)
class DeviceBackend(Backend):
    """A backend of devices with numbers: ``"cuda:1"``.

    Without a number it is the device of this process: of the processes that an MPI launcher started on a node each has
    the next device, from the first again when there are more of them, and a process on its own has the first.

    Parameters
    ----------
    count : callable
        Number of devices; 0 if the backend does not work.
    open : callable
        Makes the device of a number; called once for each.
    why_none : callable
        What to say where there is none.
    describe : callable
        One line about the device of a number: name, driver, memory.
    index : int, optional
        Number of the device; without one that of this process.
    """

    count: Callable[[], int] = field(default=lambda: 0)
    open: Callable[[int], Device] = field(default=lambda index: _none(index))
    why_none: Callable[[], str] = field(default=lambda: "no device")
    describe: Callable[[int], str] = field(default=lambda index: "")
    index: int | None = None

    def at(self, index: int) -> DeviceBackend:
        """The same backend on another device."""
        return replace(self, index=index)

    def status(self) -> Status:
        """Whether the modules import and the device is there."""
        status = super().status()
        if not status.works:
            return status
        try:
            there = self.count()
        except Exception as error:  # a driver may fail in any way it likes; whoever asks wants to know how
            return Status(False, f"asking for devices failed: {error}")
        if there == 0:
            return Status(False, self.why_none())
        if self.index is not None and self.index >= there:
            return Status(False, f"there are {there}: numbers 0 to {there - 1}")
        return status

    def arrays(self) -> Device:
        """The device itself.

        Raises
        ------
        BackendUnavailable
            If it does not work here.
        """
        status = self.status()
        if not status.works:
            asked = self.name if self.index is None else f"{self.name}:{self.index}"
            raise BackendUnavailable(f"backend '{asked}' does not work here: {status.reason}")
        return _opened(self.at(local_rank() % self.count()) if self.index is None else self)

    def load(self, kernel: str, tuning: Mapping[str, Any] | None = None) -> Callable[..., Any]:
        """Raw implementation of a kernel on this device; it takes what it is tuned to by name."""
        return partial(_run, self.arrays(), partial(super().load(kernel), **(tuning or {})))


@cache
def _opened(backend: DeviceBackend) -> Device:
    return backend.open(backend.index or 0)


def _run(device: Device, raw: Callable[..., Any], *arguments: Any) -> Any:
    with device.working():
        return raw(device, *arguments)


def _none(index: int) -> Device:
    raise BackendUnavailable(f"there is no device {index}")


def rounded_up(size: tuple[int, ...], group: tuple[int, ...]) -> list[int]:
    """Work items in whole groups.

    Examples
    --------
    >>> rounded_up((5, 64), (2, 64))
    [6, 64]
    """
    return [-(-n // g) * g for n, g in zip(size, group, strict=True)]


def items(device: Device, count: int) -> tuple[tuple[int], tuple[int]]:
    """Size and group of a kernel with a work item for each of a row of numbers."""
    return (count,), (min(2048, -(-count // 16) * 16) if device.processor else 256,)


def combine(
    device: Device, to: Any, x: Any, factor: float = 1.0, beta: float = 0.0, conjugate: bool = False
) -> None:
    """Queue to <- factor x + beta to, or factor conj(x) + beta to, for complex arrays of one size and any precision.

    ``to`` is not read where beta is zero.
    """
    names = ["f32" if array.dtype == np.complex64 else "f64" for array in (to, x)]
    numbers = [np.float64(k) for k in (factor, -factor if conjugate else factor, beta)]
    size = 2 * int(to.size)
    device.launch(f"nlp_prop:combine_{'_'.join(names)}", *items(device, size), to, x, *numbers, np.int64(size))
