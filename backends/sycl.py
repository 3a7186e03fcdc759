"""SYCL through dpctl, on Intel processors and GPUs; arrays are dpnp's, or any other in unified shared memory.

Kernels come as SPIR-V (see `spirv`), so no compiler is needed.  The pip packages of ``mlmd[sycl]`` bring a driver for
Intel processors; that of an Intel GPU comes with the system.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, files
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import spirv, units
from .arrays import check_form
from .device import Device, DeviceBackend, combine, rounded_up
from .errors import ArrayError, BackendUnavailable, DeviceMemoryError, PlanError
from .rates import Rates

SCALARS = {"i4": ctypes.c_int32, "i8": ctypes.c_int64, "f4": ctypes.c_float, "f8": ctypes.c_double}
DRIVERS = "OCL_ICD_FILENAMES"
LARGE, PAGE, MADV_HUGEPAGE = 8 << 20, 4096, 14
PRODUCT_BYTES = 1 << 22  # of a product that waits to be added to a result
JOIN_BYTES = 1 << 22  # of an array: work on it is worth a thread more


def find_driver() -> None:
    """Tell the OpenCL loader where the processor's driver of pip is; it looks only once, when first asked."""
    units.target()
    if os.environ.get(DRIVERS):
        return
    try:
        listed = files("intel-opencl-rt") or []
    except PackageNotFoundError:
        return
    for file in listed:
        if file.name == "libintelocl.so":
            os.environ[DRIVERS] = os.path.realpath(file.locate())


def devices() -> list[Any]:
    """All dpctl devices that the kernels run on: GPUs and processors, in dpctl's order, with double precision."""
    find_driver()
    import dpctl

    found = [*dpctl.get_devices(device_type="gpu"), *dpctl.get_devices(device_type="cpu")]
    return [device for device in found if device.has_aspect_fp64]


def why_none() -> str:
    """What to say where no device is found."""
    chosen = os.environ.get("ONEAPI_DEVICE_SELECTOR")
    if chosen:
        return f"no device: ONEAPI_DEVICE_SELECTOR={chosen} hides those that are there; unset it"
    if not os.environ.get(DRIVERS):
        return "no device: install a driver for this processor with: pip install intel-opencl-rt"
    return (
        "no device: if this program used dpctl or dpnp before MLMD, the driver was found too late: import "
        f"mlmd.backends.sycl first, or set {DRIVERS}={os.environ[DRIVERS]} before the program starts"
    )


