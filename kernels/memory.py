"""Memory for arrays, placed near the processors that work on it.

A page of memory lies next to the processor that writes it first.  The kernels divide an array in as many equal parts,
one after the other, as there are threads; `zeros` lets the same threads write the same parts first, so that on a
machine with several sockets each thread finds most of its data in its own socket.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import PlanError, default_threads, get
from .plan import whole


def zeros(
    shape: int | Sequence[int], dtype: DTypeLike = "complex128", threads: int | None = None
) -> NDArray[Any]:
    """Array of zeros, written first by the threads that will work on it.

    Parameters
    ----------
    shape : int or tuple of int
        Any number of axes.
    dtype : dtype
        A type of numbers.
    threads : int, optional
        As many as the plans that the array is for; by default as in `Plan`.

    Returns
    -------
    ndarray, shape, dtype
        C-contiguous, aligned to 64 bytes, from 8 MiB on to 2 MiB and in large pages where the system has them.
        (``numpy.zeros`` if the cpu backend is not built.)

    Raises
    ------
    PlanError
        For parameters that make no sense.
    MemoryError
        If there is not enough memory.

    Examples
    --------
    >>> psi = zeros((8, 8, 8, 4), "complex64", threads=2)
    >>> psi.shape, psi.dtype.name, psi.ctypes.data % 64
    ((8, 8, 8, 4), 'complex64', 0)
    """
    sizes = tuple(whole(f"shape[{axis}]", size, at_least=0) for axis, size in enumerate(_axes(shape)))
    kind = _numbers(dtype)
    team = default_threads() if threads is None else whole("threads", threads, at_least=1)
    backend, size = get("cpu"), math.prod(sizes) * kind.itemsize
    if size > sys.maxsize:
        raise PlanError(f"shape is {sizes}: {size} bytes are more than this machine can address")
    if not backend.status().works:
        return np.zeros(sizes, kind)
    return backend.load("zeros")(size, team).view(kind).reshape(sizes)


def _axes(shape: Any) -> tuple[Any, ...]:
    return tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else (shape,)


def _numbers(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise PlanError(f"dtype is {dtype!r}; give a type of numbers, such as 'complex64'") from None
    if kind.kind not in "biufc":
        raise PlanError(f"dtype is {kind}; give a type of numbers, such as 'complex64'")
    return kind
