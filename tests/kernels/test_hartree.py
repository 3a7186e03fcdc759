"""The Hartree potential: transforms against analytic charges, the iterative solvers against the transforms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import erf

from mlmd.errors import MlmdError

from . import hosted
from .problems import difference

BOUNDARIES = ["periodic", "dirichlet", ("dirichlet", "periodic", "periodic"), ("periodic", "dirichlet", "dirichlet")]


def test_gaussian_charges() -> None:
    """A narrow and a wide Gaussian of opposite charge: short-ranged, so that the images do not count."""
    n, length, inner, outer = 40, 18.0, 0.8, 1.2
    x = np.arange(n) * length / n - length / 2
    r2 = x[:, None, None] ** 2 + x[None, :, None] ** 2 + x[None, None, :] ** 2
    r = np.sqrt(r2)
    density = sum(q * np.exp(-r2 / (2 * s**2)) / (2 * np.pi * s**2) ** 1.5 for q, s in ((1, inner), (-1, outer)))
    with np.errstate(invalid="ignore"):
        exact = (erf(r / (np.sqrt(2) * inner)) - erf(r / (np.sqrt(2) * outer))) / r
    exact[n // 2, n // 2, n // 2] = np.sqrt(2 / np.pi) * (1 / inner - 1 / outer)
    v = hosted.hartree((n,) * 3, length / n)(density)
    assert np.allclose(v - v.mean(), exact - exact.mean(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("laplacian", ["spectral", "fd"])
def test_plane_wave(laplacian: str) -> None:
    shape, h = (7, 8, 9), (0.4, 0.5, 0.6)
    k = 2 * np.pi * np.array([1, 2, -1]) / (np.array(shape) * h)
    phase = sum(np.ix_(*[k[a] * h[a] * np.arange(shape[a]) for a in range(3)]), np.zeros(shape))
    k2 = np.sum(k**2 if laplacian == "spectral" else (2 * np.sin(k * h / 2) / h) ** 2)
    v = hosted.hartree(shape, h, laplacian=laplacian)(np.cos(phase) + 3.0)  # the constant goes
    assert np.allclose(v, 4 * np.pi / k2 * np.cos(phase), atol=1e-12)


@pytest.mark.parametrize("laplacian", ["spectral", "fd"])
@pytest.mark.parametrize("kinds", BOUNDARIES[1:])
def test_standing_wave(laplacian: str, kinds: str | tuple[str, ...]) -> None:
    shape, h = (7, 8, 9), 0.5
    axes = [kinds] * 3 if isinstance(kinds, str) else kinds
    k = [
        np.pi / (h * (n + 1)) if kind == "dirichlet" else 2 * np.pi / (h * n)
        for n, kind in zip(shape, axes, strict=True)
    ]
    waves = [np.sin(q * h * (np.arange(n) + (kind == "dirichlet"))) for q, n, kind in zip(k, shape, axes, strict=True)]
    n = waves[0][:, None, None] * waves[1][None, :, None] * waves[2]
    k2 = np.sum(np.square(k) if laplacian == "spectral" else (2 * np.sin(np.array(k) * h / 2) / h) ** 2)
    v = hosted.hartree(shape, h, kinds, laplacian=laplacian)(n)
    assert np.allclose(v, 4 * np.pi / k2 * n, atol=1e-12)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(8, 8, 8), (5, 7, 3), (17, 6, 13)])
def test_multigrid_solves_the_equation_of_the_grid(
    backend: str, boundary: str, shape: tuple[int, int, int], rng: np.random.Generator
) -> None:
    n, h = rng.normal(size=shape), (0.3, 0.4, 0.55)
    exact = hosted.hartree(shape, h, boundary, "fft", "fd")(n)
    plan = hosted.hartree(shape, h, boundary, "multigrid", tol=1e-12, backend=backend, threads=1)
    assert difference(plan(n), exact) <= 1e-10
    cycles = plan.last[0]
    plan(n, v=exact)
    assert plan.last[0] < cycles <= 20


@pytest.mark.parametrize("shape", [(64, 64, 64), (63, 61, 59), (4, 64, 64)])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_multigrid_needs_few_cycles(shape: tuple[int, int, int], boundary: str, rng: np.random.Generator) -> None:
    plan = hosted.hartree(shape, 0.3, boundary, "multigrid", tol=1e-8)
    plan(rng.normal(size=shape))
    assert plan.last[0] <= 12


@pytest.mark.slow
def test_multigrid_needs_no_more_cycles_on_a_large_grid(rng: np.random.Generator) -> None:
    plan = hosted.hartree((128, 128, 128), 0.3, "periodic", "multigrid", tol=1e-8)
    plan(rng.normal(size=(128, 128, 128)))
    assert plan.last[0] <= 12


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_multigrid_gives_the_same_bits_for_any_threads(threads: int, rng: np.random.Generator) -> None:
    n = rng.normal(size=(37, 33, 35))  # large enough for a team
    for boundary in BOUNDARIES:
        one, many = (hosted.hartree(n.shape, 0.3, boundary, "multigrid", tol=1e-8, threads=t) for t in (1, threads))
        assert one(n).tobytes() == many(n).tobytes()


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", ("periodic", "dirichlet", "periodic")])
def test_multigrid_in_tiles(boundary: str, rng: np.random.Generator) -> None:
    """Rows so long that a plane does not fit the cache and is done in tiles."""
    shape, n = (6, 45, 3000), rng.normal(size=(6, 45, 3000))
    plan = hosted.hartree(shape, 0.3, boundary, "multigrid", tol=1e-9, threads=2)
    exact = hosted.hartree(shape, 0.3, boundary, "fft", "fd")(n)
    assert difference(plan(n), exact) <= 1e-6
    assert plan.last[0] <= 12


def moving_charges(shape: tuple[int, int, int], h: tuple[float, float, float]) -> Callable[[float], np.ndarray]:
    """Narrow and wide clouds that swing and breathe at several frequencies, up to 1.5 hartree."""
    places = [np.arange(m) * d for m, d in zip(shape, h, strict=True)]
    lengths = np.array(shape) * h

    def cloud(centre: np.ndarray, width: float) -> np.ndarray:
        parts = [
            np.exp((np.cos(2 * np.pi * (x - c) / w) - 1) * (w / (2 * np.pi * width)) ** 2)
            for x, c, w in zip(places, centre, lengths, strict=True)
        ]
        return parts[0][:, None, None] * parts[1][None, :, None] * parts[2]

    def density(t: float) -> np.ndarray:
        swing = np.array([np.sin(0.4 * t), np.sin(1.5 * t), 1 - np.cos(0.17 * t)])
        return (
            cloud(0.3 * lengths + 0.3 * swing, 0.6)
            + (1 + 0.3 * np.sin(0.8 * t)) * cloud(0.7 * lengths - 0.2 * swing, 1.0)
            - cloud(0.3 * lengths, 0.6)
            - cloud(0.7 * lengths, 1.0)
        )

    return density


@pytest.mark.parametrize("boundary", ["periodic", ("periodic", "periodic", "dirichlet"), "dirichlet"])
@pytest.mark.parametrize("shape", [(20, 20, 20), (30, 30, 32), (17, 19, 23)])
def test_dsa_follows_a_moving_density(shape: tuple[int, int, int], boundary: str) -> None:
    """Four sweeps a step keep within 1e-4 of the transforms, at the time step of the PbTiO3 example (0.8 as)."""
    h, dt = (0.25, 0.25, 0.245), 0.033
    density = moving_charges(shape, h)
    oracle = hosted.hartree(shape, h, boundary, "fft", "fd")
    plan = hosted.hartree(shape, h, boundary, "dsa", sweeps=4)
    errors = []
    for step in range(1, 301):
        n = density(step * dt)
        expected, v = oracle(n), plan(n)
        errors.append(np.linalg.norm(v - expected) / np.linalg.norm(expected))
    assert max(errors[20:]) <= 1e-4, errors[::20]


@pytest.mark.parametrize("sweeps", [1, 2, 3, 4, 6])
def test_dsa_stays_stable_with_few_sweeps(sweeps: int) -> None:
    shape, h = (18, 18, 20), (0.333, 0.333, 0.3)
    density, oracle = moving_charges(shape, h), hosted.hartree(shape, h, laplacian="fd")
    plan = hosted.hartree(shape, h, method="dsa", sweeps=sweeps)
    for step in range(1, 801):
        v = plan(density(0.033 * step))
    assert difference(v, oracle(density(0.033 * 800))) <= 0.1


def test_multigrid_says_that_it_failed(backend: str, rng: np.random.Generator) -> None:
    plan = hosted.hartree((8, 8, 8), 0.3, method="multigrid", tol=1e-30, max_cycles=3, backend=backend, threads=1)
    with pytest.raises(MlmdError, match="in 3 cycles"):
        plan(rng.normal(size=(8, 8, 8)))
    with pytest.raises(MlmdError, match="finite"):
        plan(np.full((8, 8, 8), np.nan))
    assert not plan(np.ones((8, 8, 8))).any()


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_dsa_comes_to_rest_at_the_solution(backend: str, boundary: str, rng: np.random.Generator) -> None:
    shape, h = (9, 10, 7), (0.4, 0.35, 0.5)
    n = rng.normal(size=shape)
    exact = hosted.hartree(shape, h, boundary, "fft", "fd")(n)
    plan = hosted.hartree(shape, h, boundary, "dsa", sweeps=400, backend=backend, threads=1)
    assert difference(plan(n), exact) <= 1e-10


def test_dsa_goes_on_bit_for_bit(backend: str, rng: np.random.Generator) -> None:
    shape = (6, 5, 7)
    first, second = rng.normal(size=(2, *shape))
    plan, other = (hosted.hartree(shape, 0.4, method="dsa", backend=backend, threads=1) for _ in range(2))
    plan(first)
    other.restore(plan.state())
    assert plan(second).tobytes() == other(second).tobytes()


@pytest.mark.parametrize("method", ["fft", "multigrid", "dsa"])
def test_out_and_warm_start(backend: str, method: str, rng: np.random.Generator) -> None:
    n, v = rng.normal(size=(2, 6, 5, 7))
    fresh = [hosted.hartree((6, 5, 7), 0.4, method=method, backend=backend, threads=1) for _ in range(2)]
    expected = fresh[0](n, v=v)
    assert fresh[1](n, v=v, out=v) is v
    assert np.array_equal(v, expected)
