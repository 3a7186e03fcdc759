"""Ground state: forces, invariances, k-points, occupations, bad input, storage, ASE."""

from __future__ import annotations

from pathlib import Path

import ase
import h5py
import numpy as np
import pytest
from ase.units import Bohr, Hartree

from mlmd.dcmesh.errors import ConvergenceError, GridError, OccupationError, PseudopotentialError
from mlmd.dcmesh.qxmd import QXMD, GroundState, ground_state
from mlmd.dcmesh.qxmd.ewald import ewald
from mlmd.dcmesh.qxmd.kpoints import monkhorst_pack

from .conftest import hydrogen

STEP = 5e-4  # bohr


def carbon_monoxide() -> ase.Atoms:
    positions = np.array([[3.0, 3.1, 2.6], [3.2, 3.0, 4.7]]) * Bohr
    return ase.Atoms("CO", positions, cell=np.array([6.0, 6.0, 7.0]) * Bohr, pbc=True)


def numerical_force(atoms: ase.Atoms, atom: int, axis: int, **options) -> float:
    energies = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[atom, axis] += sign * STEP * Bohr
        energies.append(ground_state(moved, **options).energy["total"])
    return -(energies[0] - energies[1]) / (2 * STEP)


@pytest.mark.parametrize(
    ("options", "axis"),
    [
        ({"xc": "lda"}, 2),
        ({"xc": "pbe"}, 0),
        ({"xc": "lda", "kpts": (1, 1, 2), "kpt_shift": (0, 0, 0.5)}, 2),
        ({"xc": "lda", "smearing": 0.02}, 0),
    ],
)
def test_forces_are_minus_the_gradient(options: dict, axis: int) -> None:
    options = {"shape": (16, 16, 18), "extra_bands": 3, "tol": 1e-9, **options}
    atoms = carbon_monoxide()
    force = ground_state(atoms, **options).forces()[1, axis]
    assert force == pytest.approx(numerical_force(atoms, 1, axis, **options), abs=1e-4)


def test_energy_is_the_sum_of_its_terms_and_of_the_bands(h2_state: GroundState) -> None:
    e = h2_state.energy
    assert e["total"] == pytest.approx(sum(v for k, v in e.items() if k != "total"), abs=1e-12)
    n, dv = h2_state.density, h2_state.grid.dv
    assert n.sum() * dv == pytest.approx(2.0, abs=1e-12)
    bands = float(np.sum(h2_state.occupations * h2_state.eigenvalues))
    assert e["kinetic"] + e["nonlocal"] + float(np.sum(h2_state.v_loc * n) * dv) == pytest.approx(bands, abs=1e-9)


def test_orbitals_are_orthonormal_eigenstates(h2_state: GroundState) -> None:
    h, psi, dv = h2_state.hamiltonian(0), h2_state.psi[0], h2_state.grid.dv
    flat = psi.reshape(h2_state.grid.size, -1)
    np.testing.assert_allclose(flat.T @ flat * dv, np.eye(flat.shape[1]), atol=1e-10)
    residual = (h.apply(psi) - psi * h2_state.eigenvalues[0]).reshape(flat.shape)
    assert np.sqrt(np.sum(residual**2, axis=0) * dv).max() < 2e-5


def egg_box(points: int) -> float:
    """Change of the energy of H2 when it moves by 0.11 bohr against the grid, Ha."""
    states = [ground_state(hydrogen(s), (points,) * 3, extra_bands=1) for s in (0.0, 0.11)]
    return abs(states[0].energy["total"] - states[1].energy["total"])


def test_egg_box_effect_vanishes_quickly_with_the_spacing() -> None:
    assert egg_box(28) < 0.1 * egg_box(20)


def test_doubled_cell_equals_two_k_points() -> None:
    """Gamma and the zone face of H2 in a 5-bohr box are Gamma of the doubled box.

    Up to the Nyquist plane, which only the doubled grid has at the zone face.
    """
    single = ase.Atoms("H2", np.array([[2.5, 2.5, 1.8], [2.5, 2.5, 3.2]]) * Bohr, cell=[5 * Bohr] * 3, pbc=True)
    two_k = ground_state(single, (18, 18, 18), extra_bands=1, kpts=(1, 1, 2), tol=1e-9)
    doubled = ground_state(single.repeat((1, 1, 2)), (18, 18, 36), extra_bands=2, tol=1e-9)
    assert two_k.energy["total"] * 2 == pytest.approx(doubled.energy["total"], abs=5e-6)


def test_ewald_force_is_minus_the_gradient() -> None:
    charges, edges = np.array([4.0, 12.0, 6.0]), (5.0, 6.0, 7.0)
    r = np.array([[0.1, 0.2, 0.3], [2.4, 2.9, 3.1], [4.0, 1.0, 5.0]])
    step = np.zeros_like(r)
    step[1, 2] = 1e-5
    numerical = -(ewald(charges, r + step, edges)[0] - ewald(charges, r - step, edges)[0]) / 2e-5
    assert ewald(charges, r, edges)[1][1, 2] == pytest.approx(numerical, rel=1e-7)


