"""Perovskite crystals in which the ions follow a polar texture: PbTiO3 and superlattices of PbTiO3 and SrTiO3.

A cell has Pb or Sr at its corners, Ti in the middle and O in the middle of its faces. The soft mode of a cell along a
unit vector n moves Ti by d_Ti n, each O by d_par along its bond with Ti and by d_perp across, Pb by d_Pb n. An O that
two cells share, and a corner that eight share, move by the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import ase
import numpy as np

from ..errors import MlmdError
from .textures import Texture
from .topology import Array

SITES = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])


@dataclass(frozen=True)
class SoftMode:
    """Displacements in Angstrom along the polarisation of the tetragonal minimum of ``pto_ground``, no total shift.

    Computed by relaxing cell and ions with that model: 3.8584 x 4.2987 Angstrom, positions relative to Pb of -0.1911
    (Ti), -0.5798 (O above and below Ti) and -0.5858 Angstrom (O beside it). ``tests/multiscale/test_model.py`` checks
    that no forces are left. Held at the cubic 3.926 Angstrom it is -0.1485, -0.3230, -0.3917: :data:`CUBIC_MODE`.

    Examples
    --------
    >>> mode = SoftMode()
    >>> abs(mode.a_site + mode.titanium + mode.parallel + 2 * mode.across) < 1e-12
    True
    """

    a_site: float = 0.3885
    titanium: float = 0.1974
    parallel: float = -0.1913
    across: float = -0.1973


TETRAGONAL = (3.8584, 4.2987)  # a, c of pto_ground, Angstrom
CUBIC = (3.926, 3.926)
CUBIC_MODE = SoftMode(a_site=0.2510, titanium=0.1025, parallel=-0.0720, across=-0.1407)
CRYSTALS = {"tetragonal": (TETRAGONAL, SoftMode()), "cubic": (CUBIC, CUBIC_MODE)}  # constants and displacements
SRTIO3 = 3.905  # height of a layer of SrTiO3, Angstrom


def superlattice(
    texture: Texture,
    cells: tuple[int, int, int],
    lattice: tuple[float, float] = TETRAGONAL,
    strontium: int = 0,
    mode: SoftMode = SoftMode(),
    strontium_height: float = SRTIO3,
) -> ase.Atoms:
    """Crystal whose cells are polar along a texture, the same in each layer of PbTiO3.

    Parameters
    ----------
    texture : Texture
        Directions over the cells of a layer.
    cells : (int, int, int)
        Numbers of cells along x, y, z.
    lattice : (float, float)
        a and c of PbTiO3 in Angstrom.
    strontium : int
        Layers of SrTiO3, on top of those of PbTiO3; not displaced but at the border, where a cell moves by the share of
        Pb among its corners.
    mode : SoftMode
        Displacements for a unit vector.
    strontium_height : float
        c of SrTiO3 in Angstrom.

    Returns
    -------
    ase.Atoms
        Periodic, five atoms a cell in the order A, Ti, O, O, O (bonds along x, y, z);
        ``atoms.arrays["cell"]`` (atoms, 3) are the indices of the cell.

    Raises
    ------
    MlmdError
        No cell, more layers of SrTiO3 than layers, lengths that are none.

    Examples
    --------
    >>> atoms = superlattice(Texture(kind="skyrmion", radius=2.0), (8, 8, 4), strontium=2)
    >>> atoms.get_chemical_formula(), atoms.arrays["cell"][-1].tolist()
    ('O768Pb128Sr128Ti256', [7, 7, 3])
    """
    if min(cells) < 1 or not 0 <= strontium <= cells[2]:
        raise MlmdError(
            f"{strontium} layers of SrTiO3 in {cells[0]}x{cells[1]}x{cells[2]} cells: "
            "give at least one cell along each axis and not more such layers than layers"
        )
    if not all(np.isfinite(length) and length > 0 for length in (*lattice, strontium_height)):
        raise MlmdError(
            f"a = {lattice[0]:g}, c = {lattice[1]:g} and {strontium_height:g} Angstrom are no lattice constants"
        )
    lead = np.arange(cells[2]) < cells[2] - strontium  # of the layer of corners below each layer of Ti
    share = 0.5 * (lead + np.roll(lead, -1).astype(float))
    field = texture.field(cells[0], cells[1])[:, :, None, :] * share[:, None]
    heights = share * lattice[1] + (1 - share) * strontium_height
    floor = np.concatenate([[0.0], np.cumsum(heights)])
    index = np.array(list(product(*map(range, cells))))
    size = np.stack([np.full(len(index), lattice[0])] * 2 + [heights[index[:, 2]]], axis=1)
    corner = np.stack([*(index[:, :2] * lattice[0]).T, floor[index[:, 2]]], axis=1)
    positions = corner[:, None] + SITES * size[:, None] + displacements(field, mode).reshape(-1, 5, 3)
    symbols = [s for k in index[:, 2] for s in ("Pb" if lead[k] else "Sr", "Ti", "O", "O", "O")]
    box = [cells[0] * lattice[0], cells[1] * lattice[0], floor[-1]]
    atoms = ase.Atoms(symbols, positions.reshape(-1, 3), cell=box, pbc=True)
    atoms.set_array("cell", np.repeat(index, 5, axis=0))
    return atoms


def displacements(field: Array, mode: SoftMode) -> Array:
    """Displacements of the five atoms of each cell.

    Parameters
    ----------
    field : array (nx, ny, nz, 3)
        Directions in the cells, shorter where the mode is weaker.
    mode : SoftMode
        For a unit vector.

    Returns
    -------
    array (nx, ny, nz, 5, 3)
        In Angstrom, in the order of :func:`superlattice`.

    Examples
    --------
    >>> displacements(np.broadcast_to([0.0, 0.0, 1.0], (2, 2, 2, 3)), SoftMode())[0, 0, 0, :, 2].tolist()
    [0.3885, 0.1974, -0.1973, -0.1973, -0.1913]
    """
    moved = [mode.a_site * _mean_below(field, (0, 1, 2)), mode.titanium * field]
    for axis in range(3):
        tensor = np.full(3, mode.across)
        tensor[axis] = mode.parallel
        moved.append(_mean_below(field, (axis,)) * tensor)
    return np.stack(moved, axis=3)


def _mean_below(field: Array, axes: tuple[int, ...]) -> Array:
    """Mean of each cell and its neighbours below along some axes, of which it shares the face, edge or corner."""
    for axis in axes:
        field = 0.5 * (field + np.roll(field, 1, axis=axis))
    return field
