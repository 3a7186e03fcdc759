"""Domains that share all that stays as it is, and k-points that time reversal has folded."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.qxmd import GroundState, ground_state
from mlmd.laser import Laser, NoLaser, SinSquaredPulse

from ..dcmesh.conftest import h2_state, hydrogen, silicon

__all__ = ["h2_state"]

LIGHTS = [SinSquaredPulse(photon_energy=0.6, length=1.0, intensity=i) for i in (1e-4, 1e-3)]


@pytest.mark.parametrize("mode", ["shadow", "exact"])
@pytest.mark.parametrize("hartree", ["multigrid", "dsa", "fft"])
def test_twins_in_turn_are_as_if_alone(h2_state: GroundState, mode: str, hartree: str) -> None:
    def make(light: Laser) -> LFD:
        return LFD(h2_state, dt=0.05, laser=light, mode=mode, hartree=hartree, threads=1)

    first = make(LIGHTS[0])
    first.advance(1)  # a twin starts at time 0, wherever the first one is
    first.restore(make(LIGHTS[0]).state())
    twins, alone = [first, first.twin(LIGHTS[1])], [make(light) for light in LIGHTS]
    for _ in range(3):
        for electrons in (*twins, *alone):
            electrons.advance(4)
    for twin, expected in zip(twins, alone, strict=True):
        here, there = twin.observe(), expected.observe()
        assert here["n_exc"] == there["n_exc"] > 0.0
        assert here["energy"] == there["energy"]
        assert twin.current().tobytes() == here["J"].tobytes() == there["J"].tobytes()
        assert all(np.array_equal(a, b) for a, b in zip(twin.psi, expected.psi, strict=True))
    assert twins[0].observe()["n_exc"] != twins[1].observe()["n_exc"]


@pytest.mark.slow
def test_twins_on_every_backend(h2_state: GroundState, backend: str) -> None:
    first = LFD(h2_state, dt=0.05, laser=LIGHTS[0], backend=backend, hartree="dsa")
    twin, alone = first.twin(LIGHTS[1]), LFD(h2_state, dt=0.05, laser=LIGHTS[1], backend=backend, hartree="dsa")
    for _ in range(2):
        for electrons in (first, twin, alone):
            electrons.advance(3)
    assert twin.current() == pytest.approx(alone.current(), rel=1e-9, abs=1e-14)
    assert twin.observe()["n_exc"] == pytest.approx(alone.observe()["n_exc"], rel=1e-9)


def test_unfolded_electrons_carry_no_current_in_the_dark() -> None:
    """Of k and -k one was kept, and alone it has a current; the density does not change."""
    folded = ground_state(hydrogen(), (20, 20, 20), extra_bands=1, kpts=(1, 2, 1), kpt_shift=(0.0, 0.5, 0.25), tol=1e-6)
    whole = folded.unfolded()
    assert len(whole.kpoints) == 2 * len(folded.kpoints) == 4
    assert whole.weights.sum() == pytest.approx(1.0)
    folded_lfd, lfd = (LFD(state, 0.05, NoLaser(), threads=1) for state in (folded, whole))
    assert np.abs(folded_lfd.current()).max() > 1e-6
    assert np.abs(lfd.current()).max() < 1e-12
    assert lfd.density() == pytest.approx(folded_lfd.density(), abs=1e-12)


def test_the_border_of_the_zone_is_unfolded_too_and_gamma_is_not() -> None:
    state = ground_state(silicon(), (14, 14, 14), extra_bands=0, kpts=(1, 1, 1), kpt_shift=(0.5, 0.5, 0.5), tol=1e-5)
    whole = state.unfolded()
    assert whole.kpoints.tolist() == [[0.5, 0.5, 0.5], [-0.5, -0.5, -0.5]]
    alone, both = (LFD(s, 0.05, NoLaser(), threads=1, mode="exact", hartree="fft") for s in (state, whole))
    assert np.abs(alone.current()).max() > 1e-6
    assert np.abs(both.current()).max() < 1e-9
    gamma = ground_state(hydrogen(), (16, 16, 16), extra_bands=0, tol=1e-4)
    assert len(gamma.unfolded().kpoints) == 1
