"""PbTiO3 in real time at its real size: 30 x 30 x 32 points, 34 electrons, 32 states in the shadow's basis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from mlmd.backends import get, names
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.qxmd import GroundState, ground_state
from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.laser import NoLaser, SinSquaredPulse

from ..dcmesh.conftest import lead_titanate

pytestmark = pytest.mark.slow
SHORT = SinSquaredPulse(photon_energy=0.4, length=10.0, intensity=0.03**2 * SPEED_OF_LIGHT / (8 * np.pi))
LONGER = SinSquaredPulse(photon_energy=0.2, length=20.0, intensity=0.01**2 * SPEED_OF_LIGHT / (8 * np.pi))
BACKENDS = ("reference", "numba", "cpu", "sycl", "cuda")


@pytest.fixture(scope="module")
def state() -> GroundState:
    return ground_state(lead_titanate(), (30, 30, 32), extra_bands=15)


def excited(state: GroundState, pulse: SinSquaredPulse, dt: float, **options) -> float:
    lfd = LFD(state, dt, pulse, hartree="fft", **options)
    lfd.advance(round(pulse.duration / dt))
    return lfd.observe()["n_exc"]


def test_dark_for_a_thousand_steps(state: GroundState) -> None:
    lfd = LFD(state, 0.04, NoLaser())
    before = lfd.observe()["energy"]["total"]
    lfd.advance(1000)
    after = lfd.observe()
    print(f"n_exc {after['n_exc']:.1e}, drift {(after['energy']['total'] - before) / 34:.1e} Ha per electron")
    assert after["n_exc"] < 1e-6
    assert abs(after["energy"]["total"] - before) / state.electrons < 1e-6


def test_backends_and_precisions_give_the_same_excitation(state: GroundState) -> None:
    expected = excited(state, SHORT, 0.04, backend="reference")
    for backend in BACKENDS:
        if backend not in names() or not get(backend).status().works:
            continue
        for precision in ("fp64", "fp32"):
            n = excited(state, SHORT, 0.04, backend=backend, precision=precision)
            print(f"{backend} {precision}: n_exc {n:.8f}, relative difference {n / expected - 1:.1e}")
            assert n == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("mode", "steps"), [("shadow", (0.04, 0.02, 0.01)), ("exact", (0.02, 0.01, 0.005))])
def test_convergence_in_the_time_step(state: GroundState, mode: str, steps: tuple[float, ...]) -> None:
    """The exact mode's series starts lower: at 0.04 its highest plane waves turn by more than pi in a step."""
    n = [excited(state, LONGER, dt, mode=mode) for dt in steps]
    order = np.log2((n[0] - n[1]) / (n[1] - n[2]))
    print(f"{mode}: n_exc {n}, order {order:.2f}")
    assert order > 1.7


def test_convergence_in_the_spacing() -> None:
    """Shadow mode, whose states outside the basis feel finite differences; dt as h^2, 0.02 at 30 points."""
    shapes = ((30, 30, 32), (36, 36, 38), (48, 48, 52))
    n = []
    for shape in shapes:
        steps = round(LONGER.duration / (0.02 * (30 / shape[0]) ** 2))
        state = ground_state(lead_titanate(), shape, extra_bands=15, tol=1e-7)
        n.append(excited(state, LONGER, LONGER.duration / steps))
        print(f"shadow, {shape}: n_exc {n[-1]:.6f}")
    h = np.array([7.38 / shape[0] for shape in shapes])

    def misfit(p: float) -> float:
        return (n[1] - n[0]) / (n[2] - n[1]) - (h[0] ** p - h[1] ** p) / (h[1] ** p - h[2] ** p)

    order = brentq(misfit, 0.5, 8.0)
    print(f"order in h: {order:.2f}")
    assert order > 1.7
