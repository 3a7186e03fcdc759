"""The shipped network of PbTiO3 within SrTiO3: gradient, the border, energy conserved, the command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.socketio import SocketIOCalculator

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from mlmd.nnqmd.md.calculator import BlockCalculator
from mlmd.nnqmd.md.dynamics import Dynamics, Plan, Settings, prepare
from mlmd.nnqmd.md.embedding import SHARE, SURROUNDINGS, Embedding, embedded, shares_by_composition, shares_of
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.network import Network
from mlmd.nnqmd.md.particles import make_system
from mlmd.nnqmd.md.record import Record
from mlmd.nnqmd.md.rigid_ions import STRONTIUM_TITANATE, RigidIons
from mlmd.nnqmd.shipped import shipped_model

from .perovskites import superlattice
from .test_md_network import PROGRAM, ROOT, run

WITHIN = SURROUNDINGS["srtio3"]


@pytest.fixture(scope="module")
def parts() -> Embedding:
    network = Network(shipped_model("pto_ground"), "float64")
    return embedded([network], network.elements, WITHIN)


def shared(atoms: ase.Atoms, border: float = 10.0) -> ase.Atoms:
    atoms.set_array(SHARE, shares_by_composition(atoms, WITHIN.links, border))
    return atoms


def calculator(parts: Embedding) -> BlockCalculator:
    forces = (parts.networks, parts.surroundings)
    return BlockCalculator(lambda: Forces(forces[0], surroundings=forces[1]), parts.elements, shares=shares_of)


def test_forces_are_the_gradient_of_the_energy(parts: Embedding) -> None:
    atoms = shared(superlattice(2, 2, polar=True, c=4.1))
    atoms.rattle(0.05, seed=2)
    atoms.calc = calculator(parts)
    forces = atoms.get_forces()
    for atom in range(0, 20, 3):
        ends = []
        for step in (1e-4, -1e-4):
            moved = atoms.copy()
            moved.calc = atoms.calc
            moved.positions[atom, 2] += step
            ends.append(moved.get_potential_energy())
        assert forces[atom, 2] == pytest.approx(-(ends[0] - ends[1]) / 2e-4, abs=1e-5)


def test_forces_at_the_border_of_cubic_crystals_are_small(parts: Embedding) -> None:
    """Both potentials have none there; what the ramp exerts is a tenth of what it would be with halves of pairs."""
    ions = RigidIons(STRONTIUM_TITANATE, [WITHIN.element(one) for one in parts.elements])
    halves = Embedding(parts.elements, parts.networks, ions, {})
    largest = []
    for one in (parts, halves):
        atoms = shared(superlattice(8, 8, a=3.915))
        atoms.calc = calculator(one)
        largest.append(np.abs(atoms.get_forces()).max())
    print(f"largest force at the border {largest[0]:.3f} eV/A; with halves {largest[1]:.3f} eV/A")
    assert largest[0] < 0.06
    assert largest[1] > 0.3


def test_what_embedding_does_to_forces_in_lead_titanate(parts: Embedding) -> None:
    """A crystal of PbTiO3 alone with the shares of a superlattice: beyond the reach of the ramp nothing."""
    atoms = shared(superlattice(14, 6, a=3.9, c=4.15, polar=True))
    lead = superlattice(20, 0, a=3.9, c=4.15, polar=True)
    lead.set_array(SHARE, shares_of(atoms))
    lead.rattle(0.05, seed=5)
    forces = []
    for share in (shares_of(lead), np.ones(len(lead))):
        lead.set_array(SHARE, share)
        lead.calc = calculator(parts)
        forces.append(lead.get_forces())
    errors = np.abs(forces[0] - forces[1]).max(axis=1)
    layers = np.arange(len(lead)) // 5
    print("largest error in each layer (eV/A):", [f"{errors[layers == k].max():.1g}" for k in range(14)])
    assert errors[(layers >= 6) & (layers < 8)].max() < 1e-9
    assert errors.max() > 0.1


def test_energy_is_conserved(parts: Embedding, tmp_path: Path) -> None:
    """100 steps of a superlattice with the precision of the network as it comes."""
    network = Network(shipped_model("pto_ground"))
    single = embedded([network], network.elements, WITHIN)
    assert single.fractions == parts.fractions
    settings = Settings("nve", temperature=300)
    start = prepare(shared(superlattice(4, 4, polar=True, c=4.1)), settings)
    system = make_system(start, single.elements, shares=shares_of(start))
    forces = Forces(single.networks, surroundings=single.surroundings)
    Dynamics(system, forces, settings, Record(tmp_path, start, {})).run(Plan(100, rows=5))
    table = np.genfromtxt(tmp_path / "observables.csv", delimiter=",", names=True)
    assert np.ptp(table["kinetic_eV"]) / 40 > 5e-3
    assert np.ptp(table["total_eV"]) / 40 < 1e-4


def test_the_command(tmp_path: Path, parts: Embedding) -> None:
    ase.io.write(tmp_path / "start.extxyz", superlattice(2, 2, polar=True, c=4.1))
    command = ("md", "pto_ground", "--structure", tmp_path / "start.extxyz", "--out", tmp_path / "out")
    command += ("--temperature", 300, "--frames", 2)
    code, text = run(*command, "--steps", 2)
    assert code == 2 and "does not know Sr" in text
    code, text = run(*command, "--mm", "srtio3", "--steps", 2)
    assert code == 0, text
    assert run(*command, "--mm", "srtio3", "--steps", 4)[0] == 0
    frames = ase.io.read(tmp_path / "out" / "trajectory.xyz", ":")
    assert len(frames) == 3
    np.testing.assert_allclose(shares_of(frames[0]), shares_by_composition(frames[0], WITHIN.links), atol=1e-7)
    expected = frames[0].copy()
    expected.calc = calculator(parts)
    np.testing.assert_allclose(frames[0].get_forces(), expected.get_forces(), atol=2e-4)
    code, text = run(*command, "--mm", "srtio3", "--border", 8, "--steps", 6)
    assert code == 2 and "it differs in [files] structure" in text
    frames[-1].set_array(SHARE, np.full(20, 0.25))
    ase.io.write(tmp_path / "start.extxyz", frames[-1])
    assert run(*command, "--mm", "srtio3", "--steps", 0, "--force")[0] == 0
    assert (shares_of(ase.io.read(tmp_path / "out" / "trajectory.xyz")) == 0.25).all()
    frames[-1].arrays[SHARE][3] = 2.0
    ase.io.write(tmp_path / "start.extxyz", frames[-1])
    code, text = run(*command, "--mm", "srtio3", "--steps", 0, "--force")
    assert code == 2 and "the share of the network of atom 3 is 2, not within 0 and 1" in text


def test_a_driver_is_served_a_superlattice(tmp_path: Path, parts: Embedding) -> None:
    start, name = superlattice(2, 2, polar=True, c=4.1), f"mlmd_mm_{os.getpid()}"
    ase.io.write(tmp_path / "start.extxyz", start)
    command = [*PROGRAM, "serve", "pto_ground", "--mm", "srtio3", "--structure", str(tmp_path / "start.extxyz")]
    expected = shared(start.copy())
    expected.calc = calculator(parts)
    with SocketIOCalculator(unixsocket=name, timeout=120) as driver:
        client = subprocess.Popen([*command, "--unix", name], cwd=ROOT, stdout=subprocess.DEVNULL)
        start.calc = driver
        np.testing.assert_allclose(start.get_forces(), expected.get_forces(), atol=1e-6)
    assert client.wait(timeout=60) == 0
