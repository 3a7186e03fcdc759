"""A device that runs the CUDA kernels on the processor; what it is given is checked more strictly than a GPU would."""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlmd.backends import ArrayError, BackendUnavailable, Device, DeviceBackend, Graph
from mlmd.backends.arrays import check_form
from mlmd.backends.launches import grid_of

from .build import compiler, library

MOST_PARAMETERS = 64
ALIGNMENT = 256  # of CUDA's memory


class HostCudaArray(np.ndarray):
    """An array on the emulated device: no arithmetic in Python, as little as kernels may do with CuPy's in a loop."""

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("arithmetic on an array of a device")


class HostCudaDevice(Device):
    """The CUDA kernels as work items on this processor."""

    name = "cuda_on_host:0"
    processor = False

    def checked(self, name: str, array: Any, shape: tuple[int, ...], dtype: np.dtype[Any], writable: bool) -> Any:
        """See `Arrays.checked`."""
        if not isinstance(array, HostCudaArray):
            raise ArrayError(f"{name} is a {type(array).__name__}; expected an array on {self.name}")
        check_form(name, array.dtype, array.shape, shape, dtype)
        if not array.flags.c_contiguous:
            raise ArrayError(f"{name} is not C-contiguous")
        if writable and not array.flags.writeable:
            raise ArrayError(f"{name} is read-only and would be overwritten")
        return array

    def dtype_of(self, array: Any) -> Any:
        """See `Arrays.dtype_of`."""
        return array.dtype if isinstance(array, HostCudaArray) else None

    def empty(self, shape: Any, dtype: DTypeLike) -> Any:
        """See `Arrays.empty`; aligned as CUDA's memory, and full of what breaks results that depend on it."""
        kind, sizes = np.dtype(dtype), tuple(int(n) for n in shape)
        size = math.prod(sizes) * kind.itemsize
        memory = exact_memory(size)
        return np.frombuffer(memory, kind, math.prod(sizes)).reshape(sizes).view(HostCudaArray)

    def zeros(self, shape: Any, dtype: DTypeLike) -> Any:
        """See `Arrays.zeros`."""
        made = self.empty(shape, dtype)
        made[...] = 0
        return made

    def asarray(self, array: NDArray[Any]) -> Any:
        """See `Arrays.asarray`."""
        made = self.empty(array.shape, array.dtype)
        made[...] = array
        self.traffic.to_device += made.nbytes
        return made

    def asnumpy(self, array: Any) -> NDArray[Any]:
        """See `Arrays.asnumpy`."""
        self.traffic.to_host += array.nbytes
        return np.array(array)

    def launch(self, kernel: str, size: tuple[int, ...], group: tuple[int, ...], *arguments: Any) -> None:
        """See `Device.launch`."""
        if 0 in size:
            return
        grid, block = grid_of(kernel, size, group)
        file, _, name = kernel.partition(":")
        found = library(file)
        if not hasattr(found, f"on_host_launch_{name}"):
            raise BackendUnavailable(f"backend '{self.name}' has no kernel {name!r} in csrc/cuda/{file}.cu")
        kinds = ctypes.create_string_buffer(2 * MOST_PARAMETERS)
        count = getattr(found, f"on_host_parameters_{name}")(kinds)
        expected = [kinds.raw[2 * k : 2 * k + 2].decode() for k in range(count)]
        given = ["p8" if isinstance(a, HostCudaArray) else a.dtype.str[1:] for a in arguments]
        if given != expected:
            raise TypeError(f"{kernel} takes {expected}, not {given}")
        values = [np.array(a.ctypes.data if isinstance(a, HostCudaArray) else a) for a in arguments]
        pointers = (ctypes.c_void_p * count)(*(value.ctypes.data for value in values))
        sizes = [(ctypes.c_uint * 3)(*three) for three in (grid, block)]
        getattr(found, f"on_host_launch_{name}")(*sizes, pointers)

    def gemm(self, a: Any, b: Any, c: Any, beta: float = 0.0, form: str = "N", fast: str | None = None) -> None:
        """See `Device.gemm`."""
        first, second = a.view(np.ndarray), b.view(np.ndarray)
        product = (first if form == "N" else first.conj().T) @ second
        c[...] = product if beta == 0.0 else product + beta * c.view(np.ndarray)

    def adjoint(self, a: Any, room: Any = None) -> tuple[Any, str]:
        """See `Device.adjoint`."""
        return a, "C"

    def graph(self, work: Callable[[], Any]) -> Graph:
        """See `Device.graph`: the work is done by Python each time."""
        return HostCudaGraph(work)

    def synchronize(self) -> None:
        """See `Device.synchronize`; nothing waits."""

    def memory(self) -> tuple[int | None, int]:
        """See `Device.memory`."""
        return None, 0

    def close(self) -> None:
        """See `Device.close`."""
        self._constants.clear()


def exact_memory(size: int) -> Any:
    """So many bytes and none behind them, so that a sanitizer sees what goes beyond."""
    libc = ctypes.CDLL(None)
    address = ctypes.c_void_p()
    if libc.posix_memalign(ctypes.byref(address), ctypes.c_size_t(ALIGNMENT), ctypes.c_size_t(max(size, 1))) != 0:
        raise MemoryError(f"no memory for {size} bytes")
    assert address.value is not None
    ctypes.memset(address.value, 0xFF, size)
    memory = (ctypes.c_char * max(size, 1)).from_address(address.value)
    weakref.finalize(memory, libc.free, address)
    return memory


@dataclass(frozen=True)
class HostCudaGraph:
    """Work to be done again."""

    work: Callable[[], Any]

    def launch(self) -> None:
        """Do it."""
        self.work()


BACKEND = DeviceBackend(
    name="cuda_on_host",
    summary="CUDA kernels on the processor, for tests",
    module="mlmd.kernels.device.{kernel}",
    attribute="{kernel}",
    count=lambda: 1 if compiler() else 0,
    open=lambda index: HostCudaDevice(),
    why_none=lambda: "no C++ compiler",
)
