"""Rigid ions of SrTiO3: the published crystal, Coulomb forces that end against Ewald's, exact gradients."""

from __future__ import annotations

import ase
import numpy as np
import pytest
from ase.units import Bohr, GPa, Hartree
from scipy.optimize import minimize_scalar

from mlmd.dcmesh.qxmd.ewald import ewald
from mlmd.nnqmd.md.calculator import BlockCalculator
from mlmd.nnqmd.md.embedding import perovskite
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.potential import Edges
from mlmd.nnqmd.md.rigid_ions import STRONTIUM_TITANATE, Ions, RigidIons

ELEMENTS = ("O", "Ti", "Sr")
CHARGED = Ions(STRONTIUM_TITANATE.charges, {})  # no repulsion


def calculator(ions: Ions = STRONTIUM_TITANATE, **options: object) -> BlockCalculator:
    return BlockCalculator(lambda: Forces([RigidIons(ions, ELEMENTS, **options)]), ELEMENTS)  # type: ignore[arg-type]


def energy(atoms: ase.Atoms, calculator: BlockCalculator) -> float:
    atoms.calc = calculator
    return atoms.get_potential_energy()


def lattice_constant(calculator: BlockCalculator) -> float:
    found = minimize_scalar(lambda a: energy(perovskite("SrTiO3", a), calculator), bounds=(3.7, 4.1), method="bounded")
    return float(found.x)


def elastic(a: float, calculator: BlockCalculator) -> np.ndarray:
    """C11, C12, C44 in GPa; the sublattices of the cubic crystal stay where they are under strain."""

    def stress(strain: np.ndarray) -> np.ndarray:
        atoms = perovskite("SrTiO3", a)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        atoms.calc = calculator
        return atoms.get_stress(voigt=False) / GPa

    d = 1e-3
    stretched = (stress(np.diag([d, 0, 0])) - stress(np.diag([-d, 0, 0]))) / (2 * d)
    shear = np.zeros((3, 3))
    shear[0, 1] = shear[1, 0] = d / 2
    return np.array([stretched[0, 0], stretched[1, 1], ((stress(shear) - stress(-shear)) / (2 * d))[0, 1]])


def test_the_potential_is_the_published_one() -> None:
    """With Coulomb forces that reach far: the lattice constant that it was fitted to, 3.905 A, to all digits."""
    assert lattice_constant(calculator(cutoff=20.0)) == pytest.approx(3.905, abs=2e-4)


def test_lattice_constant_and_elastic_constants_at_the_default_cutoff() -> None:
    """Experiment at room temperature: 3.905 A; 317, 102.5, 123.5 GPa (Bell and Rupprecht 1963)."""
    short, far = calculator(), calculator(cutoff=20.0)
    a = lattice_constant(short)
    assert a == pytest.approx(3.905, abs=2e-3)
    constants = elastic(a, short)
    np.testing.assert_allclose(constants, elastic(3.905, far), rtol=0.05)
    np.testing.assert_allclose(constants, [317, 102.5, 123.5], rtol=0.2)
    print(f"a {a:.4f} A, C11 C12 C44 {constants.round(1)} GPa; cutoff 20 A: {elastic(3.905, far).round(1)} GPa")


def test_coulomb_forces_that_end_against_ewald() -> None:
    """The Madelung energy of the crystal, and forces between neighbours displaced by 0.08 A."""
    cell, a = perovskite("SrTiO3", 3.905), 3.905
    charges = np.array([CHARGED.charges[symbol] for symbol in cell.get_chemical_symbols()])
    madelung = ewald(charges, cell.positions / Bohr, (a / Bohr,) * 3)[0] * Hartree
    errors = [abs(energy(cell.copy(), calculator(CHARGED, cutoff=cutoff)) - madelung) for cutoff in (10.0, 14.0, 30.0)]
    print(f"Madelung energy {madelung:.3f} eV, errors at cutoffs of 10, 14, 30 A: {np.round(errors, 4)}")
    assert errors[0] < 0.14
    assert errors[2] < 2e-3
    atoms = cell.repeat(3)
    atoms.positions += 0.08 * np.random.default_rng(0).standard_normal((len(atoms), 3))
    _, forces = ewald(np.tile(charges, 27), atoms.positions / Bohr, (3 * a / Bohr,) * 3)
    forces = forces * Hartree / Bohr
    atoms.calc = calculator(CHARGED)
    error = (atoms.get_forces() - forces).std() / forces.std()
    print(f"Coulomb forces: {error:.1%} of their root mean square")
    assert error < 0.09


def test_the_cubic_crystal_is_stable() -> None:
    """No phonon at the points that a 2 x 2 x 2 supercell holds is unstable."""
    atoms = perovskite("SrTiO3", 3.905).repeat(2)
    masses = atoms.get_masses()
    atoms.calc = calculator()
    rows = []
    for place in range(3 * len(atoms)):
        forces = []
        for step in (0.01, -0.01):
            moved = atoms.copy()
            moved.calc = atoms.calc
            moved.positions[divmod(place, 3)] += step
            forces.append(moved.get_forces().ravel())
        rows.append((forces[1] - forces[0]) / 0.02)
    weighted = np.array(rows) / np.sqrt(np.outer(np.repeat(masses, 3), np.repeat(masses, 3)))
    squares = np.linalg.eigvalsh((weighted + weighted.T) / 2)
    frequencies = 521.47 * np.sqrt(np.abs(squares)) * np.sign(squares)  # 1/cm
    print(f"lowest phonons {frequencies[:6].round(1)} 1/cm")
    assert np.abs(frequencies[:3]).max() < 1.0  # translations
    assert frequencies[3] > 100


def test_energies_end_smoothly_and_gradients_are_theirs() -> None:
    potential = RigidIons(STRONTIUM_TITANATE, ELEMENTS, fractions={("Ti", "O"): 0.3})
    for one, other in ((0, 0), (1, 0), (0, 1), (2, 0), (1, 2)):

        def pair(r: float, one: int = one, other: int = other) -> tuple[float, float]:
            edges = Edges(np.array([one]), np.zeros(1, np.int64), np.array([other]), np.array([[0.6 * r, 0, 0.8 * r]]))
            energies, gradients = potential(edges)
            return float(energies[0]), float(gradients[0] @ [0.6, 0, 0.8])

        for r in (1.7, 2.4, 4.0, 9.0):
            slope = (pair(r + 1e-5)[0] - pair(r - 1e-5)[0]) / 2e-5
            assert pair(r)[1] == pytest.approx(slope, abs=1e-7)
        lonely = potential(Edges(np.array([one]), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 3))))[0]
        assert pair(9.9999)[0] == pytest.approx(float(lonely[0]), abs=1e-8)
        assert pair(9.9999)[1] == pytest.approx(0, abs=1e-4)


def test_how_energies_are_divided_does_not_matter_to_a_whole_crystal() -> None:
    atoms = perovskite("SrTiO3", 3.905).repeat(2)
    atoms.rattle(0.1, seed=1)
    found = []
    for fractions in ({}, {("O", "Ti"): 0.2, ("Sr", "Ti"): 0.9}):
        atoms.calc = calculator(fractions=fractions)
        found.append((atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)
