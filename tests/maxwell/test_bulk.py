"""One cell that answers for an infinite medium, the field along the way of the light, and the longest step."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.backends import PlanError
from mlmd.dcmesh.errors import LightError
from mlmd.dcmesh.maxwell import Bulk, Film, LorentzMedium, Wave, check_coupling
from mlmd.kernels.constants import SPEED_OF_LIGHT as C
from mlmd.laser import NoLaser, SinSquaredPulse

PULSE = SinSquaredPulse(photon_energy=0.08, length=600.0, intensity=1e-7)


def energy(medium: LorentzMedium) -> np.ndarray:
    """Energy per volume of the oscillators: 2 pi / omega_p^2 (P'^2 + omega_0^2 P^2), at the time of P."""
    velocity = medium.current()
    return 2 * np.pi / medium.plasma**2 * np.sum(velocity**2 + medium.resonance**2 * medium.P**2, axis=1)


@pytest.mark.parametrize("induced", [True, False])
def test_a_bulk_screens_the_outer_field_by_its_dielectric_function(induced: bool) -> None:
    medium = LorentzMedium(1, 0.2, plasma=0.5, resonance=0.3, damping=0.01)
    bulk = Bulk(PULSE, 0.2, medium, induced)
    times, inside = [], []
    while bulk.time < 1500.0:
        bulk.advance()
        times.append(bulk.time)
        inside.append(bulk.A[0, 2])
    wave = np.exp(1j * 0.08 * np.array(times))
    ratio = (wave @ inside) / (wave @ [PULSE.A(t)[2] for t in times])
    expected = 1.0 / medium.dielectric(0.08) if induced else 1.0
    assert ratio == pytest.approx(expected, rel=3e-3)


@pytest.mark.parametrize("induced", [True, False])
def test_the_work_on_a_bulk_is_in_the_medium_and_in_the_induced_field(induced: bool) -> None:
    medium = LorentzMedium(1, 0.1, plasma=0.5, resonance=0.3, damping=0.0)
    bulk, worst = Bulk(PULSE, 0.1, medium, induced), 0.0
    while bulk.time < PULSE.duration:
        bulk.advance()
        worst = max(worst, abs(bulk.account(energy(medium))["imbalance"]))
        if 250.0 < bulk.time < 250.2:
            early = bulk.account(energy(medium))
    assert early["absorbed"] > 0.0
    assert (early["field"] > 0.0) == induced
    assert early["work"] == pytest.approx(early["absorbed"] + early["field"], rel=1e-2)
    assert bulk.account(energy(medium))["imbalance"] == pytest.approx(0.0, abs=1e-3)
    assert bulk.largest > 0.0


def test_the_account_of_a_film_by_what_the_medium_has_gained() -> None:
    """At every time, with the energy of the oscillators themselves: exact but for the square of cell and step."""
    worst = []
    for cells, spacing in ((10, 40.0), (20, 20.0)):
        dt = 0.007 * spacing
        medium = LorentzMedium(cells, dt, plasma=0.5, resonance=0.3, damping=0.0)
        film, largest = Film(Wave(2 * cells, spacing, dt, PULSE), medium, first=cells // 2), 0.0
        while film.wave.time < 700.0:
            film.advance()
            largest = max(largest, abs(film.account(energy(medium))["imbalance"]))
        worst.append(largest)
    print(f"largest imbalance {worst[0]:.1e}, with half the cell and step {worst[1]:.1e}")
    assert worst[0] < 5e-5
    assert worst[0] / worst[1] > 3.0


def test_a_current_along_the_way_stays_in_its_cell() -> None:
    """A'' = 4 pi c j there, nothing beside it: charges pile up, no wave leaves."""
    wave = Wave(12, 20.0, 0.1, NoLaser(), axis=0)
    for _ in range(200):
        j = np.zeros((12, 3))
        j[5, 0] = 1e-3
        wave.advance(j)
    assert wave.A[5, 0] == pytest.approx(0.5 * 4 * np.pi * C * 1e-3 * 20.0**2, rel=1e-2)
    assert not np.delete(wave.A, 5, axis=0).any()
    assert wave.ledger.transmitted == wave.ledger.reflected == 0.0
    assert -wave.ledger.absorbed == pytest.approx(wave.energy(), rel=1e-9)  # the field has what the current gave
    with pytest.raises(PlanError, match="polarised along the axis z"):
        Wave(12, 20.0, 0.1, PULSE, axis=2)


class FreeElectrons:
    """j = -omega_p^2 A / 4 pi c: the fastest answer that electrons have."""

    cells = 1

    def __init__(self, plasma: float) -> None:
        self.plasma, self.A = plasma, np.zeros((1, 3))

    def current(self) -> np.ndarray:
        return -(self.plasma**2) / (4 * np.pi * C) * self.A

    def advance(self, before: np.ndarray, now: np.ndarray, after: np.ndarray) -> None:
        self.A = after


@pytest.mark.parametrize(("factor", "stable"), [(0.99, True), (1.02, False)])
def test_the_longest_step_is_the_limit_of_stability(factor: float, stable: bool) -> None:
    plasma = 0.6
    dt = factor * 2.0 / plasma
    bulk = Bulk(SinSquaredPulse(photon_energy=0.05, length=300.0, intensity=1e-7), dt, FreeElectrons(plasma))
    for _ in range(400):
        bulk.advance()
    assert (np.abs(bulk.A).max() < 1e3) == stable
    if stable:
        check_coupling(np.inf, dt, plasma)
    else:
        with pytest.raises(LightError, match=r"grow without limit: give one up to 3\.333"):
            check_coupling(np.inf, dt, plasma)
