"""Arrays of other libraries as CuPy's, without a copy: those that say where they are on a CUDA device."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .errors import ArrayError

ON_DEVICE = (2, 10, 13)  # DLPack: CUDA, ROCm, CUDA managed
LEGACY = 1  # what the array interface calls the default stream, CUDA's 0


class Adopted(NamedTuple):
    """An array of another library.

    Attributes
    ----------
    array : cupy.ndarray
        The same memory.
    writable : bool
    stream : int or None
        The stream that its producer works on, if it says so.
    """

    array: Any
    writable: bool
    stream: int | None


def adopt(name: str, array: Any, device: str) -> Adopted:
    """The array as CuPy's; DLPack lets CuPy's current stream wait for its producer.

    Raises
    ------
    ArrayError
        If it is on the host, or its library refuses.
    """
    kind = type(array).__name__
    if isinstance(array, np.ndarray):
        raise ArrayError(f"{name} is a numpy.ndarray; expected an array on {device}: use cupy.asarray({name})")
    try:
        if not hasattr(array, "__dlpack__"):
            return _of_interface(array)
        if array.__dlpack_device__()[0] in ON_DEVICE:
            return _of_dlpack(array)
    except Exception as error:  # any library's array may refuse in its own way
        raise ArrayError(
            f"{name} is a {kind} that cannot be used on {device} without a copy ({error}): use cupy.asarray"
        ) from error
    raise ArrayError(f"{name} is a {kind} in the memory of the host; expected an array on {device}: move it there")


def _of_dlpack(array: Any) -> Adopted:
    import cupy

    return Adopted(cupy.from_dlpack(array), True, None)


def _of_interface(array: Any) -> Adopted:
    """From ``__cuda_array_interface__``, version 2 or 3."""
    import cupy

    facts = array.__cuda_array_interface__
    address, read_only = facts["data"]
    shape, dtype = tuple(facts["shape"]), np.dtype(facts["typestr"])
    if facts.get("mask") is not None:
        raise ValueError("it has a mask")
    strides = facts.get("strides")
    steps = zip(shape, strides, strict=True) if strides else [(int(np.prod(shape)), dtype.itemsize)]
    size = max((abs(n * step) for n, step in steps), default=dtype.itemsize)
    memory = cupy.cuda.UnownedMemory(address, size, array)
    stream = facts.get("stream")
    own = cupy.ndarray(shape, dtype, cupy.cuda.MemoryPointer(memory, 0), strides)
    return Adopted(own, not read_only, 0 if stream == LEGACY else stream)
