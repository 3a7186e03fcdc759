"""The crystal that XS-NNQMD is measured on: a brick of PbTiO3 with the ghosts that it has in a large cell."""

from __future__ import annotations

import numpy as np
from ase import Atoms

CELL = (3.9, 3.9, 4.1)  # Angstrom
SYMBOLS = ("Pb", "Ti", "O", "O", "O")
SITES = ((0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5))
DENSITY = len(SITES) / (CELL[0] * CELL[1] * CELL[2])  # atoms per cubic Angstrom
STIR = 0.08  # Angstrom
FACE = 1e-6  # Angstrom: ideal sites lie on the faces, and belong to the brick on one side


def brick_with_ghosts(cells: int, cutoff: float) -> tuple[Atoms, int]:
    """A cube of so many unit cells along each side, then its ghosts; and how many atoms are its own.

    Examples
    --------
    >>> atoms, own = brick_with_ghosts(2, 5.2)
    >>> own, len(atoms)
    (40, 429)
    """
    wide = int(np.ceil(cutoff / min(CELL)))
    atoms = Atoms(SYMBOLS, scaled_positions=SITES, cell=CELL).repeat(cells + 2 * wide)
    place, sides = atoms.positions - wide * np.array(CELL) + FACE, cells * np.array(CELL)
    own = np.all((place >= 0) & (place < sides), axis=1)
    near = np.all((place >= -cutoff) & (place < sides + cutoff), axis=1)
    atoms.rattle(STIR, seed=0)
    atoms = atoms[np.concatenate([np.flatnonzero(own), np.flatnonzero(near & ~own)])]
    atoms.cell, atoms.pbc = np.zeros((3, 3)), False
    return atoms, int(own.sum())
