"""The nonlocal propagator: unitary when its operator is, and exact on the span of Q."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from mlmd.errors import PlanError
from mlmd.kernels.bf16 import products, split

from . import hosted
from .problems import TOLERANCE, Problem, difference, normalised, norms, orthonormal, problems

SHAPE, DV = (5, 6, 7), 0.08
BF16_ERRORS = {"bf16x1": 3e-3, "bf16x2": 1e-5, "bf16x3": 1e-6}


def error(result: np.ndarray, expected: np.ndarray) -> float:
    """Relative error in the Frobenius norm."""
    return float(np.linalg.norm(result - expected) / np.linalg.norm(expected))


def unitary(rng: np.random.Generator, rank: int, time: float) -> tuple[np.ndarray, np.ndarray]:
    """A Hermitian Sigma, and S = exp(-i time Sigma) - 1."""
    sigma = rng.normal(size=(rank, rank)) + 1j * rng.normal(size=(rank, rank))
    sigma += sigma.conj().T
    return sigma, expm(-1j * time * sigma) - np.eye(rank)


@pytest.mark.parametrize(("dtype", "mode"), [("complex128", "fp64"), ("complex64", "fp64"), ("complex64", "fp32")])
@pytest.mark.parametrize(("norb", "rank"), [(1, 1), (5, 3), (4, 9)])
def test_norms_are_kept(backend: str, dtype: str, mode: str, norb: int, rank: int, rng: np.random.Generator) -> None:
    Q, (_, S) = orthonormal(rng, SHAPE, rank, DV), unitary(rng, rank, 0.3)
    psi = normalised(rng, SHAPE, norb, DV).astype(dtype)
    plan = hosted.nlp_prop(SHAPE, norb, rank, DV, dtype, mode, backend, threads=1)
    plan.set(Q, S)
    before = norms(psi, DV)
    for _ in range(10):
        plan(psi)
    assert np.max(np.abs(norms(psi, DV) / before - 1)) <= (1e-13 if dtype == "complex128" else 2e-6)


def test_it_is_the_exponential_of_the_operator(backend: str, rng: np.random.Generator) -> None:
    shape, rank = (3, 4, 2), 3
    Q, (sigma, S) = orthonormal(rng, shape, rank, DV), unitary(rng, rank, 0.3)
    columns = Q.reshape(24, rank)
    exact = expm(-0.3j * columns @ sigma @ columns.conj().T * DV)
    plan = hosted.nlp_prop(shape, 24, rank, DV, backend=backend, threads=1)
    plan.set(Q, S)
    assert difference(plan(np.eye(24, dtype=complex).reshape(*shape, 24)).reshape(24, 24), exact) <= 1e-13


def test_the_operator_is_copied(backend: str, rng: np.random.Generator) -> None:
    Q, (_, S) = orthonormal(rng, SHAPE, 2, DV), unitary(rng, 2, 0.3)
    psi = normalised(rng, SHAPE, 2, DV)
    plan = hosted.nlp_prop(SHAPE, 2, 2, DV, backend=backend, threads=1)
    plan.set(Q, S)
    expected = plan(psi.copy())
    Q[:], S[:] = 0.0, 0.0
    assert np.array_equal(plan(psi.copy()), expected)


def test_the_middle_matrix_can_be_replaced(backend: str, rng: np.random.Generator) -> None:
    Q, (_, S), (_, other) = orthonormal(rng, SHAPE, 3, DV), unitary(rng, 3, 0.3), unitary(rng, 3, 0.7)
    psi = normalised(rng, SHAPE, 2, DV).astype("complex64")
    for mode in ("fp64", "fp32", *BF16_ERRORS):
        plan = hosted.nlp_prop(SHAPE, 2, 3, DV, "complex64", mode, backend, threads=1)
        with pytest.raises(PlanError, match=r"plan\.set"):
            plan.set_middle(S)
        plan.set(Q, S)
        first = plan(psi.copy())
        plan.set_middle(other)
        second = plan(psi.copy())
        plan.set(Q, other)
        assert np.array_equal(second, plan(psi.copy()))
        plan.set_middle(S)
        assert np.array_equal(first, plan(psi.copy()))
        assert difference(first, second) > 0.01


@pytest.mark.parametrize("mode", BF16_ERRORS)
def test_errors_of_bf16_modes(backend: str, mode: str, rng: np.random.Generator) -> None:
    shape, norb, rank = (20, 20, 21), 20, 24
    Q, (_, S) = orthonormal(rng, shape, rank, DV), unitary(rng, rank, 0.3)
    psi = (orthonormal(rng, shape, norb, DV) + Q[..., :norb]).astype("complex64")
    exact = hosted.nlp_prop(shape, norb, rank, DV, backend="reference")
    plan = hosted.nlp_prop(shape, norb, rank, DV, "complex64", mode, backend, threads=2)
    exact.set(Q, S)
    plan.set(Q, S)
    expected = exact(psi.astype(complex))
    assert error(plan(psi.copy()), expected) <= BF16_ERRORS[mode]
    assert error(plan(psi.copy()) - psi, expected - psi) <= 1.5 * BF16_ERRORS[mode]


@given(
    p=problems(),
    rank=st.sampled_from([1, 2, 8, 15, 16, 17, 33]),
    norb=st.sampled_from([1, 7, 8, 15, 16, 17, 130]),
    mode=st.sampled_from(sorted(BF16_ERRORS)),
)
def test_bf16_modes_agree_with_the_reference(backend: str, p: Problem, rank: int, norb: int, mode: str) -> None:
    rng = p.random()
    Q = rng.normal(size=(*p.shape, rank)) + 1j * rng.normal(size=(*p.shape, rank))
    Q /= np.sqrt(np.sum(np.abs(Q) ** 2) * p.dv)
    S = rng.normal(size=(rank, rank)) + 1j * rng.normal(size=(rank, rank))
    psi = normalised(rng, p.shape, norb, p.dv).astype("complex64")
    results = []
    for name, threads in ((backend, p.threads), ("reference", 1)):
        plan = hosted.nlp_prop(p.shape, norb, rank, p.dv, "complex64", mode, name, threads=threads)
        plan.set(Q, S)
        results.append(plan(psi.copy()))
    assert difference(*results) <= (1e-4 if mode == "bf16x1" else TOLERANCE["complex64"])


def test_parts_add_up(rng: np.random.Generator) -> None:
    x = (rng.normal(size=1000) * 10.0 ** rng.integers(-20, 20, 1000)).astype("complex64")
    for parts, bits in ((1, 8), (2, 16), (3, 24)):
        assert np.max(np.abs(split(x, parts).sum(axis=0, dtype=complex) - x) / np.abs(x)) <= 2.0**-bits
        assert len(products(parts)) == parts * (parts + 1) // 2


def test_modes() -> None:
    assert hosted.nlp_prop(SHAPE, 1, 1, DV, "complex64").mode == "fp32"
    assert hosted.nlp_prop(SHAPE, 1, 1, DV, "complex128").mode == "fp64"
    with pytest.raises(PlanError, match="would lower"):
        hosted.nlp_prop(SHAPE, 1, 1, DV, "complex128", "fp32")
    with pytest.raises(PlanError, match="'bf16x2' would lower"):
        hosted.nlp_prop(SHAPE, 1, 1, DV, "complex128", "bf16x2")
    with pytest.raises(PlanError, match="fp64, fp32, bf16x1, bf16x2, bf16x3"):
        hosted.nlp_prop(SHAPE, 1, 1, DV, "complex64", "bf16")


def test_a_plan_without_operator_is_refused() -> None:
    with pytest.raises(PlanError, match=r"plan\.set"):
        hosted.nlp_prop(SHAPE, 1, 1, DV)(np.ones((*SHAPE, 1), complex))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_large_products(backend: str, dtype: str, rng: np.random.Generator) -> None:
    shape, norb, rank = (11, 9, 8), 50, 67  # large enough to go through a BLAS library, where there is one
    Q, (_, S) = orthonormal(rng, shape, rank, DV), unitary(rng, rank, 0.3)
    psi = normalised(rng, shape, norb, DV).astype(dtype)
    exact = hosted.nlp_prop(shape, norb, rank, DV, backend="reference")
    plan = hosted.nlp_prop(shape, norb, rank, DV, dtype, backend=backend, threads=3)
    exact.set(Q, S)
    plan.set(Q, S)
    assert difference(plan(psi.copy()), exact(psi.astype(complex))) <= TOLERANCE[dtype]
