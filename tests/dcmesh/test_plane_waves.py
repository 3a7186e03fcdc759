"""Orbitals of plane waves up to a cutoff: an exact change of basis, and energies that do not feel the grid."""

from __future__ import annotations

from pathlib import Path

import ase
import h5py
import numpy as np
import pytest
from ase.units import Hartree

from mlmd.dcmesh.errors import GridError
from mlmd.dcmesh.grid import Grid
from mlmd.dcmesh.qxmd import QXMD, GroundState, ground_state
from mlmd.dcmesh.qxmd.plane_waves import PlaneWaves

from .conftest import hydrogen

GRID = Grid((8, 9, 10), (4.0, 4.5, 5.0))
OFFSETS = (None, np.array([0.2, -0.1, 0.3]))


def two_thirds(points: int, edge: float) -> float:
    """Cutoff in Ha at 2/3 of the largest wave number of a grid."""
    return 2 / 9 * (np.pi * points / edge) ** 2


@pytest.mark.parametrize("offset", OFFSETS)
def test_orbitals_come_back_and_scalar_products_are_kept(offset: np.ndarray | None) -> None:
    rng = np.random.default_rng(0)
    psi = rng.standard_normal((*GRID.shape, 3)) + (0 if offset is None else 1j) * rng.standard_normal((*GRID.shape, 3))
    waves = PlaneWaves(GRID, offset)
    c, flat = waves.coefficients(psi), psi.reshape(-1, 3)
    np.testing.assert_allclose(waves.orbitals(c), psi, atol=1e-13)
    np.testing.assert_allclose(c.conj().T @ c, flat.conj().T @ flat * GRID.dv, atol=1e-12)


@pytest.mark.parametrize("offset", OFFSETS)
def test_what_is_above_the_cutoff_is_left_out(offset: np.ndarray | None) -> None:
    waves = PlaneWaves(GRID, offset, 2.0)
    assert waves.kinetic.max() <= 2.0 and len(waves.kinetic) < len(PlaneWaves(GRID, offset).kinetic) / 2
    c = np.eye(len(waves.kinetic))[:, :4]
    c = c if offset is None else c.astype(complex)
    np.testing.assert_allclose(
        waves.coefficients(waves.orbitals(waves.coefficients(waves.orbitals(c)))),
        waves.coefficients(waves.orbitals(c)),
        atol=1e-13,
    )  # a projection


def moved_energy(shift: float, cutoff: float | None) -> float:
    return ground_state(hydrogen(shift), (20, 20, 20), extra_bands=1, cutoff=cutoff).energy["total"]


def test_the_egg_box_effect_is_gone() -> None:
    edge = hydrogen().cell.lengths().max() / 0.529177210903
    plain, cut = (abs(moved_energy(0.0, c) - moved_energy(0.11, c)) for c in (None, two_thirds(20, edge)))
    assert cut < 0.05 * plain


@pytest.mark.parametrize("options", [{}, {"kpts": (1, 1, 2), "kpt_shift": (0, 0, 0.25), "smearing": 0.02}])
def test_forces_are_minus_the_gradient(options: dict) -> None:
    step = 1e-3
    options = {"shape": (20, 20, 20), "extra_bands": 2, "tol": 1e-9, "cutoff": 14.0, **options}

    def state(z: float) -> GroundState:
        atoms = ase.Atoms("H2", [[1.9, 2, 1.55], [2, 2, 2.4 + z]], cell=[4, 4, 4], pbc=True)
        return ground_state(atoms, **options)

    gradient = (state(step).energy["total"] - state(-step).energy["total"]) / (2 * step / 0.529177210903)
    assert state(0.0).forces()[1, 2] == pytest.approx(-gradient, abs=1e-4)


def test_energies_on_the_way_are_those_of_the_terms() -> None:
    gs = ground_state(hydrogen(), (20, 20, 20), extra_bands=1, tol=1e-9, cutoff=14.0)
    assert gs.history[-1][0] == pytest.approx(gs.energy["total"], abs=1e-8)


def test_a_saved_state_keeps_its_cutoff(tmp_path: Path) -> None:
    gs = ground_state(hydrogen(), (16, 16, 16), extra_bands=1, tol=1e-5, cutoff=9.0)
    with h5py.File(tmp_path / "gs.h5", "w") as file:
        gs.save(file.create_group("ground_state"))
        again = GroundState.load(file["ground_state"])
    assert again.cutoff == 9.0 and len(again.hamiltonian(0).waves.kinetic) == len(gs.hamiltonian(0).waves.kinetic)


def test_too_low_a_cutoff_is_refused() -> None:
    with pytest.raises(GridError, match=r"bands do not fit into \d+ plane waves: .* raise the cutoff"):
        ground_state(hydrogen(), (20, 20, 20), extra_bands=10, cutoff=0.5)


def test_the_calculator_starts_from_another_cell() -> None:
    """A strained cell of the same atoms: the same energy as from nothing, in fewer steps."""
    calculator = QXMD((20, 20, 20), extra_bands=2, tol=1e-7, cutoff=14 * Hartree)
    atoms = hydrogen()
    atoms.calc = calculator
    atoms.get_potential_energy()
    atoms.set_cell(atoms.cell.array * [1.0, 1.0, 1.03], scale_atoms=True)
    found = atoms.get_potential_energy()
    steps = calculator.ground_state.iterations
    atoms.calc = QXMD((20, 20, 20), extra_bands=2, tol=1e-7, cutoff=14 * Hartree)
    assert found == pytest.approx(atoms.get_potential_energy(), abs=1e-4)
    assert steps < atoms.calc.ground_state.iterations
