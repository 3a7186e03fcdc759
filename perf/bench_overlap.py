"""Rivals of ``overlap``: the product psi0^H psi by NumPy and by the BLAS of SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import DTypeLike
from scipy.linalg.blas import get_blas_funcs

from ..tuning.inputs import random_waves


def rivals(points: int, norb: int, rank: int, dtype: DTypeLike, threads: int) -> dict[str, Callable[[], Any]]:
    """The peers of the plan: name -> one product.

    Parameters
    ----------
    points : int
        Grid points.
    norb, rank : int
        Columns of psi and of psi0.
    dtype : dtype
        complex64 or complex128.
    threads : int
        Not used: the threads of both libraries are those that the process was started with (OPENBLAS_NUM_THREADS).

    Examples
    --------
    >>> list(rivals(8, 2, 3, "complex64", 1))
    ['numpy', 'OpenBLAS gemm']
    """
    psi0, psi = random_waves((points, rank), dtype), random_waves((points, norb), dtype)
    gemm = get_blas_funcs("gemm", (psi0, psi))
    # BLAS stores columns: its psi.T and psi0.T are our arrays without a copy.
    return {"numpy": lambda: psi0.conj().T @ psi, "OpenBLAS gemm": lambda: gemm(1.0, psi.T, psi0.T, trans_b=2)}
