"""The hand-shake between the crystal and its electrons: local cells go out to DC-MESH, lifted electrons come back.

A domain is a block of cells; its local cell has the mean displacements around its Ti. Domains that look
alike, be it after a rotation or reflection that leaves cell and light as they are, share a representative, so that few
cells go through the light; what comes back is one number a domain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations, product

import ase
import numpy as np
from numpy.typing import NDArray

from ..errors import MlmdError
from .crystal import SITES
from .topology import Array


@dataclass(frozen=True)
class LocalCells:
    """Domains of a crystal, and the local cells that stand for them.

    Attributes
    ----------
    displacements : array (nx, ny, nz, 5, 3)
        Of the ions of each domain from the ideal sites, no total shift, in Angstrom.
    size : array (3,)
        Edges of a local cell in Angstrom.
    chosen : tuple of int
        Flat numbers of the domains whose local cells go through the light.
    standing_for : array (nx, ny, nz) of int
        Number, among the chosen, of the local cell that stands for a domain; -1 for SrTiO3, which light leaves alone.
    distance : array (nx, ny, nz)
        Largest displacement by which a domain differs from that cell, in Angstrom.
    """

    displacements: Array
    size: Array
    chosen: tuple[int, ...]
    standing_for: NDArray[np.int64]
    distance: Array

    def cell(self, number: int) -> ase.Atoms:
        """Local cell of a domain by its number among the chosen: PbTiO3, periodic."""
        moved = self.displacements.reshape(-1, 5, 3)[self.chosen[number]]
        return ase.Atoms("PbTiO3", SITES * self.size + moved, cell=self.size, pbc=True)

    def of_domains(self, values: Array) -> Array:
        """Values of the chosen cells, (chosen,), given to the domains, (nx, ny, nz); 0 in SrTiO3."""
        return np.where(self.standing_for >= 0, np.asarray(values)[self.standing_for], 0.0)


def local_cells(
    atoms: ase.Atoms,
    ideal: Array,
    block: tuple[int, int, int],
    most: int,
    tolerance: float,
    polarization: Sequence[float] = (0.0, 0.0, 1.0),
) -> LocalCells:
    """Find the local cells of a crystal.

    Parameters
    ----------
    atoms : ase.Atoms
        From :func:`mlmd.multiscale.crystal.superlattice`, moved.
    ideal : array (atoms, 3)
        Places without displacement, in Angstrom.
    block : (int, int, int)
        Cells of a domain along x, y, z.
    most : int
        Most cells to choose.
    tolerance : float
        Displacement in Angstrom within which two domains count as alike.
    polarization : (float, float, float)
        Direction of the light.

    Returns
    -------
    LocalCells
        The first cell is that of the first domain of PbTiO3, each further one that which is least like those before.

    Raises
    ------
    MlmdError
        A domain that holds cells of PbTiO3 and of SrTiO3.

    Examples
    --------
    >>> from mlmd.multiscale.crystal import superlattice
    >>> from mlmd.multiscale.textures import Texture
    >>> up, down = (superlattice(Texture(kind="uniform", direction=(0, 0, n)), (2, 4, 1)) for n in (1, -1))
    >>> ideal, mixed = 0.5 * (up.positions + down.positions), up.copy()
    >>> lower = mixed.arrays["cell"][:, 1] >= 2
    >>> mixed.positions[lower] = down.positions[lower]
    >>> found = local_cells(mixed, ideal, (2, 2, 1), 3, 0.01)
    >>> len(found.chosen), found.standing_for.ravel().tolist(), bool(found.distance.max() < 1e-12)
    (2, [0, 1], True)
    """
    index = atoms.arrays["cell"][::5]
    shape = tuple((index.max(axis=0) + 1) // block)
    domain = np.ravel_multi_index(tuple((index // block).T), shape)
    count = int(np.prod(shape))
    lead = np.bincount(domain, np.array(atoms.get_chemical_symbols())[::5] == "Pb", count) / np.prod(block)
    if np.any((lead > 0) & (lead < 1)):
        raise MlmdError("[domains] cells: a domain holds PbTiO3 and SrTiO3; let the blocks end between their layers")
    lengths, cells = atoms.cell.lengths(), index.max(axis=0) + 1
    moved = atoms.positions - ideal
    moved = _around_titanium((moved - lengths * np.round(moved / lengths)).reshape(*cells, 5, 3)).reshape(-1, 15)
    mean = np.stack([np.bincount(domain, one, count) for one in moved.T], axis=1).reshape(count, 5, 3) / np.prod(block)
    mean -= mean.mean(axis=1, keepdims=True)
    size = np.array([*(lengths[:2] / cells[:2]), _height_of_lead(ideal, atoms, int(cells[2]))])
    turns = symmetries(size, polarization)
    chosen, standing_for, distance = _representatives(mean, np.flatnonzero(lead == 1), most, tolerance, turns)
    return LocalCells(mean.reshape(*shape, 5, 3), size, chosen, standing_for.reshape(shape), distance.reshape(shape))


def _around_titanium(moved: Array) -> Array:
    """Displacements (nx, ny, nz, 5, 3) of the ions around each Ti: means of the corners and of the O on both sides."""
    around = moved.copy()
    for axis in range(3):
        around[..., 0, :] = 0.5 * (around[..., 0, :] + np.roll(around[..., 0, :], -1, axis))
        around[..., 2 + axis, :] = 0.5 * (moved[..., 2 + axis, :] + np.roll(moved[..., 2 + axis, :], -1, axis))
    return around


def symmetries(size: Array, polarization: Sequence[float]) -> list[Callable[[Array], Array]]:
    """Rotations and reflections of a local cell that leave its shape and a direction as they are.

    Parameters
    ----------
    size : array (3,)
        Edges of the cell.
    polarization : (float, float, float)
        The direction. Those that reverse it are left out: a short pulse has no such symmetry.

    Returns
    -------
    list of callable
        Each takes displacements (..., 5, 3) to those of the turned cell.

    Examples
    --------
    >>> [len(symmetries(np.array([1.0, 1.0, c]), e)) for c, e in [(1, (0, 0, 1)), (2, (1, 0, 0)), (1, (1, 1, 1))]]
    [8, 4, 6]
    """
    found: list[Callable[[Array], Array]] = []
    for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3)):
        turn = np.zeros((3, 3))
        turn[list(order), range(3)] = signs
        if np.allclose(turn @ polarization, polarization) and np.allclose(size[list(order)], size):
            found.append(partial(_turned, turn, [0, 1, *(2 + k for k in order)]))
    return found


def _turned(turn: Array, sites: list[int], displacements: Array) -> Array:
    turned = np.empty_like(displacements)
    turned[..., sites, :] = displacements @ turn.T
    return turned


def _representatives(
    points: Array,
    candidates: NDArray[np.int64],
    most: int,
    tolerance: float,
    turns: Sequence[Callable[[Array], Array]],
) -> tuple[tuple[int, ...], NDArray[np.int64], Array]:
    """Points least alike, one after the other, until all others are near one; who stands for whom, and how far off."""

    def far(one: int) -> Array:
        return np.min([np.linalg.norm(points - turn(points[one]), axis=-1).max(axis=-1) for turn in turns], axis=0)

    chosen = [int(candidates[0])]
    standing_for = np.full(len(points), -1)
    standing_for[candidates] = 0
    distance = np.where(standing_for == 0, far(chosen[0]), 0.0)
    while len(chosen) < most and distance.max() > tolerance:
        chosen.append(int(distance.argmax()))
        other = far(chosen[-1])
        nearer = (other < distance) & (standing_for >= 0)
        standing_for[nearer], distance[nearer] = len(chosen) - 1, other[nearer]
    return tuple(chosen), standing_for, distance


def _height_of_lead(ideal: Array, atoms: ase.Atoms, layers: int) -> float:
    """Height of a cell of PbTiO3: of the gaps between layers of A sites, that above most Pb."""
    floors = np.array([ideal[::5][atoms.arrays["cell"][::5, 2] == k, 2].mean() for k in range(layers)])
    gaps = np.diff(np.append(floors, floors[0] + atoms.cell.lengths()[2]))
    lead = np.array([s == "Pb" for s in atoms.get_chemical_symbols()])[::5]
    share = np.array([lead[atoms.arrays["cell"][::5, 2] == k].mean() for k in range(layers)])
    return float(gaps[int(np.argmax(share + np.roll(share, -1)))])


def at_atoms(values: Array, atoms: ase.Atoms, cells: tuple[int, int, int]) -> Array:
    """Values of domains at the cells of the atoms, linear between the middles of the domains, periodic.

    Parameters
    ----------
    values : array (nx, ny, nz)
        Of the domains.
    atoms : ase.Atoms
        With the array ``cell``.
    cells : (int, int, int)
        Of the crystal.

    Returns
    -------
    array (atoms,)
        Differentiable in the values, the same mean over a crystal of PbTiO3.

    Examples
    --------
    >>> from mlmd.multiscale.crystal import superlattice
    >>> from mlmd.multiscale.textures import Texture
    >>> atoms = superlattice(Texture(kind="uniform"), (4, 1, 1))
    >>> at_atoms(np.array([[[1.0]], [[3.0]]]), atoms, (4, 1, 1))[::5].tolist()
    [1.5, 1.5, 2.5, 2.5]
    """
    shape = np.array(values.shape)
    place = (atoms.arrays["cell"] + 0.5) * shape / cells - 0.5
    low = np.floor(place).astype(int)
    part = place - low
    total = np.zeros(len(atoms))
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(corner, part, 1 - part), axis=1)
        total += share * values[tuple(((low + corner) % shape).T)]
    return total
