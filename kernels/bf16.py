"""Numbers in bf16 parts: a float32 as a sum of one to three bf16 numbers, each the rest rounded to nearest even."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rounded(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each number rounded to bf16 (8 bits of significand), ties to even.

    Examples
    --------
    >>> rounded(np.float32([1.0, 1.00390625, 1.01171875, -3.1415927])).tolist()
    [1.0, 1.0, 1.015625, -3.140625]
    """
    bits = np.ascontiguousarray(x).view(np.uint32)
    up = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return ((bits + up) & np.uint32(0xFFFF0000)).view(np.float32)


def split(x: NDArray[np.complexfloating[Any, Any]], parts: int) -> NDArray[np.complex64]:
    """Parts of complex numbers, the largest first.

    Parameters
    ----------
    x : ndarray, complex64 or complex128
        Numbers, taken as complex64.
    parts : int
        How many.

    Returns
    -------
    ndarray, (parts, *x.shape), complex64
        Real and imaginary parts are bf16 numbers; their sum is ``x`` to 8, 16 or 24 bits.

    Examples
    --------
    >>> x = np.array([1 / 3 + 1j / 7])
    >>> [f"{abs(split(x, parts).sum() - x[0]):.0e}" for parts in (1, 2, 3)]
    ['7e-04', '1e-06', '1e-08']
    """
    rest = np.ascontiguousarray(x.astype(np.complex64)).view(np.float32)
    found = np.empty((parts, *rest.shape), np.float32)
    for part in range(parts):
        found[part] = rounded(rest)
        rest = rest - found[part]
    return found.view(np.complex64)


def products(parts: int) -> list[tuple[int, int]]:
    """Pairs of parts (of the left factor, of the right one) whose products are summed: 1, 3 or 6.

    Examples
    --------
    >>> products(2)
    [(0, 0), (0, 1), (1, 0)]
    """
    return [(i, j) for i in range(parts) for j in range(parts - i)]
