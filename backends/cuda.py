"""CUDA through CuPy; arrays are CuPy's, or any other on the same device.

Kernels are compiled from ``csrc/cuda`` by NVRTC when first used, and kept on disk by CuPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .arrays import check_form
from .cuda_interop import adopt
from .device import Device, DeviceBackend
from .errors import ArrayError, BackendUnavailable, DeviceMemoryError, PlanError
from .launches import grid_of
from .nvrtc import options, source
from .rates import Rates

NO_DRIVER, NO_DEVICE = 35, 100  # of cudaError_t
ALIGNMENT = 16  # bytes that a work item reads at once
TYPES = {"f4": 0, "f8": 1, "c8": 4, "c16": 5}  # cudaDataType_t
SINGLE = (np.dtype(np.float32), np.dtype(np.complex64))
OPERATIONS = {"N": 0, "T": 1, "C": 2}  # cublasOperation_t
# cublasComputeType_t.  Pedantic: no setting of CuPy's or of the system's makes it less than float32 or float64.
PEDANTIC = {"f4": 69, "c8": 69, "f8": 71, "c16": 71}
FAST = {"bf16": 75, "tf32": 77}
BEST = -1  # cublasGemmAlgo_t


class CudaDevice(Device):
    """A CUDA device with one stream.

    Parameters
    ----------
    number : int
        Of the device.
    stream : cupy.cuda.Stream, optional
        Work is queued here, and arrays of other libraries are taken to be ordered by it; by default a stream of its
        own, which waits for the streams that arrays come from, and lets these wait for it.

    Examples
    --------
    A stream of one's own:

    >>> from mlmd.backends import cuda  # doctest: +SKIP
    >>> backend = cuda.on(torch.cuda.current_stream())  # doctest: +SKIP
    >>> plan = mlmd.kernels.density((70, 70, 72), 64, backend=backend)  # doctest: +SKIP
    """

    def __init__(self, number: int, stream: Any = None) -> None:
        import cupy

        super().__init__()
        self.number, self.name = number, f"cuda:{number}"
        self.closed = False
        self._device = cupy.cuda.Device(number)
        self._given = stream is not None
        with self._device:
            self.stream = cupy.cuda.Stream() if stream is None else stream
        self._kernels: dict[str, Any] = {}
        self._modules: dict[str, Any] = {}
        self._foreign: dict[int, Any] = {}
        self._unknown = False

    def checked(self, name: str, array: Any, shape: tuple[int, ...], dtype: np.dtype[Any], writable: bool) -> Any:
        """The array as a CuPy array on this device; see `Arrays.checked`."""
        import cupy

        self._check_open()
        if isinstance(array, cupy.ndarray):
            own, may_write = array, True
            stream: int | None = cupy.cuda.get_current_stream(self.number).ptr
        else:
            with self._device, self.stream:
                own, may_write, stream = adopt(name, array, self.name)
        check_form(name, own.dtype, own.shape, shape, dtype)
        if not own.flags.c_contiguous:
            raise ArrayError(f"{name} is not C-contiguous (strides {own.strides}): use cupy.ascontiguousarray({name})")
        if own.size and own.device.id != self.number:
            raise ArrayError(
                f"{name} is on cuda:{own.device.id}, the plan on {self.name}; make the plan for that device, or copy "
                "the array"
            )
        if own.data.ptr % (ALIGNMENT if dtype.kind == "c" else dtype.itemsize):
            raise ArrayError(f"{name} is not aligned in memory: use {name}.copy()")
        if writable and not may_write:
            raise ArrayError(f"{name} is read-only and would be overwritten: give out=..., or use {name}.copy()")
        self._follow(stream)
        return own

    def _follow(self, stream: int | None) -> None:
        """Wait for the stream that an array comes from, and remember that it has to wait for us."""
        import cupy

        if stream == self.stream.ptr or self._captured is not None:
            return
        if stream is None:
            self._unknown = self._unknown or not self._given
        # The default stream and one of ours wait for each other by themselves.
        elif stream != 0 or self._given:
            with self._device:
                foreign = cupy.cuda.ExternalStream(stream, self.number)
                self.stream.wait_event(foreign.record(_event()))
            self._foreign[stream] = foreign

    def settle(self) -> None:
        """See `Arrays.settle`; only an array that does not tell its stream makes this wait."""
        while self._foreign:
            _, foreign = self._foreign.popitem()
            with self._device:
                foreign.wait_event(self.stream.record(_event()))
        if self._unknown:
            self._unknown = False
            self.synchronize()

    def dtype_of(self, array: Any) -> Any:
        """See `Arrays.dtype_of`."""
        import cupy

        if isinstance(array, cupy.ndarray):
            return array.dtype
        try:
            with self._device, self.stream:
                return adopt("array", array, self.name).array.dtype
        except ArrayError:
            return None

    def empty(self, shape: Any, dtype: DTypeLike) -> Any:
        """See `Arrays.empty`; raises DeviceMemoryError."""
        import cupy

        self._check_open()
        try:
            with self._device, self.stream:
                made = cupy.empty(tuple(shape), dtype=dtype)
        except cupy.cuda.memory.OutOfMemoryError as error:
            asked = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
            raise DeviceMemoryError(self.name, asked, *self.memory()) from error
        if self._captured is not None:
            self._captured.append(made)
        return made

    def zeros(self, shape: Any, dtype: DTypeLike) -> Any:
        """See `Arrays.zeros`."""
        made = self.empty(shape, dtype)
        if made.nbytes:
            with self._device:
                made.data.memset_async(0, made.nbytes, self.stream)
        return made

    def copy(self, to: Any, source: Any) -> None:
        """See `Arrays.copy`."""
        if to.nbytes:
            with self._device:
                to.data.copy_from_device_async(source.data, to.nbytes, self.stream)

    def working(self) -> AbstractContextManager[Any]:
        """See `Arrays.working`: this device and its stream are CuPy's current ones."""
        return _Current(self._device, self.stream)

    def overlap(self, a: Any, b: Any) -> bool:
        """See `Arrays.overlap`."""
        return a.data.ptr < b.data.ptr + b.nbytes and b.data.ptr < a.data.ptr + a.nbytes

    def asarray(self, array: NDArray[Any]) -> Any:
        """See `Arrays.asarray`."""
        self._check_free("copied to the device")
        source = np.ascontiguousarray(array)
        made = self.empty(source.shape, source.dtype)
        if source.size:
            with self._device:
                made.set(source, stream=self.stream)
        self.traffic.to_device += source.nbytes
        return made

    def asnumpy(self, array: Any) -> NDArray[Any]:
        """See `Arrays.asnumpy`; waits for what was queued before."""
        self._check_free("copied to the host")
        with self._device:
            made = array.get(stream=self.stream)
        self.traffic.to_host += made.nbytes
        return made

    def launch(self, kernel: str, size: tuple[int, ...], group: tuple[int, ...], *arguments: Any) -> None:
        """See `Device.launch`."""
        if 0 in size:
            return
        with self._device:
            function = self._kernels.get(kernel) or self._load(kernel)
            function(*grid_of(kernel, size, group), arguments, stream=self.stream)
        if self._captured is not None:
            self._captured.append(arguments)

    def _load(self, kernel: str) -> Any:
        self._check_open()
        import cupy

        file, _, name = kernel.partition(":")
        if file not in self._modules:
            self._modules[file] = cupy.RawModule(code=source(file), options=options(file))
        try:
            self._kernels[kernel] = self._modules[file].get_function(name).kernel
        except cupy.cuda.compiler.CompileException as error:
            raise BackendUnavailable(f"csrc/cuda/{file}.cu does not compile for {self.name}:\n{error}") from error
        except cupy.cuda.driver.CUDADriverError as error:
            raise BackendUnavailable(
                f"backend '{self.name}' has no kernel {name!r} in csrc/cuda/{file}.cu ({error})"
            ) from error
        return self._kernels[kernel]

    def gemm(self, a: Any, b: Any, c: Any, beta: float = 0.0, form: str = "N", fast: str | None = None) -> None:
        """See `Device.gemm`; ``fast`` may be "tf32" too, and real numbers are taken as well."""
        from cupy_backends.cuda.libs import cublas

        self._check_open()
        (rows, columns), inner = c.shape, b.shape[0]
        # Row-major c = a b is column-major c^T = b^T a^T.
        scalars = np.array([1.0, beta], c.dtype)
        one, other = scalars.ctypes.data, scalars.ctypes.data + scalars.itemsize
        kind = c.dtype.str[1:]
        mode = FAST[fast] if fast is not None and c.dtype in SINGLE else PEDANTIC[kind]
        with self._device, self.stream:
            cublas.gemmEx(
                self._device.cublas_handle,
                *(OPERATIONS["N"], OPERATIONS[form], columns, rows, inner, one),
                *(b.data.ptr, TYPES[kind], columns, a.data.ptr, TYPES[kind], a.shape[1]),
                *(other, c.data.ptr, TYPES[kind], columns, mode, BEST),
            )
        if self._captured is not None:
            self._captured.append((a, b, c))

    def adjoint(self, a: Any, room: Any = None) -> tuple[Any, str]:
        """See `Device.adjoint`."""
        return a, "C"

    def graph(self, work: Callable[[], Any]) -> CudaGraph:
        """See `Device.graph`; a CUDA graph.  The default stream cannot be captured: that is a PlanError too."""
        import cupy

        self._check_free("captured")
        if self.stream.ptr in (0, 1, 2):
            raise PlanError("the default stream cannot be captured: give mlmd.backends.cuda.on a stream of your own")
        self.synchronize()
        kept: list[Any] = []
        with self._device, self.stream:
            self.stream.begin_capture()
            self._captured = kept
            try:
                work()
            except BaseException:
                with suppress(cupy.cuda.runtime.CUDARuntimeError):
                    self.stream.end_capture()
                raise
            finally:
                self._captured = None
            return CudaGraph(self, self.stream.end_capture(), kept)

    def synchronize(self) -> None:
        """See `Device.synchronize`."""
        self._check_free("waited for")
        self.stream.synchronize()

    def memory(self) -> tuple[int | None, int]:
        """See `Device.memory`."""
        import cupy

        with self._device:
            free, total = cupy.cuda.runtime.memGetInfo()
        return int(free), int(total)

    def close(self) -> None:
        """See `Device.close`."""
        import cupy

        self.synchronize()
        self._kernels.clear()
        self._modules.clear()
        self._constants.clear()
        self.closed = True
        with self._device:
            cupy.get_default_memory_pool().free_all_blocks(stream=self.stream)

    def _check_open(self) -> None:
        if self.closed:
            raise PlanError(f"{self.name} is closed; make a new plan on another device or stream")

    def _check_free(self, what: str) -> None:
        self._check_open()
        super()._check_free(what)


