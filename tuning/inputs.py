"""Arrays that kernels are timed on: random waves, and columns for the nonlocal operator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..kernels import zeros
from ..kernels.plan import Shape


def random_waves(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Random complex numbers of size 1, the same in each process."""
    return fill_waves(np.empty(shape, dtype))


def touched_waves(shape: Shape, norb: int, dtype: DTypeLike, threads: int) -> NDArray[Any]:
    """Random wave functions, written first by the threads that will use them."""
    return fill_waves(zeros((*shape, norb), dtype, threads))


def fill_waves(waves: NDArray[Any]) -> NDArray[Any]:
    """Put random numbers into wave functions, and give them back."""
    rng = np.random.default_rng(1)
    real = np.float32 if waves.dtype == np.complex64 else np.float64
    waves.real, waves.imag = rng.random(waves.shape, real), rng.random(waves.shape, real)
    return waves


def orthonormal_columns(shape: Shape, rank: int, dtype: DTypeLike) -> NDArray[Any]:
    """Columns (nx, ny, nz, rank) with disjoint supports, orthonormal and cheap to make at any size.

    Examples
    --------
    >>> Q = orthonormal_columns((2, 3, 4), 3, "complex128").reshape(24, 3)
    >>> bool(np.allclose(Q.conj().T @ Q, np.eye(3)))
    True
    """
    points = math.prod(shape)
    owner = np.arange(points) % rank
    columns = np.zeros((points, rank), dtype)
    columns[np.arange(points), owner] = 1 / np.sqrt(np.bincount(owner)[owner])
    return columns.reshape(*shape, rank)
