"""Light along one axis against what is known: vacuum, a slab of a linear medium, the account of energies."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.backends import PlanError
from mlmd.dcmesh.maxwell import Film, LorentzMedium, Wave
from mlmd.kernels.constants import SPEED_OF_LIGHT as C
from mlmd.laser import SinSquaredPulse

PULSE = SinSquaredPulse(photon_energy=0.08, length=400.0, intensity=1e-7, polarization=(0.0, 0.0, 1.0))


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.1])
def test_a_pulse_goes_through_vacuum_unchanged(ratio: float) -> None:
    cells, spacing = 200, 20.0
    wave = Wave(cells, spacing, ratio * spacing / C, PULSE)
    way = (cells - 1) * spacing / C
    seen, expected = [], []
    while wave.time < way + PULSE.duration:
        wave.advance(np.zeros((cells, 3)))
        seen.append(wave.A[-1, 2])
        expected.append(PULSE.A(wave.time - way)[2])
    largest = max(np.abs(expected))
    assert np.max(np.abs(np.array(seen) - expected)) < (1e-12 if ratio == 1.0 else 1e-4) * largest
    assert np.abs(wave.A).max() < 1e-4 * largest  # nothing comes back from the end
    assert wave.ledger.transmitted == pytest.approx(wave.ledger.incident, rel=1e-4)
    assert wave.ledger.reflected < 1e-6 * wave.ledger.incident


def test_the_phase_falls_behind_as_the_square_of_the_cell() -> None:
    errors = []
    for cells in (101, 201):
        spacing, way = 4000.0 / (cells - 1), 4000.0 / C
        wave = Wave(cells, spacing, 0.5 * spacing / C, PULSE)
        error = 0.0
        while wave.time < way + PULSE.duration:
            wave.advance(np.zeros((cells, 3)))
            error = max(error, abs(wave.A[-1, 2] - PULSE.A(wave.time - way)[2]))
        errors.append(error)
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)


def slab(omega: float, epsilon: complex, thickness: float) -> tuple[float, float]:
    """Reflected and transmitted parts of a slab in vacuum (Airy's formula)."""
    n = np.sqrt(epsilon)
    r, phase = (1 - n) / (1 + n), np.exp(1j * n * omega / C * thickness)
    whole = 1 - r**2 * phase**2
    return abs(r * (1 - phase**2) / whole) ** 2, abs((1 - r**2) * phase / whole) ** 2


@pytest.mark.parametrize("damping", [0.0, 0.02])
def test_a_slab_reflects_and_transmits_as_fresnel_says(damping: float) -> None:
    cells, spacing = 30, 20.0
    dt = 0.5 * spacing / C
    medium = LorentzMedium(cells, dt, plasma=0.5, resonance=0.3, damping=damping)
    film = Film(Wave(cells + 20, spacing, dt, PULSE), medium, first=10)
    while film.wave.time < 2500.0:
        film.advance()
    omega = np.linspace(0.07, 0.09, 5)
    R, T = film.spectra(omega)
    expected = np.array([slab(w, medium.dielectric(w), cells * spacing) for w in omega])
    assert np.allclose(R, expected[:, 0], rtol=0.01)
    assert np.allclose(T, expected[:, 1], rtol=0.01)
    assert expected[:, 0].max() > 0.1  # there is something to see
    assert abs(film.imbalance()) < 0.01
    book = film.wave.ledger
    if damping:
        assert book.absorbed > 0.005 * book.incident
    else:
        assert abs(book.absorbed) < 0.002 * book.incident


def test_polarisations_do_not_mix() -> None:
    pulse = SinSquaredPulse(photon_energy=0.08, length=100.0, intensity=1e-7, polarization=(0.0, 1.0, 0.0))
    wave = Wave(30, 20.0, 20.0 / C, pulse)
    film = Film(wave, LorentzMedium(5, wave.dt, 0.3, 0.4, 0.01), first=10)
    for _ in range(600):
        film.advance()
        assert not wave.A[:, [0, 2]].any()
    assert wave.ledger.incident > 0.0


def test_bad_set_ups_are_refused() -> None:
    with pytest.raises(PlanError, match="3 or more"):
        Wave(2, 10.0, 0.01, PULSE)
    with pytest.raises(PlanError, match=r"up to 0\.07297"):
        Wave(10, 10.0, 0.1, PULSE)
    wave, medium = Wave(10, 10.0, 0.05, PULSE), LorentzMedium(9, 0.05, 0.1, 0.1, 0.0)
    with pytest.raises(PlanError, match="does not fit 10 cells"):
        Film(wave, medium, first=1)
    with pytest.raises(PlanError, match="before the first step"):
        Film(wave, LorentzMedium(2, 0.05, 0.1, 0.1, 0.0), first=2).spectra(np.array([0.1]))
