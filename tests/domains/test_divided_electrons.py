"""Light on a divided cell against the undivided calculation: a row of hydrogen molecules, and a nitrogen molecule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import ase
import h5py
import numpy as np
import pytest
from ase.units import Bohr

from mlmd.dcmesh.domains import BoxStates, DividedElectrons, box_states, divided_ground_state
from mlmd.dcmesh.errors import DecompositionError
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.parallel import Single
from mlmd.dcmesh.qxmd import ground_state
from mlmd.errors import NumericsError
from mlmd.laser import DeltaKick, Laser, NoLaser, SinSquaredPulse

from .test_divided_ground_state import EDGE, SMEARING, molecules

SHAPE, DT, STEPS, EVERY = (16, 16, 64), 0.08, 120, 20
PULSE = SinSquaredPulse(
    photon_energy=0.45, intensity=3e-4, length=8.0, polarization=(0.0, 0.6, 0.8), cep=0.0, start=0.0
)


def divided(buffer: float) -> BoxStates:
    row = molecules(4)
    return box_states(divided_ground_state(row, SHAPE, (1, 1, 2), buffer, smearing=SMEARING, extra_bands=3, tol=1e-7))


def under(light: Laser, **settings: Any) -> partial[LFD]:
    return partial(LFD, dt=DT, laser=light, **settings)


@dataclass
class Seen:
    """What was observed, at each stop."""

    n_exc: np.ndarray
    J: np.ndarray
    absorbed: np.ndarray


def watched(electrons: LFD | DividedElectrons) -> Seen:
    rows = [electrons.observe()]
    for _ in range(STEPS // EVERY):
        electrons.advance(EVERY)
        rows.append(electrons.observe())
    energy = np.array([row["energy"]["total"] for row in rows])
    return Seen(np.array([row["n_exc"] for row in rows]), np.array([row["J"] for row in rows]), energy - energy[0])


def largest_error(got: np.ndarray, expected: np.ndarray) -> float:
    """Relative to the largest value."""
    return float(np.abs(got - expected).max() / np.abs(expected).max())


@pytest.fixture(scope="module")
def whole() -> Seen:
    """The undivided row under the pulse."""
    state = ground_state(molecules(4), SHAPE, smearing=SMEARING, extra_bands=4, tol=1e-7)
    return watched(under(PULSE)(state))


@pytest.fixture(scope="module")
def thick() -> BoxStates:
    """Boxes of three molecules' length."""
    return divided(0.5 * EDGE)


def test_error_falls_with_the_buffer(whole: Seen, thick: BoxStates) -> None:
    """Boxes of 15 and 18 bohr of the 24: n_exc 17 % and 5.2 % off, J 8.5 % and 2.2 %."""
    parts = [watched(DividedElectrons(start, under(PULSE))) for start in (divided(0.25 * EDGE), thick)]
    n_exc = [largest_error(part.n_exc, whole.n_exc) for part in parts]
    J = [largest_error(part.J, whole.J) for part in parts]
    assert n_exc[1] < 0.5 * n_exc[0] and J[1] < 0.5 * J[0]
    assert n_exc[1] < 0.07 and J[1] < 0.03


def test_boxes_as_large_as_the_cell_give_the_undivided_result(whole: Seen) -> None:
    """What is left is the Hartree potential by differences, and in the energy the spectral kinetic one: 1.1 %."""
    parts = watched(DividedElectrons(divided(EDGE), under(PULSE)))
    assert largest_error(parts.n_exc, whole.n_exc) < 1e-4
    assert largest_error(parts.J, whole.J) < 1e-4
    assert largest_error(parts.absorbed, whole.absorbed) < 0.02


def test_domains_are_at_rest_in_the_dark(thick: BoxStates) -> None:
    electrons = DividedElectrons(thick, under(NoLaser()))
    start = electrons.observe()
    assert start["energy"] == pytest.approx(thick.energy, abs=1e-12)
    assert float(electrons.density().sum() * thick.grid.dv) == pytest.approx(8.0, abs=1e-12)
    electrons.advance(50)
    now = electrons.observe()
    assert np.abs(electrons.density() - thick.density).max() < 1e-11
    assert abs(now["n_exc"]) < 1e-14 and np.abs(now["J"]).max() < 1e-14
    assert now["energy"]["total"] == pytest.approx(start["energy"]["total"], abs=1e-11)
    assert now["norm"] < 1e-11


def test_nonlocal_potential_is_in_current_and_energy() -> None:
    """One nitrogen molecule in two boxes as large as its cell; LFD's own sums over the whole cell are the judge."""
    half, shape = 1.04, (14, 14, 16)
    positions = np.array([[3.5, 3.3, 3.5 - half], [3.5, 3.7, 3.5 + half]])
    cell = ase.Atoms("N2", positions * Bohr, cell=[7 * Bohr] * 3, pbc=True)
    settings = {"smearing": SMEARING, "extra_bands": 3, "tol": 1e-7}
    make = under(DeltaKick(0.05, (0.0, 0.6, 0.8)), mode="exact", hartree="fft")
    lfd = make(ground_state(cell, shape, **settings))
    parts = DividedElectrons(box_states(divided_ground_state(cell, shape, (1, 1, 2), 1.75, **settings)), make)
    start = [electrons.observe()["energy"] for electrons in (lfd, parts)]
    lfd.advance(10)
    parts.advance(10)
    expected, got = lfd.observe(), parts.observe()
    assert largest_error(got["J"], expected["J"]) < 1e-3
    assert got["n_exc"] == pytest.approx(expected["n_exc"], rel=1e-3)
    changes = np.array(
        [
            [now["energy"][term] - before[term] for term in ("kinetic", "nonlocal", "local", "hartree")]
            for now, before in zip((expected, got), start, strict=True)
        ]
    )
    assert largest_error(changes[1], changes[0]) < 1e-3
    assert np.abs(changes[0]).min() > 1e-4


def test_a_stored_start_goes_on_bit_for_bit(thick: BoxStates) -> None:
    with h5py.File("start", "w", driver="core", backing_store=False) as file:
        thick.save(file)
        loaded = BoxStates.load(file)
    assert [box.support.tobytes() for box in loaded.boxes] == [box.support.tobytes() for box in thick.boxes]
    assert loaded.energy == thick.energy and loaded.gap == thick.gap
    one, other = DividedElectrons(loaded, under(PULSE)), DividedElectrons(loaded, under(PULSE))
    one.advance(10)
    kept = one.state()
    one.advance(10)
    other.restore(kept)
    other.advance(10)
    assert (other.step_count, other.time) == (20, one.time)
    assert other.density().tobytes() == one.density().tobytes()
    seen, again = one.observe(), other.observe()
    assert again["energy"] == seen["energy"]
    assert all(again[name].tobytes() == seen[name].tobytes() for name in ("f", "J", "polarization"))
    assert one.flops_per_step() == sum(part.flops_per_step() for part in (LFD(s, DT, PULSE) for s in loaded.states))


def test_what_cannot_be_followed_is_refused(thick: BoxStates) -> None:
    electrons = DividedElectrons(thick, under(NoLaser()))
    broken = electrons.state()
    broken["domain_1"]["psi_0"] = np.full_like(broken["domain_1"]["psi_0"], np.nan)
    electrons.restore(broken)
    with pytest.raises(NumericsError, match="domain 2 of 2: the orbitals are not finite after step 1"):
        electrons.advance(1)
    three = Single()
    three.size = 3  # type: ignore[misc]
    with pytest.raises(DecompositionError, match="2 domains cannot be shared out among 3 ranks"):
        DividedElectrons(thick, under(NoLaser()), three)
