"""Runs side by side are the runs that go one by one; those that fail leave the others alone."""

from __future__ import annotations

import ase
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes

from mlmd.nnqmd.failure import Conditions, lifetime
from mlmd.nnqmd.side_by_side import lifetimes


class Wells(Calculator):
    """Atoms on springs to where they started; those beyond ``wall`` are thrown out, or refused by ``Side``."""

    implemented_properties = ("energy", "forces")

    def __init__(self, home: np.ndarray, wall: float) -> None:
        super().__init__()
        self.home, self.wall = home, wall

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:  # type: ignore[no-untyped-def]
        super().calculate(atoms, properties, system_changes)
        away = self.atoms.positions - self.home
        forces = -5.0 * away
        forces[np.linalg.norm(away, axis=1) > self.wall] = 1e3
        self.results = {"energy": 0.0, "forces": forces}


class Several(Wells):
    """The same, and copies in a row."""

    reasons: dict[int, str] = {}

    def together(self, structures: list[ase.Atoms]) -> Several:
        made = Several(np.concatenate([self.home] * len(structures)), self.wall)
        assert len(made.home) == sum(map(len, structures))
        return made


def test_company_does_not_matter() -> None:
    """Same times and reasons, of runs that fail at different times and of some that do not."""
    crystal = bulk("Cu", cubic=True).repeat(2)
    conditions = Conditions(temperature=600, step=2.0, longest=600, force=100.0)
    found = lifetimes(crystal, Several(crystal.positions, 0.36), conditions, range(8))
    alone = [lifetime(crystal, Wells(crystal.positions, 0.36), conditions, seed) for seed in range(8)]
    assert found == alone
    assert len({one.time for one in alone if one}) > 3
    assert 0 < sum(one.reason is None for one in alone if one) < 8


def test_a_refused_copy_fails_alone() -> None:
    """Copies that the model cannot take are named by their number in the row."""

    class Refusing(Several):
        def together(self, structures: list[ase.Atoms]) -> Refusing:
            made = Refusing(np.concatenate([self.home] * len(structures)), self.wall)
            made.reasons = {1: "two atoms at one place"} if len(structures) == 3 else {}
            return made

    crystal = bulk("Cu", cubic=True)
    found = lifetimes(crystal, Refusing(crystal.positions, 9.0), Conditions(300, longest=5.0), [7, 8, 9])
    assert found is not None
    assert [(one.seed, one.time, one.reason) for one in found] == [
        (7, 5.0, None),
        (8, 0.0, "two atoms at one place"),
        (9, 5.0, None),
    ]
    assert lifetimes(crystal, Refusing(crystal.positions, 9.0), Conditions(300), [7], stop=lambda: True) is None


def test_a_model_sees_each_copy_in_its_own_cell() -> None:
    """Forces of copies are those of each alone; one with atoms on top of one another has none, and says so."""
    pytest.importorskip("nequip", reason="nequip is not installed: pip install 'mlmd[nn]'")
    pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")
    from mlmd.nnqmd.calculator import NeuralNetwork
    from mlmd.nnqmd.shipped import shipped_model

    network = NeuralNetwork(shipped_model("pto_ground"))
    sites = [(0, 0, 0), (0.5, 0.5, 0.55), (0.5, 0.5, 0.1), (0.5, 0, 0.6), (0, 0.5, 0.6)]
    copies = []
    for seed, side in enumerate((3.9, 4.0, 3.8)):
        copies.append(ase.Atoms("PbTiO3", scaled_positions=sites, cell=[side, side, 4.1], pbc=True))
        copies[-1].rattle(0.05, seed=seed)
    broken = copies[1].copy()
    broken.positions[4] = broken.positions[3] + 0.01
    whole = ase.Atoms(pbc=True)
    for atoms in (copies[0], broken, copies[2]):
        whole += atoms
    whole.calc = network.together([copies[0], broken, copies[2]])
    forces = whole.get_forces()
    assert list(whole.calc.reasons) == [1] and "Angstrom apart" in whole.calc.reasons[1]
    energy = 0.0
    for k in (0, 2):
        copies[k].calc = network
        np.testing.assert_allclose(forces[5 * k : 5 * k + 5], copies[k].get_forces(), atol=2e-5)
        energy += copies[k].get_potential_energy()
    assert not forces[5:10].any()
    assert whole.get_potential_energy() == pytest.approx(energy, abs=1e-4)
