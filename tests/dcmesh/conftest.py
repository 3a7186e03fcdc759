"""Small systems shared by the tests of the electron problem."""

from __future__ import annotations

import ase
import numpy as np
import pytest
from ase.units import Bohr

from mlmd.dcmesh.qxmd import GroundState, ground_state


def hydrogen(shift: float = 0.0) -> ase.Atoms:
    """H2 in an 6-bohr box."""
    middle = np.array([3.0, 3.1, 3.0 + shift])
    half = np.array([0.1, 0.0, 0.72])
    return ase.Atoms("H2", np.array([middle - half, middle + half]) * Bohr, cell=np.full(3, 6.0) * Bohr, pbc=True)


def lead_titanate() -> ase.Atoms:
    """Tetragonal PbTiO3, the cell of the reference calculations (7.38 x 7.38 x 7.85 bohr)."""
    fractional = [[0, 0, 0], [0.5, 0.5, 0.5377], [0.5, 0.5, 0.1118], [0.5, 0, 0.6174], [0, 0.5, 0.6174]]
    cell = np.array([7.38, 7.38, 7.85]) * Bohr
    return ase.Atoms("PbTiO3", scaled_positions=fractional, cell=cell, pbc=True)


def silicon() -> ase.Atoms:
    """Eight-atom diamond cell of silicon, a = 10.26 bohr."""
    fcc = np.array([[0, 0, 0], [0.5, 0, 0.5], [0, 0.5, 0.5], [0.5, 0.5, 0]])
    return ase.Atoms(
        "Si8", scaled_positions=np.concatenate([fcc, fcc + 0.25]), cell=[10.26 * Bohr] * 3, pbc=True
    )


@pytest.fixture(scope="session")
def h2_state() -> GroundState:
    """Ground state of H2 on a 20^3 grid with three empty bands."""
    return ground_state(hydrogen(), (20, 20, 20), extra_bands=3)
