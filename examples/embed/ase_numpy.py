"""The kernels in an ASE script: charge, potential and electrostatic energy of a molecule of Gaussian atoms.

Each atom gets its valence electrons in one Gaussian orbital, and a narrower Gaussian of the opposite charge for its
ion.  `density` adds up the electrons, `hartree` gives the potential, and the energy is compared with its sum over plane
waves.
"""

import numpy as np
from ase.build import molecule
from ase.units import Bohr, Hartree

from mlmd import kernels

VALENCE = {"H": 1.0, "O": 6.0}
ELECTRON, ION = 0.9, 0.7  # widths of the densities, bohr


def distances(atoms, shape):
    """Vectors from each atom to each grid point, nearest images, bohr: (atom, nx, ny, nz, 3)."""
    cell = atoms.cell.lengths() / Bohr
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), axis=-1)
    apart = points - atoms.get_scaled_positions()[:, None, None, None]
    return (apart - np.round(apart)) * cell


def gaussian(squares, width):
    """Density of one electron."""
    return np.exp(-0.5 * squares / width**2) / (2 * np.pi * width**2) ** 1.5


def exact_energy(atoms, charges, highest=9.0):
    """Sum over the plane waves of the periodic cell, up to the given wave number: hartree."""
    cell = atoms.cell.lengths() / Bohr
    most = np.ceil(highest * cell / (2 * np.pi))
    waves = [2 * np.pi * np.arange(-m, m + 1) / a for a, m in zip(cell, most, strict=True)]
    G = np.stack(np.meshgrid(*waves, indexing="ij"), axis=-1).reshape(-1, 3)
    G = G[np.linalg.norm(G, axis=1) > 0]
    square = np.sum(G**2, axis=1)
    atom = np.exp(-0.5 * square * ELECTRON**2) - np.exp(-0.5 * square * ION**2)
    n = np.exp(-1j * G @ (atoms.positions / Bohr).T) @ charges * atom
    return float(2 * np.pi / np.prod(cell) * np.sum(np.abs(n) ** 2 / square))


def main():
    atoms = molecule("H2O", vacuum=2.0)
    atoms.pbc = True
    atoms.wrap()
    charges = np.array([VALENCE[symbol] for symbol in atoms.get_chemical_symbols()])
    shape = tuple(2 * round(a / Bohr / 0.3 / 2) for a in atoms.cell.lengths())
    spacing = atoms.cell.lengths() / Bohr / shape
    squares = np.sum(distances(atoms, shape) ** 2, axis=-1)

    psi = np.ascontiguousarray(np.moveaxis(np.sqrt(gaussian(squares, ELECTRON)), 0, -1)).astype(complex)
    electrons = kernels.density(shape, len(atoms))(psi, charges)
    n = electrons - np.tensordot(charges, gaussian(squares, ION), axes=1)
    v = kernels.hartree(shape, spacing, method="fft")(n)

    found, exact = 0.5 * np.sum(n * v) * np.prod(spacing), exact_energy(atoms, charges)
    print(f"{atoms.get_chemical_formula()}: {electrons.sum() * np.prod(spacing):.6f} electrons on a grid of {shape}")
    print(f"electrostatic energy {found * Hartree:.6f} eV, from plane waves {exact * Hartree:.6f} eV")
    if abs(found / exact - 1) > 1e-4:
        raise SystemExit("they differ")


if __name__ == "__main__":
    main()