class _Current:
    """A device and a stream made CuPy's current ones; quicker than a generator, as it is entered for each kernel."""

    def __init__(self, device: Any, stream: Any) -> None:
        self._device, self._stream = device, stream

    def __enter__(self) -> None:
        self._device.__enter__()
        self._stream.__enter__()

    def __exit__(self, *error: object) -> None:
        self._stream.__exit__(*error)
        self._device.__exit__(*error)


@dataclass(frozen=True)
class CudaGraph:
    """Work that was captured, and the arrays that it uses."""

    device: CudaDevice
    captured: Any
    kept: list[Any]

    def launch(self) -> None:
        """Queue the work."""
        with self.device._device:
            self.captured.launch(stream=self.device.stream)


def count() -> int:
    """Number of CUDA devices."""
    import cupy

    try:
        return cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        if error.status in (NO_DRIVER, NO_DEVICE):
            return 0
        raise


def why_none() -> str:
    """What to say where no device is found."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and not hidden.strip():
        return "no device: CUDA_VISIBLE_DEVICES is empty and hides those that are there; unset it"
    return (
        "no device: there is no NVIDIA GPU, or its driver is missing or too old for this CuPy (CUDA 13 needs driver "
        "580 or newer; for CUDA 12: pip install cupy-cuda12x in place of cupy-cuda13x)"
    )


def describe(number: int) -> str:
    """Name of a device, its compute capability, the CUDA version of its driver, its memory."""
    import cupy

    facts = cupy.cuda.runtime.getDeviceProperties(number)
    driver = cupy.cuda.runtime.driverGetVersion()
    return (
        f"{facts['name'].decode()}, compute capability {facts['major']}.{facts['minor']}, driver for CUDA "
        f"{driver // 1000}.{driver % 1000 // 10}, {facts['totalGlobalMem'] / 2**30:.0f} GiB"
    )


def on(stream: Any) -> DeviceBackend:
    """A backend that works on a stream of the caller: CuPy's, PyTorch's, or any with ``__cuda_stream__``."""
    import cupy

    if not isinstance(stream, (cupy.cuda.Stream, cupy.cuda.ExternalStream)):
        address = stream.__cuda_stream__()[1] if hasattr(stream, "__cuda_stream__") else stream.cuda_stream
        number = getattr(stream, "device_index", None)
        number = cupy.cuda.runtime.getDevice() if number is None else int(number)
        stream = cupy.cuda.ExternalStream(address, number)
    number = stream.device_id if stream.device_id >= 0 else cupy.cuda.runtime.getDevice()
    device = CudaDevice(number, stream)
    return DeviceBackend(**{**vars(BACKEND), "count": lambda: 1, "open": lambda index: device})


def _event() -> Any:
    import cupy

    return cupy.cuda.Event(disable_timing=True)


BACKEND = DeviceBackend(
    name="cuda",
    summary="CUDA on NVIDIA GPUs, through CuPy",
    module="mlmd.kernels.device.{kernel}",
    attribute="{kernel}",
    requires=("cupy",),
    install="install it with: pip install 'mlmd[cuda]', or cupy-cuda12x where the driver is for CUDA 12",
    package="cupy",
    nominal=Rates(2e-5, 1e12, 1e12, 2e13, 1e13),
    count=count,
    open=CudaDevice,
    why_none=why_none,
    describe=describe,
)
