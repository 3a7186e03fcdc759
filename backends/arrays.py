"""Arrays of a backend: what plans take, checked; and what they make."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .errors import ArrayError


class Arrays:
    """NumPy arrays in the memory of the host; a device derives from this class and replaces all of it.

    Examples
    --------
    >>> arrays = Arrays()
    >>> psi = arrays.asarray(np.ones((2, 3), complex))
    >>> arrays.checked("psi", psi, (2, 3), np.dtype(complex), writable=True) is psi
    True
    """

    def checked(self, name: str, array: Any, shape: tuple[int, ...], dtype: np.dtype[Any], writable: bool) -> Any:
        """The array as this backend's kernels take it, if its type, shape and memory are what they need.

        Raises
        ------
        ArrayError
            Naming the argument, what came, what is needed and the way out.
        """
        if not isinstance(array, np.ndarray):
            raise ArrayError(f"{name} is a {type(array).__name__}; expected a numpy.ndarray: use np.asarray")
        check_form(name, array.dtype, array.shape, shape, dtype)
        if not array.flags.c_contiguous:
            raise ArrayError(f"{name} is not C-contiguous (strides {array.strides}): use np.ascontiguousarray({name})")
        if not array.flags.aligned:
            raise ArrayError(f"{name} is not aligned in memory: use {name}.copy()")
        if writable and not array.flags.writeable:
            raise ArrayError(f"{name} is read-only and would be overwritten: give out=..., or use {name}.copy()")
        return array

    def dtype_of(self, array: Any) -> Any:
        """Type of the elements; None if this is no array of this backend."""
        return array.dtype if isinstance(array, np.ndarray) else None

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """A new array with anything in it."""
        return np.empty(tuple(shape), dtype)

    def zeros(self, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """A new array of zeros."""
        return np.zeros(tuple(shape), dtype)

    def copy(self, to: Any, source: Any) -> None:
        """Copy all elements, within this backend."""
        np.copyto(to, source)

    def combine(self, to: Any, x: Any, y: Any, a: float = 1.0, b: float = 1.0) -> None:
        """to <- a x + b y, float64."""
        np.add(x if a == 1.0 else a * x, y if b == 1.0 else b * y, out=to)

    def working(self) -> AbstractContextManager[Any]:
        """A context for operators and functions of the array library: they take their turn in this backend's work."""
        return nullcontext()

    def settle(self) -> None:
        """Called at the end of each call of a plan: a device waits if somebody else's queue has a part in it."""
        return

    def overlap(self, a: Any, b: Any) -> bool:
        """Whether two arrays may share memory."""
        return np.may_share_memory(a, b)

    def asarray(self, array: NDArray[Any]) -> Any:
        """A NumPy array where this backend works: on a device a copy, here the array itself."""
        return array

    def asnumpy(self, array: Any) -> NDArray[Any]:
        """What `asarray` made, as a NumPy array: from a device a copy, here the array itself."""
        return array


def check_form(
    name: str, got_dtype: Any, got_shape: tuple[int, ...], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> None:
    """Refuse another type or shape."""
    if got_dtype != dtype:
        raise ArrayError(f"{name} has dtype {got_dtype}; expected {dtype}: use {name}.astype('{dtype}')")
    if tuple(got_shape) != shape:
        raise ArrayError(f"{name} has shape {got_shape}; expected {shape}: make a plan for this shape, or reshape")


HOST = Arrays()
