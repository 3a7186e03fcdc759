"""The unit cells of a perovskite ABO3: which ions are around each Ti."""

from __future__ import annotations

from itertools import product

import ase
import numpy as np
from scipy.spatial import cKDTree

from ..errors import MlmdError
from .topology import Array

A_SITES = ("Pb", "Sr")
REACH = 5.0  # Angstrom: no neighbour of Ti is further away
GAP = 1.5  # Angstrom between two layers of Ti, at least
FACES = np.concatenate([-np.eye(3, dtype=int), np.eye(3, dtype=int)])  # of a cell: below, then above
CORNERS = np.array(list(product((-1, 1), repeat=3)))


class Cells:
    """Ti with the six O and eight A around it, found once and followed from then on.

    Parameters
    ----------
    reference : ase.Atoms
        Pb or Sr, Ti and O in an orthorhombic periodic cell, near enough to the perovskite crystal; thermal motion does
        no harm. Other structures must have the same atoms in the same order.

    Attributes
    ----------
    shape : (int, int, int)
        Cells along x, y, z.
    titanium : array (nx, ny, nz)
        Index of Ti.
    oxygen : array (nx, ny, nz, 6)
        Indices of the O below along x, y, z, then of those above.
    corners : array (nx, ny, nz, 8)
        Indices of the A around.
    lead : array (nx, ny, nz)
        Share of Pb among the corners.
    of_atoms : array (atoms, 3)
        Cell of each atom: O belongs to the cell above it, A to that above along all axes.

    Raises
    ------
    MlmdError
        Atoms that make no such crystal: which, and what was found.

    Examples
    --------
    >>> from mlmd.multiscale.crystal import superlattice
    >>> from mlmd.multiscale.textures import Texture
    >>> crystal = superlattice(Texture(radius=2.0), (6, 6, 4), strontium=2)
    >>> cells = Cells(crystal)
    >>> cells.shape, cells.lead[0, 0].tolist(), bool(np.all(cells.of_atoms == crystal.arrays["cell"]))
    ((6, 6, 4), [1.0, 0.5, 0.0, 0.5], True)
    """

    def __init__(self, reference: ase.Atoms) -> None:
        _check(reference)
        self.symbols = reference.get_chemical_symbols()
        titanium = np.flatnonzero(reference.symbols == "Ti")
        oxygen, to_oxygen = _around(reference, titanium, ("O",), FACES)
        corners, to_corners = _around(reference, titanium, A_SITES, CORNERS)
        grid = _grid(reference, titanium)
        self.shape = tuple((grid.max(axis=0) + 1).tolist())
        order = np.lexsort(grid.T[::-1])
        self.titanium = titanium[order].reshape(self.shape)
        self.oxygen = oxygen[order].reshape(*self.shape, 6)
        self.corners = corners[order].reshape(*self.shape, 8)
        around = np.concatenate([oxygen, corners], axis=1)[order].reshape(*self.shape, 14)
        away = np.concatenate([to_oxygen, to_corners], axis=1)[order].reshape(*self.shape, 14, 3)
        self._around, self._away = around, away / reference.cell.lengths()
        self.lead = np.mean(np.asarray(reference.symbols)[self.corners] == "Pb", axis=-1)
        self.of_atoms = np.empty((len(reference), 3), dtype=int)
        indices = np.moveaxis(np.indices(self.shape), 0, -1)
        for atoms in (self.titanium, *np.moveaxis(self.oxygen[..., :3], -1, 0), self.corners[..., 0]):
            self.of_atoms[atoms] = indices

    def vectors(self, atoms: ase.Atoms) -> tuple[Array, Array]:
        """Vectors in Angstrom from each Ti to its O (nx, ny, nz, 6, 3) and to its A (nx, ny, nz, 8, 3).

        Parameters
        ----------
        atoms : ase.Atoms
            The atoms of the reference, moved, with another cell or wrapped.

        Raises
        ------
        MlmdError
            Other atoms.
        """
        if atoms.get_chemical_symbols() != self.symbols:
            raise MlmdError(
                f"{atoms.get_chemical_formula()} are not the atoms of the reference in its order; "
                "give the structure that the trajectory began with"
            )
        lengths = atoms.cell.lengths()
        away = (atoms.positions[self._around] - atoms.positions[self.titanium][..., None, :]) / lengths
        away = (away - np.round(away - self._away)) * lengths
        return away[..., :6, :], away[..., 6:, :]


