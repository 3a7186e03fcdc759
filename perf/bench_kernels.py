"""Record of each kernel on each backend: ``python -m pytest mlmd/perf/bench_kernels.py --benchmark-json=kernels.json``.

The times are those of one machine at one moment: for a record and a first look, not for comparisons of code, which
need interleaved runs.  ``extra_info`` holds backend, dtype, threads, GFLOP/s and GB/s (least traffic) at the median.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ..backends import get, names
from ..kernels import current, density, hartree, kin_prop, loc_prop, nlp_prop
from ..kernels.plan import Plan

SHAPE, NORB, RANK, SPACING = (30, 30, 32), 17, 32, 0.24
Case = tuple[Plan, Callable[[], Any]]


def orbital_case(kernel: str, backend: str, dtype: str) -> Case:
    """Plan and call of a kernel that works on wave functions."""
    rng = np.random.default_rng(1)
    psi = (rng.normal(size=(*SHAPE, NORB)) + 1j * rng.normal(size=(*SHAPE, NORB))).astype(dtype)
    f, v, A = np.ones(NORB), rng.normal(size=SHAPE), (0.0, 0.0, 3.0)
    if kernel == "kin_prop":
        kinetic = kin_prop(SHAPE, NORB, SPACING, 0.04, dtype, backend)
        return kinetic, lambda: kinetic(psi, A)
    if kernel == "loc_prop":
        local = loc_prop(SHAPE, NORB, 0.04, dtype, backend)
        return local, lambda: local(psi, v)
    if kernel == "nlp_prop":
        low_rank = nlp_prop(SHAPE, NORB, RANK, 1.0, dtype, backend=backend)
        low_rank.set(np.full((*SHAPE, RANK), 1e-6 + 0j), np.eye(RANK, dtype=complex))
        return low_rank, lambda: low_rank(psi)
    if kernel == "density":
        squares = density(SHAPE, NORB, dtype, backend)
        return squares, lambda: squares(psi, f)
    bonds = current(SHAPE, NORB, SPACING, dtype, backend)
    return bonds, lambda: bonds.measure(psi, f, A)


def record(benchmark: Any, case: Case, dtype: str) -> None:
    """Time the call and write down what it amounts to."""
    plan, call = case
    call()
    benchmark.pedantic(call, rounds=10, iterations=1, warmup_rounds=1)
    benchmark.extra_info.update(backend=plan.backend, dtype=dtype, threads=plan.threads, shape=SHAPE, norb=plan.norb)
    if benchmark.stats is not None:  # none with --benchmark-disable
        seconds = benchmark.stats.stats.median
        benchmark.extra_info.update(gflop_s=plan.flops() / seconds / 1e9, gb_s=plan.bytes() / seconds / 1e9)


def working(backend: str) -> str:
    """The backend's name, or a skipped test."""
    status = get(backend).status()
    if not status.works:
        pytest.skip(f"backend {backend}: {status.reason}")
    return backend


@pytest.mark.parametrize("backend", names())
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("kernel", ["kin_prop", "loc_prop", "nlp_prop", "density", "current"])
def bench_orbitals(benchmark: Any, kernel: str, dtype: str, backend: str) -> None:
    """A kernel on wave functions."""
    record(benchmark, orbital_case(kernel, working(backend), dtype), dtype)


@pytest.mark.parametrize("backend", names())
@pytest.mark.parametrize("method", ["fft", "multigrid", "dsa"])
def bench_hartree(benchmark: Any, method: str, backend: str) -> None:
    """A Hartree solver on a random density, from zero."""
    solver = hartree(SHAPE, SPACING, method=method, tol=1e-8, backend=working(backend))
    n = np.random.default_rng(1).normal(size=SHAPE)
    record(benchmark, (solver, lambda: solver(n)), "float64")
