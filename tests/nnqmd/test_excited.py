"""Two networks mixed: exact at the ends, energy-consistent where the weight is constant, local where it is not."""

from __future__ import annotations

import ase
import numpy as np
import pytest

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from ase import units
from ase.md.verlet import VelocityVerlet

from mlmd.nnqmd.architecture import Architecture, Shape
from mlmd.nnqmd.calculator import NeuralNetwork, StructureError
from mlmd.nnqmd.excited import ExcitedState
from mlmd.nnqmd.model_file import Model

from .test_alignment import reference


def model(seed: int, **changes: object) -> Model:
    shape = Shape(cutoff=4.0, scalars=8, tensors=2, dtype="float64")
    architecture = Architecture(shape=shape, elements=("Cu", "Au"), neighbours=18.0, shifts={"Cu": -3.5}, seed=seed)
    architecture = architecture.model_copy(update=changes)
    return Model(architecture, architecture.build().eval())


@pytest.fixture(scope="module")
def networks() -> tuple[Model, Model]:
    return model(1), model(2)


@pytest.fixture
def crystal() -> ase.Atoms:
    return reference(1, seed=4)[0].copy()


def evaluate(atoms: ase.Atoms, calculator: NeuralNetwork) -> tuple[float, np.ndarray, np.ndarray]:
    atoms.calc = calculator
    return atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()


@pytest.mark.parametrize("w", [0, 1])
def test_the_ends_are_the_networks_to_the_last_bit(crystal: ase.Atoms, networks: tuple[Model, Model], w: int) -> None:
    alone = evaluate(crystal.copy(), NeuralNetwork(networks[w]))
    crystal.info["excitation"] = float(w)
    for mixed, pure in zip(evaluate(crystal, ExcitedState(*networks)), alone, strict=True):
        assert np.array_equal(mixed, pure)


def test_an_atom_of_the_ground_state_keeps_its_force_to_the_last_bit(
    crystal: ase.Atoms, networks: tuple[Model, Model]
) -> None:
    weights = np.zeros(len(crystal))
    weights[:3] = (0.2, 0.7, 1.0)
    ground, excited = (evaluate(crystal.copy(), NeuralNetwork(one))[1] for one in networks)
    crystal.set_array("excitation", weights)
    forces = evaluate(crystal, ExcitedState(*networks))[1]
    assert np.array_equal(forces[3:], ground[3:])
    np.testing.assert_allclose(forces[:3], (1 - weights[:3, None]) * ground[:3] + weights[:3, None] * excited[:3])


def test_energy_forces_and_stress_are_linear_in_a_constant_weight(
    crystal: ase.Atoms, networks: tuple[Model, Model]
) -> None:
    ends = [evaluate(crystal.copy(), NeuralNetwork(one)) for one in networks]
    crystal.info["excitation"] = 0.3
    for mixed, ground, excited in zip(evaluate(crystal, ExcitedState(*networks)), *ends, strict=True):
        np.testing.assert_allclose(mixed, 0.7 * ground + 0.3 * excited, rtol=1e-12, atol=1e-12)


def test_a_constant_weight_conserves_energy(crystal: ase.Atoms, networks: tuple[Model, Model]) -> None:
    crystal.info["excitation"] = 0.4
    crystal.calc = ExcitedState(*networks)
    crystal.set_momenta(
        np.random.default_rng(0).standard_normal((len(crystal), 3)) * np.sqrt(crystal.get_masses())[:, None] * 0.1
    )
    drifts = []
    for step in (1.0, 0.5):
        atoms = crystal.copy()
        atoms.calc = crystal.calc
        start, dynamics = atoms.get_total_energy(), VelocityVerlet(atoms, step * units.fs)
        energies = [atoms.get_total_energy() for _ in dynamics.irun(round(40 / step))]
        drifts.append(np.abs(np.array(energies) - start).max())
    assert drifts[1] == pytest.approx(drifts[0] / 4, rel=0.25)  # velocity Verlet: second order


def test_changed_weights_are_noticed(crystal: ase.Atoms, networks: tuple[Model, Model]) -> None:
    crystal.calc = ExcitedState(*networks)
    crystal.info["excitation"] = 0.0
    before = crystal.get_potential_energy()
    crystal.info["excitation"] = 0.5
    assert crystal.get_potential_energy() != before


def test_errors(crystal: ase.Atoms, networks: tuple[Model, Model]) -> None:
    crystal.calc = ExcitedState(*networks)
    with pytest.raises(StructureError, match="has no weights"):
        crystal.get_potential_energy()
    crystal.set_array("excitation", np.array([0.0, 1.5, *[0.0] * (len(crystal) - 2)]))
    with pytest.raises(StructureError, match=r"weight of atom 1 is 1\.5"):
        crystal.get_potential_energy()
    with pytest.raises(StructureError, match="do not fit together"):
        ExcitedState(networks[0], model(2, shape=Shape(cutoff=4.5, scalars=8, tensors=2, dtype="float64")))
