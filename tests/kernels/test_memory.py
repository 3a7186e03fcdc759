"""Arrays that their threads write first."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from mlmd import kernels
from mlmd.backends import get
from mlmd.errors import PlanError

LARGE = 2**21
built = pytest.mark.skipif(not get("cpu").status().works, reason="the cpu backend is not built")


@pytest.mark.parametrize("threads", [None, 1, 3, 7])
@pytest.mark.parametrize("shape", [5, (), (0, 3), (1,), (3, 5, 7, 2), (70, 70, 72, 2), (1, 40, 40, 40, 8)])
def test_zeros_are_zero_contiguous_and_writable(shape: Any, threads: int | None) -> None:
    for dtype in ("float64", "complex64", "complex128"):
        array = kernels.zeros(shape, dtype, threads)
        expected = np.zeros(shape, dtype)
        assert array.shape == expected.shape
        assert array.dtype == expected.dtype
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert not array.any()


@built
@pytest.mark.parametrize("size", [1, 64, 1000, 4 * LARGE - 1, 4 * LARGE, 4 * LARGE + 1])
def test_memory_is_aligned(size: int) -> None:
    address = kernels.zeros(size, "uint8", threads=2).ctypes.data
    assert address % (64 if size < 4 * LARGE else LARGE) == 0


def test_memory_used_before_is_zero_again() -> None:
    for _ in range(5):
        array = kernels.zeros((64, 64, 4), "complex64", threads=2)
        assert not array.any()
        array[...] = 1.0
        del array


def test_memory_lives_as_long_as_a_view_of_it() -> None:
    view = kernels.zeros((100, 1000), "float64", threads=2)[10:20]
    view[...] = np.arange(1000.0)
    gc.collect()
    others = [kernels.zeros((100, 1000), "float64", threads=2) for _ in range(5)]
    assert (view == np.arange(1000.0)).all()
    assert not any(np.may_share_memory(view, other) for other in others)


@built
def test_memory_is_given_back() -> None:
    resource = pytest.importorskip("resource")

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    kernels.zeros(16 * LARGE, "uint8", threads=2)
    before = peak()
    rounds, size = 40, 16 * LARGE
    for _ in range(rounds):
        kernels.zeros(size, "uint8", threads=2)
    assert peak() - before < rounds * size // 2 // 1024


@pytest.mark.parametrize(
    ("shape", "dtype", "threads", "message"),
    [
        ((3, -1), "float64", 1, r"shape\[1\] is -1"),
        ((3, 1.5), "float64", 1, "whole number"),
        ("34", "float64", 1, "whole number"),
        (None, "float64", 1, "whole number"),
        (3, "object", 1, "type of numbers"),
        (3, "U5", 1, "type of numbers"),
        (3, "number-ish", 1, "type of numbers"),
        (3, "float64", 0, "threads is 0"),
        (3, "float64", 1.5, "whole number"),
        ((2**40, 2**40), "float64", 1, "more than this machine can address"),
    ],
)
def test_bad_requests_for_memory_are_refused(shape: Any, dtype: str, threads: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        kernels.zeros(shape, dtype, threads)


def test_too_much_memory_is_an_error_of_its_own() -> None:
    with pytest.raises(MemoryError):
        kernels.zeros(2**61, "uint8", 1)


@built
def test_the_raw_function_checks_its_numbers() -> None:
    raw = get("cpu").load("zeros")
    with pytest.raises(ValueError, match="bytes is below 0"):
        raw(-1, 1)
    with pytest.raises(ValueError, match="threads is below 1"):
        raw(8, 0)


def test_packed_wave_functions_are_aligned_to_cache_lines(rng: np.random.Generator) -> None:
    psi = rng.normal(size=(5, 6, 7, 10)).astype("complex64")
    for threads in (1, 3):
        plan = kernels.kin_prop((5, 6, 7), 10, 0.4, 0.1, "complex64", threads=threads)
        packed = plan.pack(psi)
        assert packed.ctypes.data % 64 == 0
        assert np.array_equal(plan.unpack(packed), psi)
