"""The C interface of plans through ctypes, for the tests that compare it with the Python plans."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlmd.embed import library

STATUS = (
    "MLMD_OK",
    "MLMD_BAD_ARGUMENT",
    "MLMD_OUT_OF_MEMORY",
    "MLMD_INTERNAL_ERROR",
    "MLMD_UNSUPPORTED",
    "MLMD_NOT_CONVERGED",
    "MLMD_NO_WISDOM",
    "MLMD_BAD_FILE",
)
TYPES = {"complex64": 0, "complex128": 1}


class Box(ctypes.Structure):
    _fields_ = [("n", ctypes.c_int64 * 3), ("h", ctypes.c_double * 3), ("periodic", ctypes.c_int32 * 3)]


class Domain(ctypes.Structure):
    _fields_ = [("grid", Box), ("norb", ctypes.c_int64), ("type", ctypes.c_int)]


class Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_int64),
        ("threads", ctypes.c_int32),
        ("effort", ctypes.c_int32),
        ("stream", ctypes.c_void_p),
    ]


class HartreeMethod(ctypes.Structure):
    _fields_ = [
        ("method", ctypes.c_int),
        ("max_cycles", ctypes.c_int32),
        ("sweeps", ctypes.c_int32),
        ("tol", ctypes.c_double),
    ]


class Measure(ctypes.Structure):
    _fields_ = [("norm", ctypes.c_double), ("kinetic_energy", ctypes.c_double), ("J", ctypes.c_double * 3)]


class Count(ctypes.Structure):
    _fields_ = [("taken", ctypes.c_int64), ("refused", ctypes.c_int64)]


class Refused(Exception):
    """A status that is not MLMD_OK, with its name and words."""

    def __init__(self, status: int) -> None:
        self.status = STATUS[status]
        self.words = text(library().mlmd_last_error)
        super().__init__(f"{self.status}: {self.words}")


def text(function: Any, *args: Any) -> str:
    """What a C function that gives back a text says."""
    function.restype = ctypes.c_char_p
    return str(function(*args).decode())


def grid(shape: Sequence[int], spacing: Sequence[float], boundary: Sequence[str]) -> Box:
    """A grid as C has it."""
    wraps = [kind == "periodic" for kind in boundary]
    return Box((ctypes.c_int64 * 3)(*shape), (ctypes.c_double * 3)(*spacing), (ctypes.c_int32 * 3)(*wraps))


def options(threads: int = 1, effort: int = 0, stream: int | None = None) -> Options:
    """Options as MLMD_DEFAULT_OPTIONS starts them."""
    return Options(ctypes.sizeof(Options), threads, effort, stream)


def argument(value: Any) -> Any:
    """A Python value as ctypes takes it."""
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    if isinstance(value, ctypes.Structure):
        return ctypes.byref(value)
    if isinstance(value, float):
        return ctypes.c_double(value)
    if isinstance(value, int):
        return ctypes.c_int64(value)
    return value


def call(name: str, *args: Any) -> None:
    """Call mlmd_NAME, and raise `Refused` for a status that is not MLMD_OK."""
    status = getattr(library(), f"mlmd_{name}")(*map(argument, args))
    if status:
        raise Refused(status)


class Plan:
    """A plan that is destroyed with its object."""

    def __init__(self, kernel: str, *args: Any) -> None:
        self.kernel, self.handle = kernel, ctypes.c_void_p()
        call(f"plan_{kernel}", *args, self.handle_address())

    def handle_address(self) -> Any:
        return ctypes.byref(self.handle)

    def __call__(self, *args: Any, form: str = "") -> None:
        call(f"execute_{self.kernel}{form}", self.handle, *args)

    def describe(self) -> str:
        """What mlmd_plan_describe says."""
        say: Callable[..., int] = library().mlmd_plan_describe
        say.restype = ctypes.c_int64  # type: ignore[attr-defined]
        buffer = ctypes.create_string_buffer(int(say(self.handle, None, ctypes.c_int64(0))) + 1)
        say(self.handle, buffer, ctypes.c_int64(len(buffer)))
        return buffer.value.decode()

    def __del__(self) -> None:
        library().mlmd_destroy(self.handle)
