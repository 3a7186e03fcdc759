"""The model of PbTiO3 that comes with the package, against the potential that made its data.

Reference figures: the Deep Potential of Xie, Chen, E and Car on SCAN (arXiv:2410.06414), relaxed: cubic 3.9257
Angstrom, tetragonal 3.858 x 4.304, well 190.6 meV in a formula unit.
Command: ``pytest -m slow -s tests/validation/test_pto_model.py``
"""

from __future__ import annotations

from pathlib import Path

import ase
import numpy as np
import pytest

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from ase import units
from ase.filters import FrechetCellFilter
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from ase.phonons import Phonons

from mlmd.nnqmd.calculator import NeuralNetwork
from mlmd.nnqmd.dataset import read_frames
from mlmd.nnqmd.evaluation import errors, predict
from mlmd.nnqmd.shipped import shipped_model

DATA = Path(__file__).parents[3] / "shared" / "data" / "pto_dp_md_360x40.extxyz"
CUBIC, TETRAGONAL, WELL = 3.9257, (3.858, 4.304), 0.1906


@pytest.fixture(scope="module")
def calculator() -> NeuralNetwork:
    return NeuralNetwork(shipped_model("pto_ground"))


def perovskite(a: float, c: float, shifts: tuple[float, float, float]) -> ase.Atoms:
    """Pb at the corner; Ti, the O above it and the other two O shifted along c, in Angstrom."""
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0, 0.5, 0.5), (0.5, 0, 0.5)]
    atoms = ase.Atoms("PbTiO3", scaled_positions=places, cell=[a, a, c], pbc=True)
    titanium, apical, planar = shifts
    atoms.positions[:, 2] += (0.0, titanium, apical, planar, planar)
    return atoms


def relaxed(atoms: ase.Atoms, calculator: NeuralNetwork) -> ase.Atoms:
    atoms.calc = calculator
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=2e-3, steps=300)
    return atoms


@pytest.fixture(scope="module")
def tetragonal(calculator: NeuralNetwork) -> ase.Atoms:
    return relaxed(perovskite(3.86, 4.30, (0.2, 0.5, 0.5)), calculator)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the data of PbTiO3 are not here")
def test_errors_on_structures_that_were_held_back(calculator: NeuralNetwork) -> None:
    from mlmd.io.input import parse
    from mlmd.nnqmd.recipe import Recipe
    from mlmd.nnqmd.training import split

    recipe = parse(Recipe, shipped_model("pto_ground").record["recipe"], DATA)
    held = split(read_frames(DATA), recipe, DATA)["test"]
    found = errors(list(predict(held, calculator)))
    print(found)
    assert found.forces_mae is not None and found.forces_mae <= 40.0
    assert found.energy_mae <= 3.0


@pytest.mark.slow
def test_cells_and_depth_of_the_well(calculator: NeuralNetwork, tetragonal: ase.Atoms) -> None:
    cubic = relaxed(perovskite(3.92, 3.92, (0.0, 0.0, 0.0)), calculator)
    a, _, c = tetragonal.cell.lengths()
    well = cubic.get_potential_energy() - tetragonal.get_potential_energy()
    print(
        f"cubic {cubic.cell.lengths()[0]:.4f}, tetragonal {a:.4f} x {c:.4f}, c/a {c / a:.4f}, well {1e3 * well:.1f} meV"
    )
    assert cubic.cell.lengths() == pytest.approx([CUBIC] * 3, rel=0.01)
    assert c / a == pytest.approx(TETRAGONAL[1] / TETRAGONAL[0], rel=0.05)
    assert well == pytest.approx(WELL, rel=0.05)


@pytest.mark.slow
def test_the_tetragonal_cell_is_stable(
    calculator: NeuralNetwork, tetragonal: ase.Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No phonon of a 2 x 2 x 2 supercell has an imaginary frequency."""
    monkeypatch.chdir(tmp_path)
    phonons = Phonons(tetragonal, calculator, supercell=(2, 2, 2), delta=0.01)
    phonons.run()
    phonons.read(acoustic=True)
    points = [(x, y, z) for x in (0, 0.5) for y in (0, 0.5) for z in (0, 0.5)]
    energies = 1e3 * np.array([phonons.band_structure([point], verbose=False)[0] for point in points])
    print("lowest optical phonons (meV):", np.sort(energies, axis=1)[:, :4].round(2).tolist())
    assert energies.min() > -0.5  # the three acoustic modes at rest, to numerical noise
    assert np.sort(energies.ravel())[3] > 1.0


@pytest.mark.slow
def test_energy_is_conserved(calculator: NeuralNetwork, tetragonal: ase.Atoms) -> None:
    """20 ps of 40 atoms at 300 K: the drift of the total energy, by a straight line."""
    atoms = tetragonal.repeat(2)
    atoms.calc = calculator
    MaxwellBoltzmannDistribution(atoms, temperature_K=600, rng=np.random.default_rng(0))
    times, energies = [], []
    dynamics = VelocityVerlet(atoms, 1.0 * units.fs)
    for step, _ in enumerate(dynamics.irun(20_000)):
        if step % 20 == 0:
            times.append(1e-3 * step)
            energies.append(atoms.get_total_energy() / len(atoms))
    drift = np.polyfit(times, energies, 1)[0]
    print(f"drift {drift:.2e} eV/atom/ps at {atoms.get_temperature():.0f} K")
    assert abs(drift) <= 1e-5
