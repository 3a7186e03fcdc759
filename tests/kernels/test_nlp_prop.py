"""The nonlocal propagator: unitary when its operator is, and exact on the span of Q."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from mlmd import kernels
from mlmd.errors import PlanError

from .problems import difference, normalised, norms, orthonormal

SHAPE, DV = (5, 6, 7), 0.08


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
    plan = kernels.nlp_prop(SHAPE, norb, rank, DV, dtype, mode, backend, threads=1)
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
    plan = kernels.nlp_prop(shape, 24, rank, DV, backend=backend, threads=1)
    plan.set(Q, S)
    assert difference(plan(np.eye(24, dtype=complex).reshape(*shape, 24)).reshape(24, 24), exact) <= 1e-13


def test_the_operator_is_copied(backend: str, rng: np.random.Generator) -> None:
    Q, (_, S) = orthonormal(rng, SHAPE, 2, DV), unitary(rng, 2, 0.3)
    psi = normalised(rng, SHAPE, 2, DV)
    plan = kernels.nlp_prop(SHAPE, 2, 2, DV, backend=backend, threads=1)
    plan.set(Q, S)
    expected = plan(psi.copy())
    Q[:], S[:] = 0.0, 0.0
    assert np.array_equal(plan(psi.copy()), expected)


def test_modes() -> None:
    assert kernels.nlp_prop(SHAPE, 1, 1, DV, "complex64").mode == "fp32"
    assert kernels.nlp_prop(SHAPE, 1, 1, DV, "complex128").mode == "fp64"
    with pytest.raises(PlanError, match="would lower"):
        kernels.nlp_prop(SHAPE, 1, 1, DV, "complex128", "fp32")
    with pytest.raises(PlanError, match="fp64, fp32, bf16x1, bf16x2, bf16x3"):
        kernels.nlp_prop(SHAPE, 1, 1, DV, "complex64", "bf16")


def test_a_plan_without_operator_is_refused() -> None:
    with pytest.raises(PlanError, match=r"plan\.set"):
        kernels.nlp_prop(SHAPE, 1, 1, DV)(np.ones((*SHAPE, 1), complex))
