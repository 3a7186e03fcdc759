"""The model of excited PbTiO3 that comes with the package: its labels, its well against excitation, its dynamics.

Reference: constrained LDA with two Fermi levels by another code (GPAW, atomic orbitals), one cell, one path: the energy
at 0.6 of the way less that of the cubic structure is -55.7, -20.9, +17.4 meV with 0, 0.2, 0.4 electrons in a formula
unit. Command: ``pytest -m slow -s tests/validation/test_pto_excited.py``
"""

from __future__ import annotations

import json
from pathlib import Path

import ase
import numpy as np
import pytest

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from ase import units
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

from mlmd.io.input import parse
from mlmd.nnqmd.calculator import NeuralNetwork
from mlmd.nnqmd.dataset import read_frames
from mlmd.nnqmd.evaluation import errors, predict
from mlmd.nnqmd.excited import ExcitedState
from mlmd.nnqmd.recipe import Recipe
from mlmd.nnqmd.shipped import shipped_model
from mlmd.nnqmd.training import split

REPOSITORY = Path(__file__).parents[2]
LABELS = REPOSITORY / "examples" / "excited_state" / "labelled.xyz"
REFERENCE = REPOSITORY.parent / "shared" / "data" / "pto_xs_gpaw_lda.jsonl"
LIFTED = 0.6  # electrons in a formula unit where the weight is 1
CUBIC = np.array([0, 0.5, 0, 0.5, 0.5])
POLAR = np.array([-0.0241602544, 2.3864463344, 0.6375114620, 2.8160658027, 2.8160658027]) / 4.392579330


@pytest.fixture(scope="module")
def calculator() -> ExcitedState:
    return ExcitedState(shipped_model("pto_ground"), shipped_model("pto_excited"))


def on_path(way: float, weight: float, calculator: ExcitedState) -> float:
    """Energy in eV; Pb, Ti, the O in line with it and the other two move along c."""
    z = CUBIC + way * (POLAR - CUBIC)
    places = [(0, 0, z[0]), (0.5, 0.5, z[1]), (0.5, 0.5, z[2]), (0, 0.5, z[3]), (0.5, 0, z[4])]
    atoms = ase.Atoms("PbTiO3", scaled_positions=places, cell=[3.87, 3.87, 4.03], pbc=True, info={"excitation": weight})
    atoms.calc = calculator
    return float(atoms.get_potential_energy())


def hot_crystal(cells: int) -> ase.Atoms:
    places = [(0, 0, 0.0), (0.5, 0.5, 0.52), (0.5, 0.5, 0.06), (0, 0.5, 0.56), (0.5, 0, 0.56)]
    atoms = ase.Atoms("PbTiO3", scaled_positions=places, cell=[3.88, 3.88, 4.10], pbc=True).repeat(cells)
    atoms.rattle(0.03, seed=0)
    return atoms


def test_no_excitation_is_the_ground_state_to_the_last_bit(calculator: ExcitedState) -> None:
    atoms = hot_crystal(2)
    atoms.calc = NeuralNetwork(shipped_model("pto_ground"))
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    atoms.info["excitation"] = 0.0
    atoms.calc = calculator
    assert atoms.get_potential_energy() == energy
    np.testing.assert_array_equal(atoms.get_forces(), forces)


@pytest.mark.slow
@pytest.mark.skipif(not LABELS.exists(), reason="the labels are not here: tests are run outside the repository")
def test_errors_on_labels_that_were_held_back() -> None:
    recipe = parse(Recipe, shipped_model("pto_excited").record["recipe"], LABELS)
    held = split(read_frames(LABELS), recipe, LABELS)["test"]
    for name, bar in (("pto_ground", None), ("pto_excited", 100.0)):
        found = errors(list(predict(held, NeuralNetwork(shipped_model(name)))))
        print(name, found)
        assert bar is None or (found.forces_mae is not None and found.forces_mae <= bar and found.energy_mae <= 6.0)


@pytest.mark.slow
@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference figures are not here")
def test_the_well_falls_with_excitation_and_vanishes(calculator: ExcitedState) -> None:
    rows = [json.loads(line) for line in REFERENCE.read_text().splitlines()]
    known = {(row["n"], row["lam"]): row["E"] for row in rows}
    n = np.array([0.0, 0.2, 0.4])
    reference = np.array([1e3 * (known[x, 0.6] - known[x, 0.0]) for x in n])
    vanishing = float(np.interp(0.0, reference, n))

    lifted, ways = np.linspace(0, LIFTED, 13), np.arange(0, 1.05, 0.1)
    energies = 1e3 * np.array([[on_path(way, x / LIFTED, calculator) for way in ways] for x in lifted])
    energies -= energies[:, :1]
    wells, depths = energies[:, 6], -energies.min(axis=1)
    found = float(np.interp(0.0, wells, lifted))
    print("lifted        ", lifted)
    print("model (meV)   ", wells.round(1))
    print("deepest (meV) ", np.round(depths, 1))
    print(f"reference (meV) {reference.round(1)} at {n}; vanishes at {vanishing:.3f}, model {found:.3f}")
    assert np.all(np.diff(wells) > 0) and np.all(np.diff(depths) <= 0)
    assert wells[0] < 0 < wells[-1]
    assert found == pytest.approx(vanishing, rel=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("cells", [2, 3])
def test_dynamics_stay_a_crystal(calculator: ExcitedState, cells: int) -> None:
    """10 ps at 300 K, all atoms excited: temperature, distances and forces stay those of a crystal."""
    atoms, rng = hot_crystal(cells), np.random.default_rng(1)
    start = atoms.get_positions()
    atoms.info["excitation"] = 1.0
    atoms.calc = calculator
    MaxwellBoltzmannDistribution(atoms, temperature_K=300, rng=rng)
    dynamics = Langevin(atoms, 2.0 * units.fs, temperature_K=300, friction=0.01 / units.fs, rng=rng)
    temperatures, largest, moved = [], 0.0, 0.0
    for step, _ in enumerate(dynamics.irun(5000)):
        if step % 25 == 0:
            temperatures.append(atoms.get_temperature())
            largest = max(largest, float(np.abs(atoms.get_forces()).max()))
            away = atoms.get_positions() - start
            moved = max(moved, float(np.abs(away - away.mean(axis=0)).max()))
    print(f"{len(atoms)} atoms: {np.mean(temperatures):.0f} K, largest force {largest:.1f} eV/A, moved {moved:.2f} A")
    assert 200 < np.mean(temperatures[40:]) < 400
    assert largest < 10.0 and moved < 1.2
