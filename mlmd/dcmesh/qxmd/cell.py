"""The ions of one cell: structure, pseudopotentials and the fields that they make on the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr
from numpy.typing import NDArray

from .. import fourier
from ..errors import GridError
from ..grid import Grid
from .ewald import ewald
from .projectors import Projectors, structure_phase
from .pseudopotential import Pseudopotential, select

if TYPE_CHECKING:
    import ase

Array = NDArray[np.float64]
COARSEST = 2.0  # largest spacing in units of the smallest Gaussian radius of a pseudopotential


@dataclass(frozen=True)
class Ions:
    """Atoms on a grid, with their pseudopotentials."""

    atoms: ase.Atoms
    grid: Grid
    pseudos: dict[str, Pseudopotential]

    @property
    def elements(self) -> list[str]:
        """Chemical symbols."""
        return list(self.atoms.get_chemical_symbols())

    @cached_property
    def positions(self) -> Array:
        """(natoms, 3) in bohr."""
        return np.asarray(self.atoms.get_positions() / Bohr)

    @cached_property
    def charges(self) -> Array:
        """(natoms,) ionic charges."""
        return np.array([self.pseudos[e].charge for e in self.elements], dtype=float)

    def moved(self, positions: Array) -> Ions:
        """The same atoms elsewhere; positions (natoms, 3) in Angstrom, as in `atoms`."""
        atoms = self.atoms.copy()
        atoms.set_positions(positions)
        return replace(self, atoms=atoms)

    @property
    def electrons(self) -> int:
        """Valence electrons."""
        return round(float(self.charges.sum()))

    @cached_property
    def projectors(self) -> Projectors:
        """Nonlocal pseudopotential."""
        return Projectors(self.grid, self.elements, self.positions, self.pseudos)

    @cached_property
    def ion_ion(self) -> tuple[float, Array]:
        """Ewald energy and forces."""
        return ewald(self.charges, self.positions, self.grid.lengths)

    @cached_property
    def v_ion(self) -> Array:
        """Local ionic potential on the grid, Ha."""
        g2 = self.grid.g_squared(half=True)
        forms = {element: p.local(g2) for element, p in self.pseudos.items()}
        spectrum = sum(
            forms[e] * structure_phase(self.grid, r, half=True)
            for e, r in zip(self.elements, self.positions, strict=True)
        )
        return fourier.backward(np.asarray(spectrum) / self.grid.dv, self.grid.shape, real=True)

    def local_forces(self, density: Array) -> Array:
        """Force of the local potential on each atom, Ha/bohr."""
        weighted = np.conj(fourier.forward(density)) * self.grid.half_weights()
        g2 = self.grid.g_squared(half=True)
        forces = np.zeros((len(self.elements), 3))
        for atom, (element, r) in enumerate(zip(self.elements, self.positions, strict=True)):
            form = self.pseudos[element].local(g2) * structure_phase(self.grid, r, half=True)
            for axis, g in enumerate(self.grid.gradient_vectors(half=True)):
                forces[atom, axis] = np.sum(np.real(1j * g * form * weighted)) / self.grid.size
        return forces

    def atomic_density(self) -> Array:
        """Superposition of Gaussian valence charges as a starting density, electrons/bohr^3."""
        g2 = self.grid.g_squared(half=True)
        spectrum = sum(
            charge * np.exp(-0.5 * g2 * _width(element) ** 2) * structure_phase(self.grid, r, half=True)
            for charge, element, r in zip(self.charges, self.elements, self.positions, strict=True)
        )
        n = fourier.backward(np.asarray(spectrum) / self.grid.dv, self.grid.shape, real=True)
        n = np.maximum(n, 0.0)
        return n * self.electrons / (n.sum() * self.grid.dv)


def _width(element: str) -> float:
    """Width of an atom's starting charge: half its covalent radius, bohr."""
    from ase.data import atomic_numbers, covalent_radii

    return 0.5 * float(covalent_radii[atomic_numbers[element]]) / Bohr


def prepare(
    atoms: ase.Atoms, shape: tuple[int, int, int], xc: str, pseudo: Mapping[str, str] | None
) -> Ions:
    """Check a structure and put it on a grid.

    Raises
    ------
    GridError
        Empty structure, a cell that is not orthorhombic and periodic, or a spacing that the pseudopotentials
        forbid.
    PseudopotentialError
        An element without pseudopotential.
    """
    if len(atoms) == 0:
        raise GridError("the structure has no atoms")
    cell = np.asarray(atoms.cell)
    if not np.allclose(cell, np.diag(np.diag(cell)), atol=1e-8) or np.any(np.diag(cell) <= 0):
        raise GridError(f"the cell {cell.tolist()} is not orthorhombic along x, y, z: give three edges")
    lx, ly, lz = (float(edge) for edge in np.diag(cell) / Bohr)
    grid = Grid((int(shape[0]), int(shape[1]), int(shape[2])), (lx, ly, lz))
    pseudos = select(atoms.get_chemical_symbols(), xc, pseudo)
    hardest = min(pseudos.values(), key=lambda p: p.smallest_radius)
    limit = COARSEST * hardest.smallest_radius
    if max(grid.spacing) > limit:
        needed = tuple(int(np.ceil(length / limit)) for length in grid.lengths)
        raise GridError(
            f"spacing {max(grid.spacing):.3f} bohr is too coarse for the pseudopotential of {hardest.element} "
            f"(smallest radius {hardest.smallest_radius:.3f} bohr): at least {needed} points are needed, "
            "about twice as many per axis for converged energies"
        )
    return Ions(atoms.copy(), grid, pseudos)
