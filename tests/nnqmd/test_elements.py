"""One model for the elements from hydrogen to actinium."""

from __future__ import annotations

from pathlib import Path

import ase
import numpy as np
import pytest
from ase.data import chemical_symbols

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from mlmd.nnqmd.architecture import Architecture, Shape
from mlmd.nnqmd.calculator import NeuralNetwork
from mlmd.nnqmd.model_file import Model, load_model, save_model

ELEMENTS = tuple(chemical_symbols[1:90])


@pytest.fixture(scope="module")
def calculator(tmp_path_factory: pytest.TempPathFactory) -> NeuralNetwork:
    shape = Shape(cutoff=4.0, scalars=8, tensors=2, dtype="float64")
    architecture = Architecture(shape=shape, elements=ELEMENTS, neighbours=10.0)
    path: Path = tmp_path_factory.mktemp("model") / "all.safetensors"
    save_model(path, Model(architecture, architecture.build()))
    return NeuralNetwork(load_model(path))


def mixture(symbols: tuple[str, ...]) -> ase.Atoms:
    places = 2.2 * np.stack(np.meshgrid(*[range(5)] * 3), axis=-1).reshape(-1, 3)[: len(symbols)]
    atoms = ase.Atoms(symbols, places, cell=[11.0] * 3, pbc=True)
    atoms.rattle(0.1, seed=1)
    return atoms


def test_it_evaluates_all_of_them(calculator: NeuralNetwork) -> None:
    assert len(ELEMENTS) == 89
    atoms = mixture(ELEMENTS)
    atoms.calc = calculator
    forces, step = atoms.get_forces(), 1e-4
    energies = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[88] += [0, 0, sign * step]
        moved.calc = calculator
        energies.append(moved.get_potential_energy())
    assert forces[88, 2] == pytest.approx(-(energies[0] - energies[1]) / (2 * step), rel=1e-5, abs=1e-9)
    assert np.abs(forces.sum(axis=0)).max() < 1e-9


def test_it_tells_each_from_the_others(calculator: NeuralNetwork) -> None:
    energies = []
    for symbol in ELEMENTS:
        atoms = mixture(("O", symbol, "Ti"))
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
    assert len(np.unique(np.round(energies, 9))) == 89
