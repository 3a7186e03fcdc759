"""Kernels on the edges of a neighbour list, and layers of perceptrons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlmd import kernels
from mlmd.backends import ArrayError, BackendUnavailable, PlanError
from mlmd.kernels.edge_form import EdgeForm, first_edges

TOLERANCE = {"float32": 5e-6, "float64": 1e-13}
ENTRIES = [(0, 0), (1, 0), (2, 2), (0, 2), (1, 5)]
FORMS: dict[str, Callable[..., EdgeForm]] = {
    "product": lambda u, *how: kernels.edge_product(9, 11, u, *how),
    "product to a scalar": lambda u, *how: kernels.edge_product(4, 1, u, *how),
    "sum": lambda u, *how: kernels.edge_sum((1, 3, 5), u, *how),
    "sum, one group": lambda u, *how: kernels.edge_sum((16,), u, *how),
    "coupling": lambda u, *how: kernels.edge_coupling(ENTRIES, 3, 6, u, *how),
}
forms = pytest.mark.parametrize("form", FORMS)


def difference(got: NDArray, expected: NDArray) -> float:
    return float(np.max(np.abs(got - expected), initial=0.0) / max(np.max(np.abs(expected), initial=0.0), 1e-30))


def arrays(plan: EdgeForm, begin: NDArray, seed: int) -> list[NDArray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(plan.dtype) for shape in plan.shapes(len(begin) - 1, int(begin[-1]))]


@forms
@given(
    counts=st.lists(st.integers(0, 9), max_size=7),
    channels=st.sampled_from([1, 2, 3, 5, 8, 12, 16, 24, 32]),
    dtype=st.sampled_from(list(TOLERANCE)),
    isa=st.sampled_from(["best", "v2"]),
    schedule=st.sampled_from(["static", "dynamic"]),
    threads=st.integers(1, 3),
)
def test_gradients_agree_with_the_reference(
    form: str, counts: list[int], channels: int, dtype: str, isa: str, schedule: str, threads: int
) -> None:
    begin = np.cumsum([0, *counts])
    plan = FORMS[form](channels, dtype, "cpu", threads, {"isa": isa, "schedule": schedule, "block": 2})
    reference = FORMS[form](channels, dtype, "reference")
    numbers = arrays(plan, begin, sum(counts))
    for k, name in enumerate(plan.FACTORS):
        others = numbers[:k] + numbers[k + 1 :]
        assert difference(plan(name, begin, *others), reference(name, begin, *others)) < TOLERANCE[dtype]


@forms
def test_the_three_gradients_are_of_one_form(form: str) -> None:
    """T is linear in each array: the product of an array with the gradient in it is T, whichever array."""
    begin = np.array([0, 4, 4, 7, 30])
    plan = FORMS[form](16, "float64")
    numbers = arrays(plan, begin, 5)
    others = {name: numbers[:k] + numbers[k + 1 :] for k, name in enumerate(plan.FACTORS)}
    values = [np.vdot(mine, plan(name, begin, *others[name])) for name, mine in zip(plan.FACTORS, numbers, strict=True)]
    assert np.ptp(values) < 1e-12 * abs(values[0])


@forms
def test_results_do_not_depend_on_the_threads(form: str) -> None:
    begin = np.cumsum([0, *[13] * 40])
    one, two = (FORMS[form](8, "float32", "cpu", threads) for threads in (1, 2))
    numbers = arrays(one, begin, 2)
    for k, name in enumerate(one.FACTORS):
        others = numbers[:k] + numbers[k + 1 :]
        assert np.array_equal(one(name, begin, *others), two(name, begin, *others))


def test_bad_input_of_a_form_says_what_to_do() -> None:
    plan, begin = kernels.edge_product(2, 3, 4), np.array([0, 1, 2])
    x, m = np.zeros((2, 2, 4), "f"), np.zeros((2, 2, 3, 4), "f")
    with pytest.raises(PlanError, match="has no array 'z'; give one of x, m, y"):
        plan("z", begin, x, m)
    with pytest.raises(ArrayError, match="was given 1 arrays; expected the two besides 'y'"):
        plan("y", begin, x)
    with pytest.raises(ArrayError, match="m has dtype float64; expected float32"):
        plan("y", begin, x, m.astype(float))
    with pytest.raises(ArrayError, match=r"x has shape .*; expected \(3, 2, 4\)"):
        plan("y", np.array([0, 1, 3]), x, m)
    with pytest.raises(ArrayError, match="begin must start with 0 and must not fall: sort the edges"):
        plan("y", np.array([0, 2, 1]), x, m)
    with pytest.raises(ArrayError, match="begin must be a one-dimensional int64 array"):
        plan("y", begin.astype(float), x, m)
    with pytest.raises(ArrayError, match="centres must rise and be numbers of the 3 atoms"):
        first_edges(np.array([0, 3]), 3)
    with pytest.raises(PlanError, match="dtype is complex64; give 'float32' or 'float64'"):
        kernels.edge_product(2, 3, 4, "complex64")
    with pytest.raises(PlanError, match="entries must be rows below 3 and columns below 6, columns in rising order"):
        kernels.edge_coupling([(0, 2), (0, 1)], 3, 6, 4)
    with pytest.raises(PlanError, match="groups is empty"):
        kernels.edge_sum((), 4)
    with pytest.raises(PlanError, match="tuning of edge_product has no 'form'"):
        kernels.edge_product(2, 3, 4, tuning={"form": 1})


def test_a_backend_without_the_kernel_says_so() -> None:
    pytest.importorskip("numba")
    with pytest.raises(BackendUnavailable, match="backend 'numba' has no kernel 'edge_product'"):
        kernels.edge_product(2, 3, 4, backend="numba")


@given(
    rows=st.sampled_from([0, 1, 7, 100]),
    inputs=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    outputs=st.lists(st.integers(1, 70), min_size=1, max_size=3),
    activation=st.sampled_from(["none", "silu"]),
    dtype=st.sampled_from(list(TOLERANCE)),
    isa=st.sampled_from(["best", "v2"]),
    block=st.sampled_from([0, 6]),
)
def test_dense_agrees_with_the_reference(
    rows: int, inputs: list[int], outputs: list[int], activation: str, dtype: str, isa: str, block: int
) -> None:
    plan = kernels.dense(inputs, outputs, activation, dtype, "cpu", 2, {"isa": isa, "block": block})
    reference = kernels.dense(inputs, outputs, activation, dtype, "reference")
    rng = np.random.default_rng(rows)
    wide = 4 * rng.normal(size=(rows, sum(inputs) + 3)).astype(dtype)  # the parts are columns of it: rows lie apart
    x = np.split(wide, np.cumsum(inputs), axis=1)[: len(inputs)]
    gradient = [rng.normal(size=(rows, width)).astype(dtype) for width in outputs]
    matrix = rng.normal(size=(sum(inputs), sum(outputs))).astype(dtype)
    got = [*plan.forth(x, matrix), *plan.back(gradient, matrix, x)]
    expected = [*reference.forth(x, matrix), *reference.back(gradient, matrix, x)]
    scale = max(np.max(np.abs(part), initial=0.0) for part in expected)
    assert all(
        np.max(np.abs(a - b), initial=0.0) <= TOLERANCE[dtype] * scale for a, b in zip(got, expected, strict=True)
    )


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_silu_and_its_slope_everywhere(dtype: str) -> None:
    x = np.concatenate([np.linspace(-60, 60, 4001), [-1e4, -700.0, 700.0, 1e4]])[:, None].astype(dtype)
    plan, one = kernels.dense((1,), (1,), "silu", dtype), np.ones((1, 1), dtype)
    wide = x.astype(float)
    s = 1 / (1 + np.exp(np.minimum(-wide, 700)))
    scale = np.maximum(np.abs(wide), 1)
    assert np.max(np.abs(plan.forth([x], one)[0] - wide * s) / scale) < TOLERANCE[dtype] / 10
    slope = plan.back([np.ones_like(x)], one, [x])[0]
    assert np.max(np.abs(slope - s * (1 + wide * (1 - s))) / scale) < TOLERANCE[dtype] / 10


def test_bad_input_of_dense_says_what_to_do() -> None:
    plan = kernels.dense((2, 3), (4,))
    x = [np.zeros((5, 2), "f"), np.zeros((5, 3), "f")]
    with pytest.raises(ArrayError, match=r"matrix has shape \(4, 4\); expected \(5, 4\)"):
        plan.forth(x, np.zeros((4, 4), "f"))
    with pytest.raises(ArrayError, match=r"dense was given \(5, 2\) float32; expected 5 rows of \(2, 3\) columns"):
        plan.forth(x[:1], np.zeros((5, 4), "f"))
    with pytest.raises(ValueError, match="each row of the columns must be contiguous"):
        plan.forth([np.zeros((2, 5), "f").T, x[1]], np.zeros((5, 4), "f"))
    with pytest.raises(PlanError, match="activation is 'relu'; give one of none, silu"):
        kernels.dense((2,), (2,), "relu")
    with pytest.raises(PlanError, match="inputs or outputs is empty"):
        kernels.dense((), (2,))
