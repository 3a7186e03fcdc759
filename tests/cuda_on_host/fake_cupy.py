"""As much of CuPy as the CUDA backend uses, on the processor: its kernels are those of `build`.

Devices have memory of a size that can be set, streams write down what they are asked to wait for, and a captured graph
runs its launches again.  It is put in CuPy's place by `installed`.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from .build import library


class State:
    """What is global in CUDA."""

    def __init__(self, devices: int) -> None:
        self.devices = devices
        self.current = [0]
        self.streams: list[Any] = []
        self.addresses = count(1000)
        self.free = 1 << 30
        self.home: dict[int, int] = {}  # device of an array made elsewhere, by address
        self.waits: list[tuple[int, int]] = []  # (who waits, for whom)
        self.launches: list[str] = []


class CUDARuntimeError(RuntimeError):
    """CuPy's, with its status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class CUDADriverError(RuntimeError):
    """CuPy's."""


class CompileException(Exception):
    """CuPy's."""


class OutOfMemoryError(MemoryError):
    """CuPy's."""


class Pointer:
    """CuPy's MemoryPointer."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.ptr = array, array.ctypes.data

    def memset_async(self, value: int, size: int, stream: Any) -> None:
        ctypes.memset(self.ptr, value, size)

    def copy_from_device_async(self, source: Pointer, size: int, stream: Any) -> None:
        ctypes.memmove(self.ptr, source.ptr, size)


def make(devices: int) -> tuple[Any, State]:
    """The modules ``cupy`` and ``cupy_backends`` by name, and their state."""
    state = State(devices)
    cupy: Any = ModuleType("cupy")

    class ndarray(np.ndarray):
        """On a device of its own; arithmetic is left out, as kernels must not use it."""

        def __new__(cls, shape: Any, dtype: Any, memptr: Any, strides: Any = None) -> Any:
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            memory = (ctypes.c_char * max(size, 1)).from_address(memptr.ptr) if memptr.ptr else bytearray(1)
            made = super().__new__(cls, shape, dtype, memory, 0, strides)
            made.home = memptr.home
            return made

        def __array_finalize__(self, other: Any) -> None:
            self.home = getattr(other, "home", state.current[-1])

        def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
            raise TypeError("arithmetic on an array of a device")

        @property
        def data(self) -> Any:
            return Pointer(self)

        @property
        def device(self) -> Any:
            return SimpleNamespace(id=self.home)

        def set(self, source: np.ndarray, stream: Any) -> None:
            self[...] = source

        def get(self, stream: Any) -> np.ndarray:
            return np.array(self)

    class Device:
        def __init__(self, number: int) -> None:
            self.id, self.cublas_handle = number, 1

        def __enter__(self) -> Any:
            state.current.append(self.id)
            return self

        def __exit__(self, *_: Any) -> None:
            state.current.pop()

    class Stream:
        def __init__(self, ptr: int | None = None, device_id: int | None = None) -> None:
            self.ptr = next(state.addresses) if ptr is None else ptr
            self.device_id = state.current[-1] if device_id is None else device_id
            self.captured: list[Any] | None = None

        def __enter__(self) -> Any:
            assert self.device_id in (-1, state.current[-1]), "the stream of another device"
            state.streams.append(self)
            return self

        def __exit__(self, *_: Any) -> None:
            state.streams.pop()

        def record(self, event: Any) -> Any:
            event.stream = self.ptr
            return event

        def wait_event(self, event: Any) -> None:
            state.waits.append((self.ptr, event.stream))

        def synchronize(self) -> None:
            assert self.captured is None
            state.waits.append((-1, self.ptr))

        def begin_capture(self) -> None:
            self.captured = []

        def end_capture(self) -> Any:
            calls, self.captured = self.captured or [], None

            def launch(stream: Any) -> None:
                for call in calls:
                    call()

            return SimpleNamespace(launch=launch)

    class ExternalStream(Stream):
        pass

    class Event:
        def __init__(self, disable_timing: bool) -> None:
            assert disable_timing

    class UnownedMemory:
        def __init__(self, address: int, size: int, owner: Any) -> None:
            self.ptr, self.owner = address, owner

    def memory_pointer(memory: Any, offset: int) -> Any:
        home = state.home.get(memory.ptr, state.current[-1])
        return SimpleNamespace(ptr=memory.ptr + offset, home=home, memory=memory)

    def empty(shape: Any, dtype: Any) -> Any:
        kind = np.dtype(dtype)
        size = int(np.prod(shape, dtype=object)) * kind.itemsize
        if size > state.free:
            raise OutOfMemoryError
        memory = np.full(size + 256, 0xFF, np.uint8)
        start = -memory.ctypes.data % 256
        return memory[start : start + size].view(kind).reshape(shape).view(ndarray)

    class RawModule:
        def __init__(self, code: str, options: tuple[str, ...]) -> None:
            assert "MLMD_SOURCES" in options[-1]
            folder = next(Path(option[2:]) for option in options if option.endswith("cuda"))
            self.name = next(path.stem for path in folder.glob("*.cu") if path.read_text() == code)

        def get_function(self, name: str) -> Any:
            return SimpleNamespace(kernel=Kernel(self.name, name))

    class Kernel:
        def __init__(self, file: str, name: str) -> None:
            self.library, self.name = library(file), name
            if not hasattr(self.library, f"on_host_launch_{name}"):
                raise CUDADriverError("CUDA_ERROR_NOT_FOUND: named symbol not found")

        def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: Any, stream: Any) -> None:
            assert stream.device_id in (-1, state.current[-1])

            def run() -> None:
                state.launches.append(self.name)
                values = [np.array(a.data.ptr if isinstance(a, ndarray) else a) for a in args]
                pointers = (ctypes.c_void_p * len(values))(*(value.ctypes.data for value in values))
                sizes = [(ctypes.c_uint * 3)(*three) for three in (grid, block)]
                getattr(self.library, f"on_host_launch_{self.name}")(*sizes, pointers)

            if stream.captured is None:
                run()
            else:
                stream.captured.append(run)

    def device_count() -> int:
        if not state.devices:
            raise CUDARuntimeError(100, "cudaErrorNoDevice: no CUDA-capable device is detected")
        return state.devices

    def current_stream(number: int) -> Any:
        return state.streams[-1] if state.streams else Stream(0, number)

    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDevice=lambda: state.current[-1],
        getDeviceCount=device_count,
        memGetInfo=lambda: (state.free, 1 << 31),
    )
    cupy.ndarray, cupy.empty, cupy.RawModule = ndarray, empty, RawModule
    cupy.from_dlpack = lambda array: array.exported()
    cupy.get_default_memory_pool = lambda: SimpleNamespace(free_all_blocks=lambda stream: None)
    cupy.cuda = SimpleNamespace(
        Device=Device,
        Stream=Stream,
        ExternalStream=ExternalStream,
        Event=Event,
        UnownedMemory=UnownedMemory,
        MemoryPointer=memory_pointer,
        get_current_stream=current_stream,
        runtime=runtime,
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        driver=SimpleNamespace(CUDADriverError=CUDADriverError),
        compiler=SimpleNamespace(CompileException=CompileException),
    )
    return cupy, state


def gemm_ex(*arguments: Any) -> None:
    """cuBLAS's GEMM of column-major matrices, for the types and operations that the backend asks for."""
    _, op_a, op_b, m, n, k, alpha, a, kind_a, lda, b, kind_b, ldb, beta, c, kind_c, ldc, _, _ = arguments
    kinds = {0: np.float32, 1: np.float64, 4: np.complex64, 5: np.complex128}

    def matrix(address: int, kind: int, rows: int, columns: int, leading: int) -> Any:
        item = np.dtype(kinds[kind])
        memory = (ctypes.c_char * (leading * columns * item.itemsize)).from_address(address)
        return np.frombuffer(memory, item).reshape(columns, leading).T[:rows]

    def operand(address: int, kind: int, op: int, rows: int, columns: int, leading: int) -> Any:
        if op == 2:
            return matrix(address, kind, columns, rows, leading).conj().T
        return matrix(address, kind, rows, columns, leading)

    scale_a, scale_b = (matrix(address, kind_c, 1, 1, 1)[0, 0] for address in (alpha, beta))
    product = scale_a * (operand(a, kind_a, op_a, m, k, lda) @ operand(b, kind_b, op_b, k, n, ldb))
    result = matrix(c, kind_c, m, n, ldc)
    result[...] = product if scale_b == 0 else product + scale_b * result


@contextmanager
def installed(devices: int = 1) -> Iterator[State]:
    """CuPy is this one meanwhile."""
    cupy, state = make(devices)
    cublas = SimpleNamespace(gemmEx=gemm_ex)
    modules: dict[str, Any] = {"cupy": cupy}
    for name in ("cupy_backends", "cupy_backends.cuda", "cupy_backends.cuda.libs"):
        modules[name] = ModuleType(name)
    modules["cupy_backends.cuda.libs"].cublas = cublas
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield state
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