class SyclDevice(Device):
    """A SYCL device with one in-order queue.

    Parameters
    ----------
    queue : dpctl.SyclQueue
        In order; work is queued here.
    name : str
        What errors call it.

    Raises
    ------
    PlanError
        If the queue is not in order.

    Examples
    --------
    A queue of one's own:

    >>> from mlmd.backends import sycl  # doctest: +SKIP
    >>> backend = sycl.on(dpctl.SyclQueue("gpu", property="in_order"))  # doctest: +SKIP
    >>> plan = mlmd.kernels.density((70, 70, 72), 64, backend=backend)  # doctest: +SKIP
    """

    def __init__(self, queue: Any, name: str) -> None:
        super().__init__()
        if not queue.is_in_order:
            raise PlanError("the queue runs out of order; make it with dpctl.SyclQueue(..., property='in_order')")
        self.queue, self.name = queue, name
        self.processor = bool(queue.sycl_device.has_aspect_cpu)
        self.cache = int(queue.sycl_device.global_mem_cache_size)
        self.units = int(queue.sycl_device.max_compute_units)
        self.closed = False
        self._kernels: dict[str, Any] = {}
        self._programs: dict[str, Any] = {}
        self._running: deque[tuple[Any, Any]] = deque()
        self._foreign = False

    @cached_property
    def amx(self) -> bool:
        """See `Device.amx`."""
        return self.processor and units.works("tiles", self.queue.sycl_device.driver_version)

    @cached_property
    def dots(self) -> bool:
        """See `Device.dots`."""
        return self.processor and not self.amx and units.works("dots", self.queue.sycl_device.driver_version)

    def checked(self, name: str, array: Any, shape: tuple[int, ...], dtype: np.dtype[Any], writable: bool) -> Any:
        """The array as a dpnp array on this device; see `Arrays.checked`."""
        import dpnp

        self._check_open()
        own = array if isinstance(array, dpnp.ndarray) else self._adopted(name, array)
        check_form(name, own.dtype, own.shape, shape, dtype)
        if not own.flags.c_contiguous:
            raise ArrayError(f"{name} is not C-contiguous (strides {own.strides}): use dpnp.ascontiguousarray({name})")
        if writable and not own.flags.writable:
            raise ArrayError(f"{name} is read-only and would be overwritten: give out=..., or use {name}.copy()")
        if own.sycl_queue != self.queue:
            self._take_over(name, own.sycl_queue)
        return own

    def _adopted(self, name: str, array: Any) -> Any:
        import dpnp

        if isinstance(array, np.ndarray):
            raise ArrayError(f"{name} is a numpy.ndarray; expected an array on {self.name}: use dpnp.asarray({name})")
        try:
            if hasattr(array, "__sycl_usm_array_interface__"):
                return _viewed(array)
            return dpnp.from_dlpack(array)
        except Exception as error:  # any library's array may refuse in its own way
            raise ArrayError(
                f"{name} is a {type(array).__name__} that cannot be used on {self.name} without a copy ({error}): "
                "use dpnp.asarray"
            ) from error

    def _take_over(self, name: str, queue: Any) -> None:
        """Wait for the queue that an array comes from, and let it wait for us when the kernel is queued."""
        if queue.sycl_context != self.queue.sycl_context or queue.sycl_device != self.queue.sycl_device:
            raise ArrayError(
                f"{name} is on {queue.sycl_device.name} ({queue.sycl_device.filter_string}), the plan on {self.name}; "
                "make the plan for that device, or copy the array"
            )
        queue.wait()
        self._foreign = True

    def settle(self) -> None:
        """See `Arrays.settle`."""
        if self._foreign:
            self.synchronize()
            self._foreign = False

    def dtype_of(self, array: Any) -> Any:
        """See `Arrays.dtype_of`."""
        return None if isinstance(array, np.ndarray) else getattr(array, "dtype", None)

    def empty(self, shape: Any, dtype: DTypeLike) -> Any:
        """See `Arrays.empty`; raises DeviceMemoryError."""
        import dpctl.memory
        import dpnp

        self._check_open()
        try:
            made = dpnp.empty(tuple(shape), dtype=dtype, sycl_queue=self.queue)
        except (dpctl.memory.USMAllocationError, MemoryError) as error:
            asked = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
            raise DeviceMemoryError(self.name, asked, *self.memory()) from error
        if self.processor and made.nbytes >= LARGE:
            _ask_for_large_pages(_memory(made)._pointer, made.nbytes)
        return made

    def zeros(self, shape: Any, dtype: DTypeLike) -> Any:
        """See `Arrays.zeros`."""
        made = self.empty(shape, dtype)
        made[...] = 0
        return made

    def copy(self, to: Any, source: Any) -> None:
        """See `Arrays.copy`."""
        if to.nbytes:
            memories = _memory(to), _memory(source)
            self._do(partial(self.queue.memcpy_async, *memories, to.nbytes), (to, source))

    def overlap(self, a: Any, b: Any) -> bool:
        """See `Arrays.overlap`."""
        first, second = (_memory(x)._pointer for x in (a, b))
        return first < second + b.nbytes and second < first + a.nbytes

    def asarray(self, array: NDArray[Any]) -> Any:
        """See `Arrays.asarray`."""
        self._check_free("copied to the device")
        source = np.ascontiguousarray(array)
        made = self.empty(source.shape, source.dtype)
        if source.size:
            _memory(made).copy_from_host(source.reshape(-1).view(np.uint8))
        self.traffic.to_device += source.nbytes
        return made

    def asnumpy(self, array: Any) -> NDArray[Any]:
        """See `Arrays.asnumpy`; waits for what was queued before."""
        self._check_free("copied to the host")
        self.synchronize()
        made = np.empty(array.shape, array.dtype)
        if made.size:
            _memory(array).copy_to_host(made.reshape(-1).view(np.uint8))
        self.traffic.to_host += made.nbytes
        return made

    def launch(self, kernel: str, size: tuple[int, ...], group: tuple[int, ...], *arguments: Any) -> None:
        """See `Device.launch`."""
        if 0 in size:
            return
        compiled = self._kernels.get(kernel) or self._load(kernel)
        given = [_argument(a) for a in arguments]
        self._do(partial(self.queue.submit_async, compiled, given, rounded_up(size, group), list(group)), given)

    def _do(self, submit: Callable[[], Any], arguments: Any) -> None:
        """Queue something, or note it while a graph is captured; its arguments live until it is done."""
        if self._captured is not None:
            self._captured.append((submit, arguments))
            return
        if self.processor:
            self._join()
        self._running.append((submit(), arguments))
        while len(self._running) > 1 and self._running[0][0].execution_status.name == "complete":
            self._running.popleft()

    def _join(self) -> None:
        """Help with large work: the driver has a thread less than there are cores, and ours works while it waits."""
        if self._running:
            event, arguments = self._running[-1]
            if max((getattr(array, "nbytes", 0) for array in arguments), default=0) >= JOIN_BYTES:
                event.wait()

    def _load(self, kernel: str) -> Any:
        self._check_open()
        file, _, name = kernel.partition(":")
        program = self.program(file)
        full = f"__sycl_kernel_{name}"
        if not program.has_sycl_kernel(full):
            raise BackendUnavailable(f"backend '{self.name}' has no kernel {name!r} in csrc/sycl/{file}.cpp")
        self._kernels[kernel] = program.get_sycl_kernel(full)
        return self._kernels[kernel]

    def program(self, file: str) -> Any:
        """The kernels of ``csrc/sycl/{file}.cpp``, built for this device."""
        if file not in self._programs:
            import dpctl.program

            self._programs[file] = dpctl.program.create_program_from_spirv(self.queue, spirv.load(file))
        return self._programs[file]

    def synchronize(self) -> None:
        """See `Device.synchronize`."""
        self._check_free("waited for")
        self.queue.wait()
        self._running.clear()

    def gemm(self, a: Any, b: Any, c: Any, beta: float = 0.0, form: str = "N", fast: str | None = None) -> None:
        """See `Device.gemm`: oneMKL through dpnp, which can neither add to a result nor choose an arithmetic."""

        if beta == 0.0:
            self._matmul(a.T if form == "T" else a, b, c)
            return
        rows = c.shape[0] if form == "T" else max(1, PRODUCT_BYTES // (c.shape[1] * c.itemsize))
        product = self.empty((min(rows, c.shape[0]), c.shape[1]), c.dtype)
        for first in range(0, c.shape[0], rows):
            to = c[first : first + rows]
            self._matmul(a.T if form == "T" else a[first : first + rows], b, product[: to.shape[0]])
            combine(self, to, product[: to.shape[0]], beta=beta)

    def _matmul(self, a: Any, b: Any, c: Any) -> None:
        import dpnp

        def submit() -> Any:
            if c.size == 1:
                self.queue.wait()  # dpnp 0.20 takes a dot product here, which overtakes what was queued before
            dpnp.matmul(a, b, out=c)
            return self.queue.submit_barrier()

        self._do(submit, (a, b, c))

    def graph(self, work: Callable[[], Any]) -> SyclGraph:
        """See `Device.graph`: what was noted is queued anew, which spares the host everything but that."""
        self._check_free("captured")
        self._captured = []
        try:
            work()
            return SyclGraph(self, self._captured)
        finally:
            self._captured = None

    def adjoint(self, a: Any, room: Any = None) -> tuple[Any, str]:
        """See `Device.adjoint`."""
        to = self.empty(a.shape, a.dtype) if room is None else room
        combine(self, to, a, conjugate=True)
        return to, "T"

    def memory(self) -> tuple[int | None, int]:
        """See `Device.memory`."""
        from dpctl.utils import intel_device_info

        device = self.queue.sycl_device
        return intel_device_info(device).get("free_memory"), int(device.global_mem_size)

    def close(self) -> None:
        """See `Device.close`."""
        self.synchronize()
        self._kernels.clear()
        self._programs.clear()
        self._constants.clear()
        self.closed = True

    def _check_open(self) -> None:
        if self.closed:
            raise PlanError(f"the queue of {self.name} is closed; make a new plan on another device or queue")



@dataclass(frozen=True)
class SyclGraph:
    """Work that was noted, and the arrays that it uses."""

    device: SyclDevice
    noted: list[tuple[Callable[[], Any], Any]]

    def launch(self) -> None:
        """Queue the work."""
        for submit, arguments in self.noted:
            self.device._do(submit, arguments)


def _ask_for_large_pages(address: int, size: int) -> None:
    """Memory that nobody has written to yet comes in pages of 2 MiB then, if the system has them."""
    begin, end = -(-address // PAGE) * PAGE, (address + size) // PAGE * PAGE
    if sys.platform == "linux":
        ctypes.CDLL(None).madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), MADV_HUGEPAGE)


