"""Real-time propagation: stationarity, reversibility, energy, equivalence of backends and precisions, restart."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.backends import get, names
from mlmd.dcmesh.errors import TimeStepError
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.lfd.low_rank import LowRank, mapping, rotation
from mlmd.dcmesh.qxmd import GroundState, ground_state
from mlmd.errors import NumericsError
from mlmd.kernels import Hartree
from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.laser import DeltaKick, NoLaser, SinSquaredPulse

from .conftest import hydrogen

DT = 0.025
HOST_BACKENDS = [name for name in ("reference", "numba", "cpu") if name in names()]
PULSE = SinSquaredPulse(photon_energy=0.4, length=20.0, intensity=0.05**2 * SPEED_OF_LIGHT / (8 * np.pi))


@pytest.fixture(scope="module")
def h2_bands() -> GroundState:
    """H2 with a shadow basis of 12 states."""
    return ground_state(hydrogen(), (18, 18, 20), extra_bands=11)


@pytest.mark.parametrize("mode", ["shadow", "exact"])
def test_energy_at_the_start_is_that_of_the_ground_state(h2_state: GroundState, mode: str) -> None:
    start = LFD(h2_state, DT, NoLaser(), mode=mode).observe()
    assert start["energy"]["total"] == pytest.approx(h2_state.energy["total"], abs=1e-11)
    assert start["n_exc"] < 1e-12
    np.testing.assert_allclose(start["J"], 0.0, atol=1e-14)


@pytest.mark.parametrize("mode", ["shadow", "exact"])
def test_in_the_dark_nothing_happens(h2_state: GroundState, mode: str) -> None:
    lfd = LFD(h2_state, DT, NoLaser(), mode=mode)
    before = lfd.observe()
    lfd.advance(200)
    after = lfd.observe()
    assert after["n_exc"] < 1e-11
    assert abs(after["energy"]["total"] - before["energy"]["total"]) < 1e-11
    assert after["norm"] < 1e-12


def test_dark_phases_are_those_of_the_eigenvalues(h2_state: GroundState) -> None:
    lfd = LFD(h2_state, DT, NoLaser())
    lfd.advance(40)
    overlap = np.vdot(h2_state.psi[0][..., 0], lfd.psi[0][..., 0]) * lfd.grid.dv
    expected = np.exp(-1j * h2_state.eigenvalues[0, 0] * lfd.time)
    assert abs(overlap - expected) < 1e-7  # the eigenvalue's own error is below 1e-8 Ha


def test_k_points_are_stationary_too() -> None:
    gs = ground_state(hydrogen(), (18, 18, 20), extra_bands=2, kpts=(1, 1, 2), kpt_shift=(0, 0, 0.5))
    lfd = LFD(gs, DT, NoLaser())
    assert lfd.observe()["energy"]["total"] == pytest.approx(gs.energy["total"], abs=1e-10)
    lfd.advance(50)
    assert lfd.observe()["n_exc"] < 1e-11


@pytest.mark.parametrize("mode", ["shadow", "exact"])
def test_there_and_back_again(h2_bands: GroundState, mode: str) -> None:
    """Steps of dt and then of -dt through the same pulse return to the start."""
    lfd = LFD(h2_bands, DT, PULSE, mode=mode, hartree="fft")
    start = lfd.psi[0].copy()
    for forward in (True, False):
        if not forward:
            there = lfd.observe()["n_exc"]
            lfd = backward_twin(lfd, h2_bands, mode)
        lfd.advance(240)
    assert there > 1e-3
    np.testing.assert_allclose(lfd.psi[0], start, atol=1e-9)


def backward_twin(lfd: LFD, gs: GroundState, mode: str) -> LFD:
    """A propagation that steps back from where another one stands: complex conjugation turns time around."""

    class Reversed:
        frequency = PULSE.frequency
        duration = PULSE.duration
        end = lfd.time

        def A(self, t: float) -> np.ndarray:
            return -PULSE.A(self.end - t)

    twin = LFD(gs, lfd.dt, Reversed(), mode=mode, hartree="fft")
    state = lfd.state()
    twin.restore(state | {"psi_0": np.conj(state["psi_0"]), "step_count": 0})
    return twin


def test_energy_is_conserved_after_the_pulse(h2_bands: GroundState) -> None:
    lfd = LFD(h2_bands, DT, PULSE, hartree="fft")
    lfd.advance(800)
    first = lfd.observe()
    lfd.advance(800)
    second = lfd.observe()
    absorbed = first["energy"]["total"] - h2_bands.energy["total"]
    assert absorbed > 0.01
    assert abs(second["energy"]["total"] - first["energy"]["total"]) < 1e-4 * absorbed


def excited(gs: GroundState, **options) -> float:
    lfd = LFD(gs, options.pop("dt", DT), PULSE, **options)
    lfd.advance(round(20.0 / lfd.dt))
    return lfd.observe()["n_exc"]


@pytest.mark.parametrize("mode", ["shadow", "exact"])
def test_at_least_second_order_in_the_time_step(h2_bands: GroundState, mode: str) -> None:
    steps = (0.025, 0.0125, 0.00625)
    n = [excited(h2_bands, dt=dt, mode=mode, hartree="fft") for dt in steps]
    order = np.log2(abs((n[0] - n[1]) / (n[1] - n[2])))
    assert order > 1.8


def without_time_step_error(gs: GroundState, dt: float, **options) -> float:
    """n_exc extrapolated to dt = 0 by its second order; the splitting error grows as (dt/h^2)^2."""
    coarse, fine = (excited(gs, dt=step, hartree="fft", **options) for step in (dt, dt / 2))
    return fine + (fine - coarse) / 3


@pytest.mark.slow
def test_shadow_meets_exact_at_least_at_second_order_in_the_spacing() -> None:
    """H has no nonlocal potential: outside its states the shadow lacks only the O(h^2) of 3-point kinetic energy."""
    gaps, spacings = [], []
    for points in (18, 24, 32):
        gs = ground_state(hydrogen(), (points,) * 3, extra_bands=11)
        exact = without_time_step_error(gs, 0.025, mode="exact")
        gaps.append(abs(without_time_step_error(gs, 0.0125, mode="shadow") - exact))
        spacings.append(gs.grid.spacing[0])
    order = np.polyfit(np.log(spacings), np.log(gaps), 1)[0]
    print(f"spacings {spacings}, differences of n_exc {gaps}, order {order:.2f}")
    assert order > 1.8


def test_backends_and_precisions_agree(h2_bands: GroundState) -> None:
    expected = excited(h2_bands, backend="reference", hartree="fft")
    for backend in HOST_BACKENDS:
        if not get(backend).status().works:
            continue
        for precision in ("fp64", "fp32"):
            n = excited(h2_bands, backend=backend, precision=precision, hartree="fft")
            assert n == pytest.approx(expected, rel=1e-4), (backend, precision)


@pytest.mark.parametrize("hartree", ["multigrid", "dsa"])
def test_hartree_solvers_agree(h2_bands: GroundState, hartree: str) -> None:
    """The 3-point Poisson solvers give n_exc of the spectral one up to their O(h^2) difference (and the lag of DSA)."""
    assert excited(h2_bands, hartree=hartree) == pytest.approx(excited(h2_bands, hartree="fft"), rel=0.03)


def test_four_dsa_sweeps_follow_the_density(h2_bands: GroundState) -> None:
    """Within 1e-4 of the transforms at every step of the pulse and after it, once the density has begun to move."""
    lfd = LFD(h2_bands, DT, PULSE, hartree="dsa")
    oracle = Hartree(lfd.grid.shape, lfd.grid.spacing, laplacian="fd")
    for step in range(600):
        lfd.advance(1)
        if step >= 20:
            expected = oracle(lfd.density() - lfd.potential.n0)
            assert np.linalg.norm(lfd.potential.change - expected) <= 1e-4 * np.linalg.norm(expected)
    assert lfd.potential.solver.last[0] <= 4


def test_a_kick_starts_the_full_current(h2_bands: GroundState) -> None:
    """Just after a kick k every electron has the velocity k: J = N k / V in the exact mode (no p projectors in H)."""
    lfd = LFD(h2_bands, DT, DeltaKick(0.01), mode="exact")
    expected = h2_bands.electrons * 0.01 / h2_bands.grid.volume
    np.testing.assert_allclose(lfd.observe()["J"], [0, 0, expected], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("mode", ["shadow", "exact"])
def test_current_is_the_derivative_of_the_energy(h2_bands: GroundState, mode: str) -> None:
    """dE/dt = -(V/c) J.dA/dt during the pulse (E is the field energy the electrons take up)."""
    lfd = LFD(h2_bands, DT, PULSE, mode=mode, hartree="fft")
    lfd.advance(200)
    energies, power = [], []
    for _ in range(26):
        lfd.advance(4)
        o = lfd.observe()
        slope = (PULSE.A(lfd.time + 1e-4) - PULSE.A(lfd.time - 1e-4)) / 2e-4
        energies.append(o["energy"]["total"])
        power.append(lfd.grid.volume / SPEED_OF_LIGHT * float(o["J"] @ slope))
    gained = energies[-1] - energies[0]
    work = np.trapezoid(power, dx=4 * DT)
    assert abs(gained) > 1e-3
    assert gained == pytest.approx(work, rel=0.03)


@pytest.mark.parametrize("hartree", ["multigrid", "dsa"])
def test_restart_continues_bit_for_bit(h2_state: GroundState, hartree: str) -> None:
    whole = LFD(h2_state, DT, PULSE, hartree=hartree)
    for _ in range(4):
        whole.advance(10)
    half = LFD(h2_state, DT, PULSE, hartree=hartree)
    half.advance(10)
    half.advance(10)
    fresh = LFD(h2_state, DT, PULSE, hartree=hartree)
    fresh.restore({k: np.array(v) for k, v in half.state().items()})
    fresh.advance(10)
    fresh.advance(10)
    np.testing.assert_array_equal(fresh.psi[0], whole.psi[0])
    np.testing.assert_array_equal(fresh.polarization, whole.polarization)
    assert fresh.step_count == whole.step_count == 40


def test_nan_stops_the_run_at_its_step(h2_state: GroundState) -> None:
    lfd = LFD(h2_state, DT, PULSE)
    lfd.advance(3)
    lfd.psi[0][4, 5, 6, 0] = np.nan
    with pytest.raises(NumericsError, match="after step 4"):
        lfd.advance(10)


@pytest.mark.parametrize("dt", [0.5, 0.0, -0.1])
def test_impossible_time_steps_are_refused(h2_state: GroundState, dt: float) -> None:
    with pytest.raises(TimeStepError, match=r"must lie in \(0, 0\.0"):
        LFD(h2_state, dt, PULSE)


@pytest.mark.parametrize("choice", [{"mode": "quick"}, {"hartree": "magic"}, {"precision": "fp8"}])
def test_unknown_choices_name_the_known_ones(h2_state: GroundState, choice: dict) -> None:
    with pytest.raises(ValueError, match="use"):
        LFD(h2_state, DT, PULSE, **choice)


def random_block(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return rng.standard_normal((rows, columns)) + 1j * rng.standard_normal((rows, columns))


@pytest.mark.parametrize("through", [mapping, rotation])
def test_low_rank_operators_are_unitary_and_map_y_to_x(through) -> None:
    rng = np.random.default_rng(5)
    y = np.linalg.qr(random_block(rng, 60, 7))[0]
    x = np.linalg.qr(y + 0.1 * random_block(rng, 60, 7))[0]
    c: LowRank = through(y, x, 1.0)
    whole = c.apply(np.eye(60, dtype=complex), 1.0)
    np.testing.assert_allclose(whole.conj().T @ whole, np.eye(60), atol=1e-13)
    np.testing.assert_allclose(whole @ y, x, atol=1e-12)
    np.testing.assert_allclose(c.adjoint().apply(x, 1.0), y, atol=1e-12)


def test_rotation_leaves_the_rest_alone() -> None:
    rng = np.random.default_rng(6)
    y = np.linalg.qr(random_block(rng, 40, 3))[0]
    x = np.linalg.qr(y + 0.2 * random_block(rng, 40, 3))[0]
    both = np.linalg.qr(np.concatenate([y, x], axis=1))[0]
    other = random_block(rng, 40, 2)
    other -= both @ (both.conj().T @ other)
    np.testing.assert_allclose(rotation(y, x, 1.0).apply(other, 1.0), other, atol=1e-12)