def _check(atoms: ase.Atoms) -> None:
    found = {name: int(np.sum(atoms.symbols == name)) for name in ("Ti", "O")}
    a_sites = len(atoms) - sum(found.values())
    if set(atoms.symbols) - {"Ti", "O", *A_SITES} or not found["O"] == 3 * found["Ti"] == 3 * a_sites > 0:
        raise MlmdError(f"{atoms.get_chemical_formula()} is no PbTiO3 or SrTiO3")
    if (
        not atoms.pbc.all()
        or np.any(np.abs(atoms.cell.angles() - 90) > 0.01)
        or np.any(atoms.cell.array[~np.eye(3, dtype=bool)])
    ):
        raise MlmdError("the crystal is not periodic in an orthorhombic cell along x, y, z")


def _around(atoms: ase.Atoms, titanium: Array, kinds: tuple[str, ...], places: Array) -> tuple[Array, Array]:
    """For each Ti the nearest atoms of some kinds, and the vectors to them, in the order of the places."""
    count, kind = len(places), " or ".join(kinds)
    index, points = _images(atoms, np.flatnonzero(np.isin(atoms.symbols, kinds)))
    wrapped = atoms.positions[titanium] % atoms.cell.lengths()
    distance, nearest = cKDTree(points).query(wrapped, k=count)
    far = distance[:, -1] > REACH
    if far.any():
        raise MlmdError(f"Ti (atom {titanium[far][0]}) has not {count} neighbours {kind}; is it a perovskite?")
    vector = points[nearest] - wrapped[:, None]
    sides = np.sign(vector) if count == 8 else np.eye(3)[np.abs(vector).argmax(-1)] * np.sign(vector)
    match = np.all(sides[:, None] == places[:, None], axis=-1)  # (Ti, place, neighbour)
    wrong = np.any(match.sum(axis=-1) != 1, axis=-1)
    if wrong.any():
        raise MlmdError(f"the {count} {kind} next to Ti (atom {titanium[wrong][0]}) are not all around it")
    chosen = match.argmax(axis=-1)
    return np.take_along_axis(index[nearest], chosen, 1), np.take_along_axis(vector, chosen[..., None], 1)


def _images(atoms: ase.Atoms, chosen: Array) -> tuple[Array, Array]:
    """Indices and places of some atoms in the box, and of their images near it."""
    lengths = atoms.cell.lengths()
    places, index = atoms.positions[chosen] % lengths, chosen
    for axis in range(3):
        shift = np.eye(3)[axis] * lengths
        places = np.concatenate([places - shift, places, places + shift])
        near = (places[:, axis] > -REACH) & (places[:, axis] < lengths[axis] + REACH)
        places, index = places[near], np.tile(index, 3)[near]
    return index, places


def _grid(atoms: ase.Atoms, titanium: Array) -> Array:
    """Place (Ti, 3) of each Ti on the grid of cells."""
    grid = np.stack(
        [_layers(x, length) for x, length in zip(atoms.positions[titanium].T, atoms.cell.lengths(), strict=True)], 1
    )
    shape = grid.max(axis=0) + 1
    if len(np.unique(grid, axis=0)) != len(grid) or np.prod(shape) != len(grid):
        raise MlmdError(f"{len(grid)} Ti stand on no grid of {shape[0]}x{shape[1]}x{shape[2]} cells")
    return grid


def _layers(x: Array, length: float) -> Array:
    """Number of the layer of each coordinate: layers lie apart by gaps."""
    order = np.argsort(x % length)
    sorted_ = (x % length)[order]
    layer = np.concatenate([[0], np.cumsum(np.diff(sorted_) > GAP)])
    if layer[-1] > 0 and sorted_[0] + length - sorted_[-1] < GAP:
        layer[layer == layer[-1]] = 0  # one layer on both sides of the border
    number = np.empty_like(layer)
    number[order] = layer
    return number
