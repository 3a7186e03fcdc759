"""The rungs that kin_prop is measured against do the same work."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd import kernels

from .problems import TOLERANCE, difference, normalised


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", ["baseline", "contiguous", "reordered"])
@pytest.mark.parametrize("boundary", ["periodic", "dirichlet"])
def test_rung_agrees_with_the_reference(name: str, dtype: str, boundary: str) -> None:
    native = pytest.importorskip("mlmd._cpu")
    shape, norb, A = (5, 6, 7), 5, (3.0, -40.0, 200.0)
    psi = normalised(np.random.default_rng(1), shape, norb, 1.0).astype(dtype)
    expected = kernels.kin_prop(shape, norb, 0.4, 0.1, "complex128", "reference", boundary)(psi.astype(complex), A)
    work = np.ascontiguousarray(np.moveaxis(psi, -1, 0)) if name != "reordered" else psi
    native.kin_rung(work, name, *kernels.kin_prop(shape, norb, 0.4, 0.1, dtype, boundary=boundary).tables(A), 2)
    assert difference(np.moveaxis(work, 0, -1) if name != "reordered" else work, expected) <= TOLERANCE[dtype]


def test_unknown_rung_is_refused() -> None:
    native = pytest.importorskip("mlmd._cpu")
    plan = kernels.kin_prop((4, 4, 4), 2, 0.4, 0.1)
    with pytest.raises(ValueError, match="baseline, contiguous or reordered"):
        native.kin_rung(np.ones((4, 4, 4, 2), complex), "top", *plan.tables(), 1)
