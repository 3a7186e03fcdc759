"""Every backend against the reference in complex128, over random shapes, boundaries, precisions and fields."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmd import kernels

from .problems import TOLERANCE, Problem, difference, fetch, orthonormal, problems, put


@given(p=problems(), part=st.sampled_from(["__call__", "first_half", "second_half", "adjoint"]))
def test_kin_prop(backend: str, p: Problem, part: str) -> None:
    def run(dtype: str, name: str, threads: int) -> np.ndarray:
        plan = kernels.kin_prop(p.shape, p.norb, p.spacing, p.dt, dtype, name, p.boundary, threads)
        psi = put(name, p.psi().astype(dtype))
        if part == "adjoint":
            return fetch(name, plan.first_half(psi, p.A, adjoint=True))
        return fetch(name, getattr(plan, part)(psi, p.A))

    assert difference(run(p.dtype, backend, p.threads), run("complex128", "reference", 1)) <= TOLERANCE[p.dtype]


@given(
    p=problems(),
    local=st.sampled_from(["none", "both", "before", "after"]),
    steps=st.integers(0, 3),
    packed=st.booleans(),
)
def test_kin_prop_with_potential(backend: str, p: Problem, local: str, steps: int, packed: bool) -> None:
    v = None if local == "none" else p.random().normal(size=p.shape)
    times = {"v": v, "local": "both" if local == "none" else local, "steps": steps}
    plan = kernels.kin_prop(p.shape, p.norb, p.spacing, p.dt, p.dtype, backend, p.boundary, p.threads)
    reference = kernels.kin_prop(p.shape, p.norb, p.spacing, p.dt, "complex128", "reference", p.boundary)
    psi = p.psi()
    expected = reference(psi.astype(complex), p.A, **times)
    given = put(backend, psi)
    times["v"] = None if v is None else put(backend, v)
    work = plan.unpack(plan(plan.pack(given), p.A, **times)) if packed else plan(given, p.A, **times)
    assert difference(fetch(backend, work), expected) <= TOLERANCE[p.dtype]


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet"])
@pytest.mark.parametrize(("shape", "norb"), [((26, 5, 6), 3), ((25, 6, 5), 8), ((6, 96, 97), 33)])
def test_kin_prop_over_several_ranges(
    backend: str, shape: tuple[int, int, int], norb: int, boundary: str, rng: np.random.Generator
) -> None:
    """Four threads on one block divide x; planes beyond the cache (the last shape) make a second pass."""
    psi = rng.normal(size=(*shape, norb)) + 1j * rng.normal(size=(*shape, norb))
    A, v = (20.0, 30.0, -40.0), rng.normal(size=shape)
    def run(name: str) -> np.ndarray:
        plan = kernels.kin_prop(shape, norb, 0.4, 0.1, "complex128", name, boundary, 4)
        return fetch(name, plan(put(name, psi.copy()), A, put(name, v)))

    result, expected = run(backend), run("reference")
    assert difference(result, expected) <= TOLERANCE["complex128"]


@given(p=problems())
def test_loc_prop(backend: str, p: Problem) -> None:
    v = p.random().normal(size=p.shape)
    psi = p.psi()
    expected = kernels.loc_prop(p.shape, p.norb, p.dt, "complex128", "reference")(psi.astype(complex), v)
    plan = kernels.loc_prop(p.shape, p.norb, p.dt, p.dtype, backend, p.threads)
    assert difference(fetch(backend, plan(put(backend, psi), put(backend, v))), expected) <= TOLERANCE[p.dtype]


@given(p=problems(), rank=st.sampled_from([1, 2, 3, 5, 8, 19, 32]), wide=st.booleans())
def test_nlp_prop(backend: str, p: Problem, rank: int, wide: bool) -> None:
    rng = p.random()
    Q = rng.normal(size=(*p.shape, rank)) + 1j * rng.normal(size=(*p.shape, rank))
    Q /= np.sqrt(np.sum(np.abs(Q) ** 2) * p.dv)
    S = rng.normal(size=(rank, rank)) + 1j * rng.normal(size=(rank, rank))
    psi = p.psi()
    reference = kernels.nlp_prop(p.shape, p.norb, rank, p.dv, "complex128", backend="reference")
    plan = kernels.nlp_prop(p.shape, p.norb, rank, p.dv, p.dtype, "fp64" if wide else None, backend, p.threads)
    reference.set(Q, S)
    plan.set(put(backend, Q), S)
    expected = reference(psi.astype(complex))
    assert difference(fetch(backend, plan(put(backend, psi))), expected) <= TOLERANCE[p.dtype]


@given(p=problems())
def test_density(backend: str, p: Problem) -> None:
    f = p.random().uniform(0.0, 2.0, p.norb)
    psi = p.psi()
    expected = kernels.density(p.shape, p.norb, "complex128", "reference")(psi.astype(complex), f)
    n = kernels.density(p.shape, p.norb, p.dtype, backend, p.threads)(put(backend, psi), put(backend, f))
    assert difference(fetch(backend, n), expected) <= TOLERANCE["complex128"]


@given(p=problems())
def test_current(backend: str, p: Problem) -> None:
    f = p.random().uniform(0.0, 2.0, p.norb)
    psi = p.psi()
    reference = kernels.current(p.shape, p.norb, p.spacing, "complex128", "reference", p.boundary)
    plan = kernels.current(p.shape, p.norb, p.spacing, p.dtype, backend, p.boundary, p.threads)
    expected = reference.sums(psi.astype(complex), f)
    psi, f = put(backend, psi), put(backend, f)
    assert difference(fetch(backend, plan.sums(psi, f)), expected) <= TOLERANCE["complex128"]
    assert np.array_equal(plan(psi, f, p.A), plan.measure(psi, f, p.A).J)


@given(p=problems(), method=st.sampled_from(["fft", "multigrid", "dsa"]))
def test_hartree(backend: str, p: Problem, method: str) -> None:
    n = p.random().normal(size=p.shape)
    start = p.random().normal(size=p.shape)
    results = []
    for name, threads in ((backend, p.threads), ("reference", 1)):
        plan = kernels.hartree(p.shape, p.spacing, p.boundary, method, tol=1e-9, backend=name, threads=threads)
        results.append((fetch(name, plan(put(name, n), v=put(name, start))), *plan.last))
    (v, cycles, residual), (expected, expected_cycles, expected_residual) = results
    assert cycles == expected_cycles
    assert residual == pytest.approx(expected_residual, rel=1e-3, abs=1e-13)
    assert difference(v, expected) <= 1e-12


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_same_bits_in_each_run(backend: str, dtype: str, rng: np.random.Generator) -> None:
    shape, norb, rank = (11, 8, 9), 5, 6
    psi = (rng.normal(size=(*shape, norb)) + 1j * rng.normal(size=(*shape, norb))).astype(dtype)
    S = np.eye(rank) * (0.3 + 1j)
    Q, f, v = (
        put(backend, array)
        for array in (orthonormal(rng, shape, rank, 0.1), rng.uniform(size=norb), rng.normal(size=shape))
    )

    def run() -> list[np.ndarray]:
        nonlocal_part = kernels.nlp_prop(shape, norb, rank, 0.1, dtype, backend=backend, threads=2)
        nonlocal_part.set(Q, S)
        work = put(backend, psi.copy())
        kernels.kin_prop(shape, norb, 0.4, 0.1, dtype, backend, threads=2)(work, (0.0, 1.0, 2.0))
        kernels.loc_prop(shape, norb, 0.1, dtype, backend, threads=2)(work, v)
        nonlocal_part(work)
        n = kernels.density(shape, norb, dtype, backend, threads=2)(work, f)
        sums = kernels.current(shape, norb, 0.4, dtype, backend, threads=2).sums(work, f)
        potentials = [
            kernels.hartree(shape, 0.4, method=m, backend=backend, threads=2)(n) for m in ("multigrid", "dsa")
        ]
        return [fetch(backend, array) for array in (work, n, sums, *potentials)]

    for first, second in zip(run(), run(), strict=True):
        assert first.tobytes() == second.tobytes()
