"""Surface hopping: its parts against analytic results, the whole against Landau-Zener and Boltzmann."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from mlmd.backends import PlanError
from mlmd.dcmesh.hopping import (
    Diabatic,
    Hopping,
    Surfaces,
    Trajectories,
    adiabatic,
    decohere,
    paid,
    propagate,
    scatter,
)
from mlmd.dcmesh.hopping.tully import MASS, dual_crossing, extended_coupling, simple_crossing

MODELS = {"I": simple_crossing, "II": dual_crossing, "III": extended_coupling}
x_values = np.array([[-3.1], [-0.4], [0.3], [2.2]])


@pytest.mark.parametrize("name", MODELS)
def test_gradients_and_couplings_are_derivatives(name: str) -> None:
    model, h = MODELS[name], 1e-5
    here = adiabatic(model, x_values)
    left, right = (adiabatic(model, x_values + step, here.vectors) for step in (-h, h))
    assert np.allclose(here.gradients[..., 0], (right.energies - left.energies) / (2 * h), atol=1e-9)
    change = (right.vectors - left.vectors) / (2 * h)
    assert np.allclose(here.couplings[..., 0], np.einsum("bai,baj->bij", here.vectors, change), atol=1e-7)
    assert np.allclose(here.couplings, -here.couplings.transpose(0, 2, 1, 3))


def test_states_keep_their_signs() -> None:
    path = np.linspace(-8.0, 8.0, 400)[:, None]
    before = adiabatic(dual_crossing, path[:1])
    for x in path[1:]:
        now = adiabatic(dual_crossing, x[None], before.vectors)
        assert np.all(np.einsum("bai,bai->bi", before.vectors, now.vectors) > 0.9)
        before = now


def test_amplitudes_follow_the_schrodinger_equation() -> None:
    rng = np.random.default_rng(0)
    E = rng.normal(size=(1, 3))
    T = rng.normal(size=(1, 3, 3))
    T -= T.transpose(0, 2, 1)
    c = rng.normal(size=(1, 3)) + 1j * rng.normal(size=(1, 3))
    got, _ = propagate(c, np.array([0]), (E, E), (T, T), 0.7, 1)
    assert np.allclose(got[0], expm(-0.7j * (np.diag(E[0]) - 1j * T[0])) @ c[0])


def test_amplitudes_converge_as_the_square_of_the_parts() -> None:
    E, T = (np.array([[0.0, 1.0]]), np.array([[0.0, 3.0]])), np.array([[[0.0, 1.0], [-1.0, 0.0]]])
    results = [propagate(np.array([[1.0 + 0j, 0.0]]), np.array([0]), E, (T, 2 * T), 1.0, n)[0] for n in (8, 16, 512)]
    assert np.linalg.norm(results[0] - results[2]) / np.linalg.norm(results[1] - results[2]) == pytest.approx(
        4, rel=0.1
    )


def flat(x: np.ndarray, before: np.ndarray | None) -> Surfaces:
    """Two states without forces and without a gap to pay for, coupled around x = 0."""
    zeros, couplings = np.zeros((len(x), 2)), np.zeros((len(x), 2, 2, 1))
    couplings[:, 0, 1, 0] = 0.6 * np.exp(-(x[:, 0] ** 2))
    couplings[:, 1, 0, 0] = -couplings[:, 0, 1, 0]
    return Surfaces(zeros, np.zeros((len(x), 2, 1)), couplings, np.tile(np.eye(2), (len(x), 1, 1)))


def test_as_many_trajectories_are_on_a_state_as_the_amplitudes_say() -> None:
    count = 4000
    swarm = Trajectories(
        flat, np.full((count, 1), -4.0), np.full((count, 1), 0.01), np.ones(1), rules=Hopping(decoherence=None)
    )
    for _ in range(200):
        swarm.advance(4.0)
    expected = np.sin(0.6 * np.sqrt(np.pi)) ** 2  # the pulse area of the coupling
    assert np.allclose(np.abs(swarm.c[:, 1]) ** 2, expected, atol=1e-3)
    assert np.mean(swarm.active) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / count))


@given(
    st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    st.floats(-1, 1),
    st.sampled_from(["keep", "reverse"]),
)
def test_hops_conserve_energy(v: list[float], along: list[float], cost: float, frustrated: str) -> None:
    mass, before, direction = np.array([1.0, 3.0, 7.0]), np.array([v]), np.array([along])
    after, happened = paid(before, direction, mass, np.array([cost]), frustrated)
    kinetic = 0.5 * np.sum(mass * before**2), 0.5 * np.sum(mass * after**2)
    scale = 1e-9 * (1.0 + abs(kinetic[0]))
    assert abs(kinetic[1] + (cost if happened[0] else 0.0) - kinetic[0]) < scale
    if frustrated == "keep" and not happened[0]:
        assert np.array_equal(after, before)


def test_scaling_all_velocities_keeps_their_direction() -> None:
    v, mass = np.array([[1.0, 2.0]]), np.array([2.0, 5.0])
    after, happened = paid(v, mass * v, mass, np.array([3.0]), "keep")
    assert happened[0]
    assert after[0, 0] / after[0, 1] == pytest.approx(0.5)


def test_decoherence_time() -> None:
    c = np.array([[np.sqrt(0.5) + 0j, np.sqrt(0.5)]])
    faded = decohere(c, np.array([0]), np.array([[0.0, 0.05]]), np.array([0.2]), 30.0, 0.1)
    assert abs(faded[0, 1]) == pytest.approx(np.sqrt(0.5) * np.exp(-30.0 * 0.05 / (1 + 0.1 / 0.2)))
    assert np.linalg.norm(faded) == pytest.approx(1.0)


@pytest.mark.parametrize("name", MODELS)
def test_energy_is_conserved_through_hops(name: str) -> None:
    model: Diabatic = MODELS[name]
    swarm = Trajectories(
        lambda x, before: adiabatic(model, x, before),
        np.full((200, 1), -8.0),
        np.full((200, 1), 25.0 / MASS),
        np.array([MASS]),
        rules=Hopping("velocity", "reverse"),
    )
    energy = swarm.energies()
    for _ in range(700):
        swarm.advance(2.0)
    assert swarm.hops > 10
    assert np.allclose(swarm.energies(), energy, atol=2e-5)  # 0.01 % of what moves
    assert np.allclose(np.linalg.norm(swarm.c, axis=1), 1.0)


def test_a_slow_particle_is_reflected() -> None:
    found = scatter(dual_crossing, 3.0, MASS, trajectories=50, start=-6.0)
    assert found[0, 1] == found[1, 1] == 0.0  # the upper state cannot be paid for
    assert found.sum() == pytest.approx(1.0)


def test_a_fast_crossing_is_that_of_landau_and_zener() -> None:
    momentum, count = 28.0, 1500
    found = scatter(simple_crossing, momentum, MASS, trajectories=count, start=-6.0, step=0.05)
    slope = 2 * 0.01 * 1.6  # of the difference of the diabatic energies
    stay = 1.0 - np.exp(-2 * np.pi * 0.005**2 / (slope * momentum / MASS))
    assert found[0, 0] == pytest.approx(stay, abs=0.035)  # three times the statistical error, and the bend of the lines
    assert found[1].sum() == 0.0


def test_decoherence_takes_the_interference_out_of_two_crossings() -> None:
    """With coherent amplitudes the two ways through model II interfere; with fading ones the result is smooth."""
    momenta = (26.0, 30.0, 34.0)
    found = {
        scale: [scatter(dual_crossing, k, MASS, 300, -6.0, 0.05, Hopping(decoherence=scale))[0, 0] for k in momenta]
        for scale in (None, 1e-4)
    }
    assert np.ptp(found[1e-4]) < np.ptp(found[None])


def bath(x: np.ndarray, before: np.ndarray | None) -> Surfaces:
    """Two states a gap apart in the same well, coupled everywhere."""
    count, k, gap = len(x), 0.01, 0.004
    energies = 0.5 * k * x**2 + np.array([0.0, gap])
    couplings = np.zeros((count, 2, 2, 1))
    couplings[:, 0, 1, 0] = -2.0
    couplings[:, 1, 0, 0] = 2.0
    gradients = np.repeat(k * x[:, None, :], 2, axis=1)
    return Surfaces(energies, gradients, couplings, np.tile(np.eye(2), (count, 1, 1)))


@pytest.mark.slow
def test_detailed_balance() -> None:
    """Nuclei at a temperature bring the two states to their Boltzmann populations."""
    count, mass, kT, gap, dt, friction = 1000, 2000.0, 0.004, 0.004, 10.0, 2e-3
    rng = np.random.default_rng(3)
    v = rng.normal(size=(count, 1)) * np.sqrt(kT / mass)
    swarm = Trajectories(bath, rng.normal(size=(count, 1)) * np.sqrt(kT / 0.01), v, np.array([mass]), seed=4)
    keep = np.exp(-friction * dt)
    upper = []
    for step in range(6000):
        swarm.advance(dt)
        swarm.v = keep * swarm.v + np.sqrt((1 - keep**2) * kT / mass) * rng.normal(size=v.shape)
        if step >= 2000 and step % 50 == 0:
            upper.append(np.mean(swarm.active))
    boltzmann = np.exp(-gap / kT) / (1 + np.exp(-gap / kT))
    assert np.mean(upper) == pytest.approx(boltzmann, abs=0.03)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"direction": "up"}, "coupling, velocity"),
        ({"frustrated": "cry"}, "keep, reverse"),
        ({"decoherence": 0.0}, "above zero"),
    ],
)
def test_bad_rules_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        Hopping(**change)  # type: ignore[arg-type]


def test_bad_starts_are_refused() -> None:
    x = np.zeros((3, 1))
    with pytest.raises(PlanError, match="shapes"):
        Trajectories(flat, x, np.zeros((2, 1)), np.ones(1))
    with pytest.raises(PlanError, match="states 0 to 1"):
        Trajectories(flat, x, x, np.ones(1), active=2)
