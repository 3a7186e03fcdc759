"""Density, current and kinetic energy: sum rules, derivative with respect to A, continuity."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.errors import ArrayError
from mlmd.kernels.constants import SPEED_OF_LIGHT

from . import hosted
from .problems import difference, normalised, norms

SHAPE, SPACING, DV = (6, 5, 7), (0.4, 0.5, 0.6), 0.12
BOUNDARIES = ["periodic", "dirichlet", ("periodic", "dirichlet", "periodic")]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_current_is_the_derivative_of_the_energy(backend: str, boundary: str, rng: np.random.Generator) -> None:
    psi, f = normalised(rng, SHAPE, 3, DV), np.array([2.0, 1.0, 0.3])
    plan = hosted.current(SHAPE, 3, SPACING, backend=backend, boundary=boundary, threads=1)
    A, step = np.array([5.0, -20.0, 60.0]), 0.01
    volume = DV * np.prod(SHAPE)
    for axis in range(3):
        change = step * np.eye(3)[axis]
        slope = plan.measure(psi, f, A + change).kinetic_energy - plan.measure(psi, f, A - change).kinetic_energy
        expected = SPEED_OF_LIGHT * slope / (2 * step)
        assert plan(psi, f, A)[axis] * volume == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_continuity(backend: str, rng: np.random.Generator) -> None:
    """The mean position moves with the current: d<r>/dt = J V in a box that nothing leaves."""
    psi, f, A = normalised(rng, SHAPE, 2, DV), np.array([2.0, 1.0]), (9.0, -30.0, 20.0)
    density = hosted.density(SHAPE, 2, backend=backend, threads=1)

    def position(dt: float) -> np.ndarray:
        plan = hosted.kin_prop(SHAPE, 2, SPACING, dt, backend=backend, boundary="dirichlet", threads=1)
        n = density(plan(psi.copy(), A), f)
        axes = np.meshgrid(*[np.arange(m) * h for m, h in zip(SHAPE, SPACING, strict=True)], indexing="ij")
        return np.array([np.sum(x * n) * DV for x in axes])

    velocity = (position(1e-4) - position(-1e-4)) / 2e-4
    J = hosted.current(SHAPE, 2, SPACING, backend=backend, boundary="dirichlet", threads=1)(psi, f, A)
    assert np.allclose(J * DV * np.prod(SHAPE), velocity, rtol=1e-5, atol=1e-5)


def test_density_counts_the_electrons(backend: str, rng: np.random.Generator) -> None:
    psi, f = normalised(rng, SHAPE, 4, DV), np.array([2.0, 2.0, 1.5, 0.0])
    n = hosted.density(SHAPE, 4, backend=backend, threads=1)(psi, f)
    assert np.sum(n) * DV == pytest.approx(5.5, rel=1e-13)
    assert hosted.current(SHAPE, 4, SPACING, backend=backend).measure(psi, f).norm == pytest.approx(5.5, rel=1e-13)


def test_plane_wave_has_the_energy_of_the_grid(backend: str) -> None:
    n, h, m, A = 8, 0.5, 3, 25.0
    k = 2 * np.pi * m / (n * h)
    wave = np.exp(1j * k * h * np.arange(n))[None, :, None, None] / np.sqrt(n**3 * h**3)
    psi = np.ascontiguousarray(np.broadcast_to(wave, (n, n, n, 1)))
    seen = hosted.current((n,) * 3, 1, h, backend=backend).measure(psi, np.ones(1), (0.0, A, 0.0))
    turned = (k + A / SPEED_OF_LIGHT) * h
    assert seen.kinetic_energy == pytest.approx((1 - np.cos(turned)) / h**2, rel=1e-13)
    assert np.allclose(seen.J, [0.0, np.sin(turned) / h / (n * h) ** 3, 0.0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("norb", [1, 2, 3, 6, 17])
def test_density_in_the_same_pass(
    backend: str, boundary: str, dtype: str, norb: int, rng: np.random.Generator
) -> None:
    shape = (9, 13, 7)  # several blocks of planes
    psi, f = normalised(rng, shape, norb, DV).astype(dtype), rng.uniform(size=norb)
    plan = hosted.current(shape, norb, SPACING, dtype, backend, boundary, threads=2)
    n = np.full(shape, np.nan)
    together, alone = plan.measure(psi, f, (1.0, 2.0, 3.0), density=n), plan.measure(psi, f, (1.0, 2.0, 3.0))
    assert difference(n, hosted.density(shape, norb, dtype, backend, threads=1)(psi, f)) <= 1e-14
    assert together.norm == alone.norm == pytest.approx(np.sum(n) * DV, rel=1e-13)
    assert together.kinetic_energy == alone.kinetic_energy
    assert np.array_equal(together.J, alone.J)


def test_measure_refuses_a_bad_density(backend: str) -> None:
    plan = hosted.current(SHAPE, 2, SPACING, backend=backend)
    with pytest.raises(ArrayError, match=r"density has shape \(2, 2\)"):
        plan.measure(np.ones((*SHAPE, 2), complex), np.ones(2), density=np.ones((2, 2)))


@pytest.mark.parametrize(("dtype", "bar"), [("complex64", 1e-6), ("complex128", 1e-12)])
def test_local_phase_keeps_the_norm(dtype: str, bar: float, rng: np.random.Generator) -> None:
    """A thousand calls in a fixed potential: rounding the phases must not add up."""
    shape, norb = (8, 9, 10), 3
    psi, v = normalised(rng, shape, norb, DV).astype(dtype), rng.uniform(-30.0, 30.0, shape)
    before, plan = norms(psi, DV), hosted.loc_prop(shape, norb, 0.025, dtype)
    for _ in range(1000):
        plan(psi, v)
    assert np.max(np.abs(norms(psi, DV) / before - 1.0)) <= bar


@pytest.mark.parametrize("largest", [1.0, 1e3, 1e6, 1e12])
def test_local_phase_at_any_angle(backend: str, largest: float, rng: np.random.Generator) -> None:
    v = rng.uniform(-largest, largest, (5, 6, 77))
    psi = hosted.loc_prop(v.shape, 1, 1.0, backend=backend)(np.ones((*v.shape, 1), complex), v)
    assert np.max(np.abs(psi[..., 0] - np.exp(-1j * v))) <= 1e-15
