"""The kinetic propagator: its definition, its norm, its way back, and the physics that it must give."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from scipy.linalg import expm

from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.kernels.kin_prop import ORDERS, pair_sets

from . import hosted
from .problems import difference, normalised, norms

DRIFT = {"complex128": 1e-12, "complex64": 1e-6}
MIXED = ("dirichlet", "periodic", "dirichlet")
A_ON = (3.0, -40.0, 15.0)
A_OFF = (0.0, 0.0, 0.0)


def pair_hamiltonian(n: int, h: float, theta: float, pairs: tuple[int, int, int]) -> np.ndarray:
    """Off-diagonal kinetic energy of one set of pairs."""
    start, count, wrap = pairs
    T = np.zeros((n, n), complex)
    for a, b in [(start + 2 * k, start + 2 * k + 1) for k in range(count)] + [(n - 1, 0)] * wrap:
        T[a, b] = -np.exp(1j * theta) / (2 * h * h)
        T[b, a] = T[a, b].conjugate()
    return T


def axis_operator(n: int, h: float, theta: float, dt: float, periodic: bool, part: str) -> np.ndarray:
    """Product of the dense exponentials of the pair sets, with the phase of the axis."""
    sets = pair_sets(n, periodic)
    factors = [
        expm(-1j * s * dt * pair_hamiltonian(n, h, theta, sets[name])) for name, s in ORDERS[part] if name in sets
    ]
    phase = np.exp(-1j * dt * (1.0 if part == "full" else 0.5) / h**2)
    return phase * reduce(lambda done, factor: factor @ done, factors)


@pytest.mark.parametrize("part", ["full", "first", "second"])
@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", MIXED])
def test_reference_is_the_product_of_dense_exponentials(part: str, boundary: str | tuple[str, ...]) -> None:
    shape, spacing, dt = (5, 4, 3), (0.4, 0.5, 0.7), 0.9
    kinds = (boundary,) * 3 if isinstance(boundary, str) else boundary
    operators = [
        axis_operator(n, h, a * h / SPEED_OF_LIGHT, dt, kind == "periodic", part)
        for n, h, a, kind in zip(shape, spacing, A_ON, kinds, strict=True)
    ]
    points = int(np.prod(shape))
    plan = hosted.kin_prop(shape, points, spacing, dt, backend="reference", boundary=boundary)
    unit = np.eye(points, dtype=complex).reshape(*shape, points)
    apply = plan if part == "full" else getattr(plan, f"{part}_half")
    assert np.allclose(apply(unit, A_ON).reshape(points, points), reduce(np.kron, operators), rtol=0, atol=1e-13)


def norm_changes(
    backend: str, dtype: str, A: tuple[float, ...], shape: tuple[int, int, int], boundary: str, dt: float
) -> np.ndarray:
    """Relative change of the norm of each of 8 orbitals in 1,000 steps."""
    psi = normalised(np.random.default_rng(1), shape, 8, 0.09).astype(dtype)
    plan = hosted.kin_prop(shape, 8, (0.4, 0.45, 0.5), dt, dtype, backend, boundary, threads=1)
    before = norms(psi, 0.09)
    for _ in range(1000):
        plan(psi, A)
    return norms(psi, 0.09) / before - 1.0


GRIDS = [((12, 8, 10), "periodic"), ((11, 9, 7), "periodic"), ((9, 10, 11), MIXED)]


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("A", [A_OFF, A_ON], ids=["A off", "A on"])
@pytest.mark.parametrize(("shape", "boundary"), GRIDS)
@pytest.mark.parametrize("dt", [0.003, 0.05, 0.25, 1.3])
def test_norm_does_not_drift(
    backend: str, dtype: str, A: tuple[float, ...], shape: tuple[int, int, int], boundary: str, dt: float
) -> None:
    """Each orbital keeps its norm.

    In complex64 the roundings make the norm of an orbital walk at random, by about 2e-7 in 1,000 steps on these grids
    and as points^-1/2 on others; on a grid of a hundred points an orbital may cross the bar without any drift.
    """
    assert np.max(np.abs(norm_changes(backend, dtype, A, shape, boundary, dt))) <= DRIFT[dtype]


@pytest.mark.parametrize(("dtype", "tolerance"), [("complex64", 1e-5), ("complex128", 1e-13)])
@pytest.mark.parametrize("boundary", ["periodic", MIXED])
def test_backward_undoes_forward(backend: str, dtype: str, tolerance: float, boundary: str) -> None:
    shape = (6, 5, 7)
    psi = normalised(np.random.default_rng(2), shape, 4, 1.0).astype(dtype)
    forward, backward = (
        hosted.kin_prop(shape, 4, 0.4, dt, dtype, backend, boundary, threads=1) for dt in (0.05, -0.05)
    )
    work = psi.copy()
    fields = [(0.0, 0.1 * k, -3.0 * k) for k in range(20)]
    for A in fields:
        forward(work, A)
    assert difference(work, psi) > 0.1
    for A in reversed(fields):
        backward(work, A)
    assert difference(work, psi) <= tolerance


@pytest.mark.parametrize("boundary", ["periodic", MIXED])
def test_halves_make_the_whole_and_adjoints_undo_them(backend: str, boundary: str) -> None:
    psi = normalised(np.random.default_rng(3), (5, 6, 7), 3, 1.0)
    plan = hosted.kin_prop((5, 6, 7), 3, 0.4, 0.08, backend=backend, boundary=boundary, threads=1)
    half = plan.first_half(psi.copy(), A_ON)
    whole = plan.second_half(half.copy(), A_ON)
    assert difference(whole, plan(psi.copy(), A_ON)) <= 1e-14
    assert difference(plan.second_half(whole, A_ON, adjoint=True), half) <= 1e-14
    assert difference(plan.first_half(half, A_ON, adjoint=True), psi) <= 1e-14


def test_out_leaves_the_input_alone(backend: str) -> None:
    psi = normalised(np.random.default_rng(4), (4, 4, 4), 2, 1.0)
    before, out = psi.copy(), np.empty_like(psi)
    plan = hosted.kin_prop((4, 4, 4), 2, 0.4, 0.08, backend=backend, threads=1)
    assert plan(psi, A_ON, out=out) is out
    assert np.array_equal(psi, before)
    assert np.array_equal(plan(psi, A_ON), out)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_norm_does_not_drift_in_a_frozen_potential(backend: str, dtype: str) -> None:
    """The phases of a point repeat in each step; their roundings must not add up."""
    shape = (12, 9, 10)
    rng = np.random.default_rng(6)
    plan = hosted.kin_prop(shape, 8, 0.4, 0.05, dtype, backend, threads=1)
    psi = plan.pack(normalised(rng, shape, 8, 0.064).astype(dtype))
    before = norms(plan.unpack(psi), 0.064)
    plan(psi, A_ON, v=5.0 * rng.normal(size=shape), steps=1000)
    assert np.max(np.abs(norms(plan.unpack(psi), 0.064) / before - 1.0)) <= DRIFT[dtype]


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet"])
@pytest.mark.parametrize("shape", [(8, 10, 12), (9, 11, 13)])
def test_packed_steps_are_the_steps_of_the_reference(backend: str, shape: tuple[int, int, int], boundary: str) -> None:
    """Enough points along each axis that all three waves run into one another."""
    rng = np.random.default_rng(9)
    psi, v = normalised(rng, shape, 8, 1.0), rng.normal(size=shape)
    plan, reference = (
        hosted.kin_prop(shape, 8, 0.4, 0.1, "complex128", b, boundary, threads=1) for b in (backend, "reference")
    )
    expected = reference(psi.copy(), A_ON, v, "before", 2)
    assert difference(plan.unpack(plan(plan.pack(psi), A_ON, v, "before", 2)), expected) <= 1e-13
    assert difference(plan(psi, A_ON, v, "before", 2), expected) <= 1e-13


def test_several_steps_are_steps(backend: str) -> None:
    psi = normalised(np.random.default_rng(7), (6, 7, 8), 5, 1.0)
    v = np.random.default_rng(8).normal(size=(6, 7, 8))
    plan = hosted.kin_prop((6, 7, 8), 5, 0.4, 0.1, backend=backend, threads=1)
    one_by_one = psi.copy()
    for _ in range(5):
        plan(one_by_one, A_ON, v)
    assert difference(plan(psi, A_ON, v, steps=5), one_by_one) <= 1e-14


def packet(x: np.ndarray, t: float, k: float, width: float) -> np.ndarray:
    """Free Gaussian packet of mean wave number k that starts at the origin."""
    spread = 1.0 + 0.5j * t / width**2
    return np.exp(-((x - k * t) ** 2) / (4 * width**2 * spread) + 1j * k * (x - 0.5 * k * t)) / np.sqrt(spread)


def packet_error(backend: str, n: int, dt: float, steps: int, A: float) -> float:
    """Distance of the propagated packet from the analytic one (and what A adds to its momentum)."""
    length, k, width = 24.0, 1.0, 1.2
    h = length / n
    x = (np.arange(n) - n // 2) * h
    shift = A / SPEED_OF_LIGHT
    psi = np.ascontiguousarray(np.broadcast_to(packet(x, 0.0, k, width)[:, None, None, None], (n, 3, 3, 1)))
    plan = hosted.kin_prop((n, 3, 3), 1, (h, 1.0, 1.0), dt, backend=backend, threads=1)
    for _ in range(steps):
        plan(psi, (A, 0.0, 0.0))
    exact = packet(x, dt * steps, k + shift, width) * np.exp(-1j * shift * x)
    return float(np.sqrt(np.sum(np.abs(psi[:, 1, 1, 0] - exact) ** 2) * h))


@pytest.mark.parametrize("A", [0.0, 40.0])
def test_free_packet_is_of_second_order_in_h(backend: str, A: float) -> None:
    """With dt as h^3: the splitting of the step errs as (dt / h^2)^2, then of second order in h as well."""
    sizes, steps = np.array([64, 96, 144]), np.array([60, 203, 683])
    errors = [packet_error(backend, n, 1.0 / m, m, A) for n, m in zip(sizes, steps, strict=True)]
    order = -np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.15)
    assert errors[-1] < 0.02


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet"])
def test_step_is_of_second_order_in_dt(backend: str, boundary: str) -> None:
    n, h, time, theta = 31, 0.5, 1.6, 4.0 * 0.5 / SPEED_OF_LIGHT
    sets = pair_sets(n, boundary == "periodic").values()
    T = np.eye(n) / h**2 + sum(pair_hamiltonian(n, h, theta, pairs) for pairs in sets)
    start = np.exp(-(((np.arange(n) - 15) * h) ** 2) / 4 + 0.8j * np.arange(n) * h)
    exact = expm(-1j * time * T) @ start
    counts = np.array([16, 32, 64])
    errors = []
    for steps in counts:
        psi = np.ascontiguousarray(np.broadcast_to(start[:, None, None, None], (n, 3, 3, 1)))
        kinds = (boundary, "periodic", "periodic")
        plan = hosted.kin_prop((n, 3, 3), 1, (h, 1.0, 1.0), time / steps, backend=backend, boundary=kinds, threads=1)
        for _ in range(steps):
            plan(psi, (4.0, 0.0, 0.0))
        errors.append(np.linalg.norm(psi[:, 0, 0, 0] - exact))
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.1)


def sloshing(backend: str, n: int, dt: float, steps: int) -> float:
    """Mean position of a displaced ground state of the harmonic well, after the steps."""
    omega, x0, length = 0.5, 1.5, 20.0
    h = length / (n + 1)
    x = (np.arange(n) + 1) * h - 0.5 * length
    start = np.exp(-0.5 * omega * (x - x0) ** 2).astype(complex)
    start /= np.linalg.norm(start)
    shape, kinds = (n, 3, 3), ("dirichlet", "periodic", "periodic")
    psi = np.ascontiguousarray(np.broadcast_to(start[:, None, None, None], (*shape, 1)))
    v = np.ascontiguousarray(np.broadcast_to(0.5 * (omega * x[:, None, None]) ** 2, shape))
    kinetic = hosted.kin_prop(shape, 1, (h, 1.0, 1.0), dt, backend=backend, boundary=kinds, threads=1)
    local = hosted.loc_prop(shape, 1, 0.5 * dt, backend=backend, threads=1)
    for _ in range(steps):
        local(psi, v)
        kinetic(psi)
        local(psi, v)
    return float(np.sum(x * np.abs(psi[:, 0, 0, 0]) ** 2))


def test_kohn_mode_is_of_second_order_in_h(backend: str) -> None:
    """Against the classical motion, with dt as h^3."""
    sizes, steps = np.array([39, 59, 89]), np.array([100, 338, 1139])
    errors = [abs(sloshing(backend, n, 4.0 / m, m) - 1.5 * np.cos(2.0)) for n, m in zip(sizes, steps, strict=True)]
    order = -np.polyfit(np.log(sizes + 1), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.15)
    assert errors[-1] < 0.015


def test_kohn_mode_is_of_second_order_in_dt(backend: str) -> None:
    counts = np.array([25, 50, 100])
    limit = sloshing(backend, 59, 4.0 / 1600, 1600)
    errors = [abs(sloshing(backend, 59, 4.0 / steps, steps) - limit) for steps in counts]
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.1)
