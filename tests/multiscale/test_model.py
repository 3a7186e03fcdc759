"""Shipped displacements are the minimum of the shipped model."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.multiscale.crystal import CUBIC_MODE, TETRAGONAL, SoftMode, superlattice
from mlmd.multiscale.textures import Texture

pytest.importorskip("torch", reason="needs mlmd[nn]")
pytest.importorskip("nequip", reason="needs mlmd[nn]")


@pytest.mark.parametrize(("lattice", "mode"), [(TETRAGONAL, SoftMode()), ((3.926, 3.926), CUBIC_MODE)])
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
