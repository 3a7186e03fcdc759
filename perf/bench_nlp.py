"""The nonlocal propagator against BLAS on the same two products: ``python -m mlmd.perf.bench_nlp [POINTS NORB RANK]``.

Rivals are timed in turn, round after round; what is printed is the median ratio within the rounds.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import default_threads, mkl
from ..kernels import nlp_prop

SIZES = ((262144, 64, 64), (65536, 256, 256), (16384, 1024, 1024))
MODES = {"complex64": ("fp32", "bf16x1", "bf16x2", "bf16x3"), "complex128": ("fp64",)}
STEP = 1e-4  # psi changes by this fraction of its part in the span of Q, so that repeated calls leave it bounded


def rivals(points: int, norb: int, rank: int, dtype: str, threads: int) -> dict[str, Callable[[], Any]]:
    """What to time: each mode of ours on the cpu backend, then the same two products by MKL and by NumPy.

    Parameters
    ----------
    points : int
        A multiple of 4.
    norb, rank : int
        Orbitals, and columns of Q.
    dtype : str
        ``"complex64"`` or ``"complex128"``.
    threads : int
        Threads of ours and of MKL; those of NumPy's BLAS are what the process was started with.

    Returns
    -------
    dict
        Name -> function of no arguments; MKL only where it is installed.

    Examples
    --------
    >>> "fp64" in rivals(64, 2, 3, "complex128", 1)
    True
    """
    rng = np.random.default_rng(1)
    Q, psi = (
        ((rng.normal(size=(points, n)) + 1j * rng.normal(size=(points, n))) / np.sqrt(2 * points)).astype(dtype)
        for n in (rank, norb)
    )
    shape = (2, 2, points // 4)
    calls: dict[str, Callable[[], Any]] = {}
    for mode in MODES[dtype]:
        plan = nlp_prop(shape, norb, rank, 1.0, dtype, mode, "cpu", threads)
        plan.set(Q.reshape(*shape, rank), STEP * np.eye(rank, dtype=complex))
        calls[mode] = partial(plan, psi.reshape(*shape, norb).copy())
    products = mkl_products(Q, psi.copy(), threads)
    if products:
        calls["mkl"] = products
    calls["numpy"] = numpy_products(Q, psi.copy())
    return calls


def numpy_products(Q: NDArray[Any], psi: NDArray[Any]) -> Callable[[], None]:
    """O = Q^H psi and psi += Q O, as one would write them."""
    step = psi.dtype.type(STEP)

    def call() -> None:
        overlaps = Q.conj().T @ psi
        overlaps *= step
        psi[...] += Q @ overlaps

    return call


def mkl_products(Q: NDArray[Any], psi: NDArray[Any], threads: int) -> Callable[[], None] | None:
    """The two products by MKL, psi updated in place; None where MKL is not installed."""
    library = mkl.library()
    if library is None:
        return None
    gemm = library.cblas_cgemm_64 if psi.dtype == np.complex64 else library.cblas_zgemm_64
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    factors: list[Any] = [pointer, pointer, number, pointer, number, pointer, pointer, number]
    gemm.argtypes = [ctypes.c_int] * 3 + [number] * 3 + factors
    (points, rank), norb = Q.shape, psi.shape[1]
    overlaps = np.zeros((rank, norb), psi.dtype)
    zero, one, step = (np.array([x], psi.dtype) for x in (0.0, 1.0, STEP))
    row_major, plain, adjoint = 101, 111, 113

    def product(kind: int, m: int, n: int, k: int, *arrays: NDArray[Any]) -> None:
        alpha, a, b, beta, c = arrays
        gemm(
            row_major, kind, plain, m, n, k, alpha.ctypes.data, a.ctypes.data, a.shape[1], b.ctypes.data, n,
            beta.ctypes.data, c.ctypes.data, n,
        )  # fmt: skip

    def call() -> None:
        before = library.MKL_Set_Num_Threads_Local(threads)
        product(adjoint, rank, norb, points, one, Q, psi, zero, overlaps)
        product(plain, points, norb, rank, step, Q, overlaps, one, psi)
        library.MKL_Set_Num_Threads_Local(before)

    return call


def interleaved(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, NDArray[np.float64]]:
    """Seconds of each call in each round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: np.array(seconds[1:]) for name, seconds in times.items()}


def main() -> None:
    """Print the table of each size."""
    given = tuple(int(word) for word in sys.argv[1:4])
    threads = default_threads()
    for points, norb, rank in (given,) if len(given) == 3 else SIZES:
        times = interleaved(rivals(points, norb, rank, "complex64", threads), 5)
        base = "mkl" if "mkl" in times else "numpy"
        print(f"{points} points, {norb} orbitals, rank {rank}, complex64, {threads} threads; speed relative to {base}")
        for name, seconds in times.items():
            middle, speed = np.median(seconds), np.median(times[base] / seconds)
            rate = 16e-9 * points * norb * rank / middle
            print(f"  {name:8} {1e3 * middle:9.1f} ms {rate:8.0f} GFLOP/s {speed:6.2f}x")


if __name__ == "__main__":
    main()
