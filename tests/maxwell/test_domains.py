"""A film of hydrogen molecules: what the field loses is what the electrons gain."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.backends import PlanError
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.maxwell import CellField, Domains, Film, Wave
from mlmd.dcmesh.qxmd import GroundState
from mlmd.laser import SinSquaredPulse

from ..dcmesh.conftest import h2_state

__all__ = ["h2_state"]

PULSE = SinSquaredPulse(photon_energy=0.6, length=40.0, intensity=1e-4)


def film(state: GroundState, cells: int, pulse: SinSquaredPulse, steps: int = 4) -> tuple[Film, Domains]:
    def make(light: CellField) -> LFD:
        return LFD(state, dt=0.025, laser=light, backend="cpu", threads=1)

    domains = Domains(make, cells, steps, pulse.frequency)
    wave = Wave(cells + 4, 20.0, domains.dt, pulse)
    return Film(wave, domains, first=2), domains


def test_the_field_loses_what_the_electrons_gain(h2_state: GroundState) -> None:
    under_light, domains = film(h2_state, 2, PULSE)
    start = [domain.observe()["energy"]["total"] for domain in domains.domains]
    while under_light.wave.time < 45.0:
        under_light.advance()
    gained = [d.observe()["energy"]["total"] - e for d, e in zip(domains.domains, start, strict=True)]
    volume = float(np.prod(h2_state.grid.shape)) * h2_state.grid.dv
    book = under_light.wave.ledger
    assert sum(gained) / volume * under_light.wave.spacing == pytest.approx(book.absorbed, rel=0.01)  # falls as dt^2
    assert book.absorbed > 0.01 * book.incident
    assert abs(under_light.imbalance()) < 0.01
    assert np.all(domains.excited() > 1e-5)
    assert domains.excited()[0] != domains.excited()[1]  # each has its own field


def test_weak_light_sees_a_linear_film(h2_state: GroundState) -> None:
    reflected = []
    for intensity in (1e-6, 4e-6):
        pulse = SinSquaredPulse(photon_energy=0.4, length=15.0, intensity=intensity)
        under_light, _ = film(h2_state, 1, pulse)
        while under_light.wave.time < 17.0:
            under_light.advance()
        reflected.append(under_light.wave.ledger.reflected)
    assert reflected[1] / reflected[0] == pytest.approx(4.0, rel=0.01)


def test_a_film_of_nothing_is_refused(h2_state: GroundState) -> None:
    with pytest.raises(PlanError, match="1 or more"):
        Domains(lambda light: LFD(h2_state, 0.05, light), 0, 1, 0.1)