@pytest.mark.parametrize(
    ("divisions", "shift", "count"),
    [((2, 2, 2), (0, 0, 0), 8), ((3, 3, 3), (0, 0, 0), 14), ((4, 4, 4), (0.5, 0.5, 0.5), 32)],
)
def test_monkhorst_pack(divisions: tuple, shift: tuple, count: int) -> None:
    k, w = monkhorst_pack(divisions, shift)
    assert len(k) == count
    assert w.sum() == pytest.approx(1.0)
    full = {tuple(np.round(np.mod(s * x, 1.0), 9) % 1.0) for x in k for s in (1, -1)}
    assert len(full) == np.prod(divisions)


def test_smearing_takes_an_odd_electron() -> None:
    atom = ase.Atoms("H", [[2, 2, 2]], cell=[4, 4, 4], pbc=True)
    with pytest.raises(OccupationError, match=r"odd number.*smearing"):
        ground_state(atom, (20, 20, 20))
    gs = ground_state(atom, (20, 20, 20), smearing=0.01)
    assert float(gs.occupations.sum()) == pytest.approx(1.0, abs=1e-9)


def test_bad_input_is_refused_before_work() -> None:
    with pytest.raises(PseudopotentialError, match="element Xe"):
        ground_state(ase.Atoms("Xe", cell=[4, 4, 4], pbc=True), (20, 20, 20))
    with pytest.raises(GridError, match=r"too coarse.*at least \(15, 15, 15\)"):
        ground_state(hydrogen(), (8, 8, 8))
    with pytest.raises(GridError, match="not orthorhombic"):
        skewed = ase.Atoms("H2", [[0, 0, 0], [0, 0, 1]], cell=[[4, 1, 0], [0, 4, 0], [0, 0, 4]], pbc=True)
        ground_state(skewed, (20, 20, 20))
    with pytest.raises(GridError, match="no atoms"):
        ground_state(ase.Atoms(cell=[4, 4, 4], pbc=True), (20, 20, 20))


def test_missing_convergence_is_an_error() -> None:
    with pytest.raises(ConvergenceError, match="after 2 iterations"):
        ground_state(hydrogen(), (20, 20, 20), max_iter=2)


def test_a_saved_state_comes_back(h2_state: GroundState, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "gs.h5", "w") as file:
        h2_state.save(file.create_group("ground_state"))
    with h5py.File(tmp_path / "gs.h5") as file:
        assert file["ground_state/density"].attrs["unit"] == "bohr^-3"
        again = GroundState.load(file["ground_state"])
    for name in ("eigenvalues", "occupations", "density", "v_loc"):
        np.testing.assert_array_equal(getattr(again, name), getattr(h2_state, name))
    np.testing.assert_array_equal(again.psi[0], h2_state.psi[0])
    np.testing.assert_array_equal(again.forces(), h2_state.forces())
    assert again.energy == h2_state.energy


def test_ase_calculator_units_and_restart(h2_state: GroundState) -> None:
    atoms = hydrogen()
    atoms.calc = QXMD(shape=(20, 20, 20), extra_bands=3)
    assert atoms.get_potential_energy() == pytest.approx(h2_state.energy["total"] * Hartree, abs=1e-6)
    np.testing.assert_allclose(atoms.get_forces(), h2_state.forces() * Hartree / Bohr, atol=1e-4)
    first = atoms.calc.ground_state.iterations
    atoms.positions[0, 2] += 0.01
    atoms.get_potential_energy()
    assert atoms.calc.ground_state.iterations < first


def lifted_h2(excited: float, z: float = 0.0) -> GroundState:
    atoms = ase.Atoms("H2", [[1.9, 2, 1.55], [2, 2, 2.4 + z]], cell=[4, 4, 4], pbc=True)
    return ground_state(atoms, (20, 20, 20), extra_bands=4, smearing=0.01, excited=excited, tol=1e-9)


def test_lifted_electrons_and_holes_have_a_level_each() -> None:
    """dF/dn = mu_e - mu_h (Janak's theorem for two baths), with the levels as the occupations tell them."""
    step, n = 0.02, 0.4
    below, state, above = (lifted_h2(n + d) for d in (-step, 0.0, step))
    f, values = state.occupations[0] / 2, state.eigenvalues[0]
    assert 2 * f[:1].sum() == pytest.approx(2 - n, abs=1e-10)
    assert 2 * f[1:].sum() == pytest.approx(n, abs=1e-10)
    levels = values + state.smearing * np.log(f / (1 - f))
    np.testing.assert_allclose(levels[1:], levels[1], atol=1e-8)
    assert levels[0] == pytest.approx(state.fermi_level, abs=1e-8)
    slope = (above.energy["total"] - below.energy["total"]) / (2 * step)
    assert slope == pytest.approx(levels[1] - levels[0], rel=2e-3)


def test_forces_with_lifted_electrons_are_minus_the_gradient() -> None:
    d = 0.004
    energies = [lifted_h2(0.4, sign * d).energy["total"] for sign in (1, -1)]
    gradient = (energies[0] - energies[1]) / (2 * d / 0.529177210903)
    assert lifted_h2(0.4).forces()[1, 2] == pytest.approx(-gradient, abs=2e-4)


def test_electrons_that_cannot_be_lifted_are_refused() -> None:
    atoms = ase.Atoms("H2", [[2, 2, 1.6], [2, 2, 2.4]], cell=[4, 4, 4], pbc=True)
    for excited, smearing, words in ((0.5, 0.0, "need a smearing width"), (3.0, 0.01, "3 of 2 electrons")):
        with pytest.raises(OccupationError, match=words):
            ground_state(atoms, (20, 20, 20), extra_bands=1, excited=excited, smearing=smearing)
