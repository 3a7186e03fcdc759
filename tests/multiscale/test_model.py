"""Shipped displacements are the minimum of the shipped model."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.multiscale.crystal import CRYSTALS, CUBIC, TETRAGONAL, SoftMode, superlattice
from mlmd.multiscale.textures import Texture

pytest.importorskip("torch", reason="needs mlmd[nn]")
pytest.importorskip("nequip", reason="needs mlmd[nn]")


@pytest.mark.parametrize(("lattice", "mode"), CRYSTALS.values())
def test_no_forces_are_left(lattice: tuple[float, float], mode: SoftMode) -> None:
    from mlmd.nnqmd.calculator import NeuralNetwork
    from mlmd.nnqmd.shipped import shipped_model

    crystal = superlattice(Texture(kind="uniform"), (1, 1, 1), lattice, mode=mode)
    crystal.calc = NeuralNetwork(shipped_model("pto_ground"))
    assert np.abs(crystal.get_forces()).max() < 0.005
    if lattice == TETRAGONAL:
        assert np.abs(crystal.get_stress()).max() < 2e-4  # 0.03 GPa
    away = superlattice(Texture(kind="uniform"), (1, 1, 1), lattice, mode=SoftMode(0, 0, 0, 0))
    away.calc = crystal.calc
    assert away.get_potential_energy() > crystal.get_potential_energy() + 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("lattice", "expected"), [(TETRAGONAL, 354), (CUBIC, -9), ((3.926, 4.0), 41)])
def test_how_much_polarisation_prefers_z(lattice: tuple[float, float], expected: float) -> None:
    """`pytest -m slow -s tests/multiscale/test_model.py` prints the energies in docs/textures.md."""
    from ase.optimize import BFGS

    from mlmd.nnqmd.calculator import NeuralNetwork
    from mlmd.nnqmd.shipped import shipped_model

    energies = []
    for direction in ((0, 0, 1), (1, 0, 0), (1, 1, 0)):
        texture = Texture(kind="uniform", direction=direction)
        crystal = superlattice(texture, (1, 1, 1), lattice, mode=CRYSTALS["cubic"][1])
        crystal.calc = NeuralNetwork(shipped_model("pto_ground"))
        BFGS(crystal, logfile=None).run(fmax=2e-3, steps=60)
        energies.append(1e3 * crystal.get_potential_energy())
    found = min(energies[1:]) - energies[0]
    print(f"\n{lattice[0]} x {lattice[1]} Å: E(in plane) - E(along z) = {found:.0f} meV")
    assert found == pytest.approx(expected, abs=2)
