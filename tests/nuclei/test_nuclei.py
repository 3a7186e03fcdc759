"""Nuclei in motion: forces are slopes of the energy, energy stays, runs go on to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from mlmd.config import Config
from mlmd.dcmesh.errors import OccupationError, TimeStepError
from mlmd.dcmesh.hopping import Hopping
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.nuclei import Ehrenfest, MeanField, Mesh, Shadow, SurfaceHopping
from mlmd.dcmesh.nuclei.build import moving
from mlmd.dcmesh.nuclei.forces import mean_field_forces, transition_forces
from mlmd.dcmesh.qxmd import GroundState, ground_state
from mlmd.engine import propagate
from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.laser import DeltaKick, NoLaser, SinSquaredPulse

from ..dcmesh.conftest import hydrogen

DT, MD = 0.025, 8
WARM = 0.02  # Ha


@pytest.fixture(scope="module")
def h2() -> GroundState:
    return ground_state(hydrogen(), (16, 16, 16), extra_bands=2, tol=1e-9)


def exact(gs: GroundState, laser: Any = None, **motion: Any) -> Ehrenfest:
    lfd = LFD(gs, DT, laser or NoLaser(), mode="exact", hartree="fft")
    return Ehrenfest(lfd, MeanField(lfd), MD, **motion)


def shadow(gs: GroundState, basis_every: int = 1, **motion: Any) -> Ehrenfest:
    lfd = LFD(gs, DT, NoLaser(), hartree="fft")
    return Ehrenfest(lfd, Shadow(lfd, gs, basis_every), MD, **motion)


def hopping(gs: GroundState, active: Any = (0, 1), **motion: Any) -> SurfaceHopping:
    return SurfaceHopping(gs, 0.25, MD, np.array(active), seed=1, **motion)


def mesh(gs: GroundState) -> Mesh:
    pulse = SinSquaredPulse(photon_energy=0.5, length=0.4, intensity=0.3**2 * SPEED_OF_LIGHT / (8 * np.pi))
    lfd = LFD(gs, DT, pulse, hartree="fft")
    first = Ehrenfest(lfd, Shadow(lfd, gs), MD, temperature=WARM)
    return Mesh(first, lambda states, active: SurfaceHopping(states, DT, MD, active), dephasing=0.1)


def test_mean_field_force_is_the_slope_of_the_energy(h2: GroundState) -> None:
    """Of electrons out of equilibrium under a vector potential, by moving the ions while the orbitals stay."""
    lfd = LFD(h2, DT, DeltaKick(0.3, (1, 0, 1)), mode="exact", hartree="fft")
    lfd.advance(20)
    force, step = mean_field_forces(lfd, h2.ions)[0, 2], 1e-3
    energies = []
    for sign in (1, -1):
        positions = h2.atoms.positions.copy()
        positions[0, 2] += sign * step
        lfd.move(h2.ions.moved(positions))
        energies.append(lfd.observe()["energy"]["total"])
    slope = (energies[0] - energies[1]) / (2 * step) * 0.529177210903
    assert abs(force - h2.forces()[0, 2]) > 1e-4  # the kick made a difference
    assert force == pytest.approx(-slope, abs=2e-5)


def test_transition_force_is_the_slope_of_the_matrix_element(h2: GroundState) -> None:
    force, step, (a, b) = transition_forces(h2, 0, 1)[1, 2], 1e-3, (h2.psi[0][..., i] for i in (0, 1))
    elements = []
    for sign in (1, -1):
        positions = h2.atoms.positions.copy()
        positions[1, 2] += sign * step
        elements.append(np.sum(a * h2.ions.moved(positions).v_ion * b) * h2.grid.dv)  # H has no nonlocal part
    assert abs(force) > 1e-3
    assert force == pytest.approx(-(elements[0] - elements[1]) / (2 * step) * 0.529177210903, rel=1e-4)


@pytest.mark.parametrize("make", [exact, shadow])
def test_ehrenfest_conserves_the_energy(h2: GroundState, make: Callable[..., Ehrenfest]) -> None:
    whole = make(h2, temperature=WARM, seed=2)
    start = whole.observe()["energy"]
    whole.advance(25 * MD)
    end = whole.observe()["energy"]
    assert abs(end["nuclei"] - start["nuclei"]) > 1e-3
    assert abs(end["total"] - start["total"]) < 5e-5


def test_shadow_moves_the_nuclei_as_the_exact_mode_does(h2: GroundState) -> None:
    bonds = []
    for make in (exact, shadow):
        whole = make(h2)
        whole.advance(12 * MD)
        x = whole.observe()["positions"]
        bonds.append(np.linalg.norm(x[1] - x[0]))
    first = np.linalg.norm(np.diff(h2.ions.positions, axis=0))
    assert bonds[1] - first == pytest.approx(bonds[0] - first, rel=0.05)


def test_light_gives_electrons_and_nuclei_opposite_momenta(h2: GroundState) -> None:
    """A kick of 0.01 for each charge, and what passes between them later (less what comes in the dark)."""
    nuclei, electrons = [], []
    for laser in (DeltaKick(0.01), NoLaser()):
        whole = exact(h2, laser=laser)
        whole.advance(MD)
        nuclei.append((whole.nuclei.masses.reshape(-1, 3) * whole.nuclei.velocities).sum(axis=0))
        electrons.append(whole.observe()["J"] * h2.grid.volume)
    gained = nuclei[0] - nuclei[1], electrons[0] - electrons[1]
    assert gained[0] == pytest.approx([0.0, 0.0, -0.02], abs=5e-4)
    assert sum(gained) == pytest.approx(np.zeros(3), abs=5e-5)


MAKERS: dict[str, Callable[[GroundState], Any]] = {
    "exact, langevin": lambda gs: exact(gs, temperature=WARM, thermostat="langevin", relaxation_time=40.0),
    "exact, nose-hoover": lambda gs: exact(gs, temperature=WARM, thermostat="nose-hoover", relaxation_time=40.0),
    "shadow": lambda gs: shadow(gs, temperature=WARM),
    "shadow, older basis": lambda gs: shadow(gs, basis_every=3, temperature=WARM),
    "hopping": lambda gs: hopping(gs, temperature=WARM, thermostat="nose-hoover", relaxation_time=40.0),
    "mesh": mesh,
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_run_goes_on_to_the_last_bit(h2: GroundState, name: str) -> None:
    whole, half, fresh = (MAKERS[name](h2) for _ in range(3))
    for _ in range(6):
        whole.advance(MD // 2 + 2)
    for _ in range(4):
        half.advance(MD // 2 + 2)
    fresh.restore(half.state())
    for _ in range(2):
        fresh.advance(MD // 2 + 2)
    there, here = whole.observe(), fresh.observe()
    assert fresh.step_count == whole.step_count
    for key in ("positions", "velocities", "f"):
        np.testing.assert_array_equal(here[key], there[key], err_msg=key)
    assert here["energy"] == there["energy"]


def test_mesh_switches_at_constant_energy(h2: GroundState) -> None:
    run = mesh(h2)
    seen = []
    for _ in range(5):
        run.advance(MD)
        seen.append(run.observe())
    active = [int(row["active"][0]) for row in seen]
    assert active[0] == -1 and active[-1] >= 0
    switch = active.index(active[-1])
    total = [row["energy"]["total"] for row in seen]
    assert total[switch] == pytest.approx(total[switch - 1], abs=2e-5)
    assert seen[0]["energy"].keys() == seen[-1]["energy"].keys()


@pytest.mark.parametrize("direction", ["coupling", "velocity"])
def test_a_hop_conserves_the_energy(h2: GroundState, direction: str) -> None:
    run = hopping(h2, rules=Hopping(direction), temperature=0.2)
    before = run.observe()
    run._try(1, 0)  # down: the nuclei gain
    after = run.observe()
    assert (after["hops"], after["n_exc"]) == (1, 0.0)
    assert after["energy"]["nuclei"] > before["energy"]["nuclei"] + 0.05
    assert after["energy"]["total"] == pytest.approx(before["energy"]["total"], abs=1e-9)


def test_a_hop_that_cannot_be_paid_for_does_not_happen(h2: GroundState) -> None:
    run = hopping(h2, active=(0, 0), temperature=1e-3)
    before = run.observe()
    run._try(1, 1)
    after = run.observe()
    assert (after["hops"], after["frustrated"]) == (0, 1)
    assert after["energy"]["total"] == before["energy"]["total"]


def test_electrons_of_one_spin_keep_out_of_each_others_states(h2: GroundState) -> None:
    run = hopping(h2, active=(0, 1))
    assert run._open().tolist() == [[0, 1, 1], [1, 0, 1]]


def test_electrons_that_nobody_couples_stay(h2: GroundState) -> None:
    """Nuclei at rest in a box that is symmetric about them: amplitudes take phases, and no electron hops."""
    run = hopping(h2)
    run.advance(3 * MD)
    assert run.hops == 0
    assert run.observe()["norm"] < 1e-12


BASE = {
    "system": {"cell": [6, 6, 6], "atoms": [["H", 0.5, 0.5, 0.38], ["H", 0.5, 0.5, 0.62]]},
    "grid": {"shape": [16, 16, 16]},
    "dynamics": {"dt": DT, "steps": 16},
}


@pytest.mark.parametrize(
    ("nuclei", "more", "words"),
    [
        ({"motion": "ehrenfest", "steps_per_md": 7}, {}, "even"),
        ({"thermostat": "langevin"}, {}, "relaxation_time"),
        ({"motion": "hopping"}, {}, "band an electron leaves"),
        ({"masses": {"Xy": 1.0}}, {}, "no element"),
        ({"motion": "hopping", "excitation": [1, 2]}, {"laser": {"type": "kick", "strength": 0.1}}, "felt by nuclei"),
        ({"motion": "mesh"}, {"dynamics": {"dt": DT, "steps": 16, "mode": "exact"}}, "knows the gaps"),
        ({"motion": "mesh"}, {"ground_state": {"kpoints": [2, 1, 1]}}, "Gamma"),
    ],
)
def test_bad_sections_are_refused(nuclei: dict[str, Any], more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Config.model_validate(BASE | more | {"nuclei": nuclei})


def test_what_the_ground_state_cannot_give_is_refused(h2: GroundState) -> None:
    config = Config.model_validate(BASE | {"nuclei": {"motion": "hopping", "excitation": [1, 9]}})
    with pytest.raises(OccupationError, match=r"2 to 3 empty"):
        moving(config, h2, lambda: propagate(config, h2, "fp64"))
    long = {"dynamics": {"dt": 0.07, "steps": 16, "mode": "exact"}, "nuclei": {"motion": "ehrenfest"}}
    config = Config.model_validate(BASE | long)
    with pytest.raises(TimeStepError, match="exact mode"):
        moving(config, h2, lambda: propagate(config, h2, "fp64"))