def _memory(array: Any) -> Any:
    """The memory of an array; of a dpnp array that begins with it without the long way through its interface."""
    from dpctl.memory import as_usm_memory

    held = array.get_array() if hasattr(array, "get_array") else None
    return held.usm_data if held is not None and held._element_offset == 0 else as_usm_memory(array)


def _viewed(array: Any) -> Any:
    """Somebody's array in unified shared memory as a dpnp array in the same memory."""
    import dpnp

    about = array.__sycl_usm_array_interface__
    kind = np.dtype(about["typestr"])
    if about.get("strides") is not None and math.prod(about["shape"]) > 0:
        packed = [math.prod(about["shape"][axis + 1 :]) for axis in range(len(about["shape"]))]
        if list(about["strides"]) != packed:
            raise ValueError(f"its elements are not next to one another: strides {about['strides']}")
    return dpnp.ndarray(about["shape"], dtype=kind, buffer=_memory(array))


def _argument(value: Any) -> Any:
    return SCALARS[value.dtype.str[1:]](value.item()) if isinstance(value, np.generic) else _memory(value)


def on(queue: Any) -> DeviceBackend:
    """A backend that works on a queue of the caller, which must be in order."""
    device = SyclDevice(queue, f"sycl ({queue.sycl_device.filter_string})")
    return DeviceBackend(**{**vars(BACKEND), "count": lambda: 1, "open": lambda index: device})


def describe(index: int) -> str:
    """Name, platform, driver and memory of a device."""
    device = devices()[index]
    memory = device.global_mem_size / 2**30
    return f"{device.name.strip()} ({device.filter_string}, driver {device.driver_version}), {memory:.1f} GiB"


def _open(index: int) -> SyclDevice:
    import dpctl

    return SyclDevice(dpctl.SyclQueue(devices()[index], property="in_order"), f"sycl:{index}")


BACKEND = DeviceBackend(
    name="sycl",
    summary="SYCL on Intel processors and GPUs, through dpctl",
    module="mlmd.kernels.device.{kernel}",
    attribute="{kernel}",
    requires=("dpctl", "dpnp"),
    install="install it with: pip install 'mlmd[sycl]'",
    package="dpctl",
    nominal=Rates(1e-4, 1e10, 1e10, 1e11, 5e10),
    count=lambda: len(devices()),
    open=_open,
    why_none=why_none,
    describe=describe,
)
