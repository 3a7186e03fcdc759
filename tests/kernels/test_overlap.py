"""Overlaps of two sets of wave functions, against the plain sum; bad arrays are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmd import kernels
from mlmd.backends import HOST, get
from mlmd.errors import ArrayError, PlanError

from . import hosted
from .problems import TOLERANCE, Problem, difference, normalised, problems, put

SHAPE = (4, 5, 6)


@given(p=problems(), rank=st.sampled_from([1, 2, 7, 16, 19]), left=st.sampled_from(["complex64", "complex128"]))
def test_it_is_the_sum_over_points(backend: str, p: Problem, rank: int, left: str) -> None:
    psi0, psi = normalised(p.random(), p.shape, rank, p.dv).astype(left), p.psi()
    expected = np.einsum("xyzk,xyzs->ks", psi0.conj().astype(complex), psi.astype(complex)) * p.dv
    plan = hosted.overlap(p.shape, p.norb, rank, p.dv, p.dtype, backend, p.threads)
    result = plan(psi0, psi)
    assert result.dtype == np.complex128
    assert difference(result, expected) <= TOLERANCE[max(np.dtype(left), np.dtype(p.dtype)).name]
    again = np.empty_like(result)
    assert plan(psi0, psi, out=again) is again
    assert np.array_equal(again, result)


def test_bad_arrays_are_refused(backend: str) -> None:
    def on(array: np.ndarray) -> Any:
        return put(backend, array)

    plan = kernels.overlap(SHAPE, 2, 3, 0.1, backend=backend, threads=1)
    ones = np.ones((*SHAPE, 3), complex)
    psi0, psi = on(ones), on(np.ones((*SHAPE, 2), complex))
    bad: dict[str, tuple[Any, ...]] = {
        "psi0 has shape": (psi, psi),
        "psi0 has dtype float64": (on(ones.real.copy()), psi),
        "psi0 is a list": (ones.tolist(), psi),
        "psi0 is not C-contiguous": (on(ones.T.copy()).transpose(3, 2, 1, 0), psi),
        "psi has shape": (psi0, psi0),
        "psi has dtype complex64": (psi0, on(np.ones((*SHAPE, 2), "complex64"))),
        "out has shape": (psi0, psi, on(np.ones((2, 3), complex))),
        "out has dtype complex64": (psi0, psi, on(np.ones((3, 2), "complex64"))),
    }
    if get(backend).arrays() is HOST:
        read_only = np.ones((3, 2), complex)
        read_only.flags.writeable = False
        bad["out is read-only"] = (psi0, psi, read_only)
    for message, arguments in bad.items():
        with pytest.raises(ArrayError, match=message):
            plan(*arguments)


def test_bad_plans_are_refused() -> None:
    for arguments, message in (((0, 1, 1.0), "norb is 0"), ((1, 0, 1.0), "rank is 0"), ((1, 1, -1.0), "dv is -1.0")):
        with pytest.raises(PlanError, match=message):
            hosted.overlap(SHAPE, *arguments)


def test_flops_and_bytes() -> None:
    plan = hosted.overlap(SHAPE, 2, 3, 1.0, "complex64")
    assert plan.flops() == 8 * 120 * 6
    assert plan.bytes() == 120 * 5 * 8
