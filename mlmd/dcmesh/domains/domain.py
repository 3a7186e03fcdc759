"""The electrons of one domain: Kohn-Sham orbitals that are periodic on its box, in the potential of the whole cell."""

from __future__ import annotations

import numpy as np
from ase.units import Bohr
from numpy.typing import NDArray

from ..qxmd import eigensolver
from ..qxmd.cell import Ions
from ..qxmd.hamiltonian import Hamiltonian
from ..qxmd.projectors import Projectors
from .partition import Box

Array = NDArray[np.float64]


class Domain:
    """Orbitals and atoms of one box.

    Parameters
    ----------
    box
        Where it lies.
    cell
        Ions of the whole cell.
    bands
        How many orbitals.
    rng
        For the orbitals that it starts from.

    Attributes
    ----------
    atoms, atom_shares
        (natoms,) which atoms of the cell lie in the box, and p where they lie.
    values, shares
        (nb,) eigenvalues in Ha, and how much of each orbital lies in the core: the sum of p |psi|^2 dv.
    psi
        (nx, ny, nz, nb), real.
    """

    def __init__(self, box: Box, cell: Ions, bands: int, rng: np.random.Generator) -> None:
        self.box = box
        self.ions = ions_of(box, cell)
        self.atoms = np.flatnonzero(box.holds(cell.positions))
        self.atom_shares = box.shares(cell.positions)[self.atoms]
        self.hamiltonian = Hamiltonian(box.grid, self.ions.projectors)
        self.psi = eigensolver.random_orbitals(self.hamiltonian, bands, rng)
        self.values, self.shares = np.zeros(bands), np.zeros(bands)

    def solve(self, potential: Array, cycles: int) -> float:
        """Improve the orbitals in a potential (nx, ny, nz) of the whole cell, Ha; tells the largest residual, Ha."""
        self.hamiltonian.v_loc = potential[self.box.points]
        states = eigensolver.solve(self.hamiltonian, self.psi, cycles=cycles)
        self.values, self.psi = states.values, states.psi
        self.shares = self._in_core(self.psi, self.psi)
        return float(states.residuals.max())

    def density(self, f: Array) -> Array:
        """Density on the box of orbitals with occupations f (nb,)."""
        return np.asarray(self.psi**2 @ f)

    def energies(self, f: Array) -> dict[str, float]:
        """Kinetic and nonlocal energy in the core, Ha: of psi (T psi) and psi (v_nl psi), weighted with p."""
        h = self.hamiltonian
        return {
            "kinetic": float(f @ self._in_core(self.psi, h.kinetic(self.psi))),
            "nonlocal": float(f @ self._in_core(self.psi, h.nonlocal_part(self.psi))),
        }

    def nonlocal_forces(self, f: Array) -> Array:
        """Force of v_nl on `atoms`, each times its share: (natoms, 3), Ha/bohr."""
        total, near = np.zeros((len(self.atoms), 3)), np.flatnonzero(self.atom_shares)
        elements = [self.ions.elements[atom] for atom in near]
        projectors = Projectors(self.box.grid, elements, self.ions.positions[near], self.ions.pseudos)
        total[near] = self.atom_shares[near, None] * projectors.forces(self.psi, f, None)
        return total

    def _in_core(self, left: Array, right: Array) -> Array:
        weighted = np.einsum("xyz,xyzn,xyzn->n", self.box.support, left, right)
        return np.asarray(weighted * self.box.grid.dv)


def ions_of(box: Box, cell: Ions) -> Ions:
    """Ions of a cell that lie in a box, on the grid of the box."""
    inside = box.holds(cell.positions)
    atoms = cell.atoms[inside]
    atoms.set_cell(np.array(box.grid.lengths) * Bohr)
    atoms.set_positions(box.local(cell.positions)[inside] * Bohr)
    return Ions(atoms, box.grid, cell.pseudos)
