"""Polarisation of each cell of a perovskite from effective charges, and the topology of that field.

With the charges Z of O along its bond with Ti and across, of A, and minus their sum for Ti,

    P = e / Omega [Z_Ti u_Ti + 1/2 sum_6 Z_O u_O + 1/8 sum_8 Z_A u_A],

and since the cell is neutral, only vectors from Ti count: those to the ideal places of its neighbours cancel. Omega is
the mean volume of a cell. Where the corners are of both kinds the cell has the mean of their charges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import ase
import numpy as np
from scipy.constants import elementary_charge

from ..errors import MlmdError
from .born import TABLES, Charges
from .cells import Cells
from .topology import Array, charge

ChargeSet = Literal["born", "wannier"]
SI = elementary_charge / 1e-20  # C/m^2 of e/Angstrom^2
MICROCOULOMB = 100.0  # microcoulomb/cm^2 of C/m^2


def polarisation(cells: Cells, atoms: ase.Atoms, charges: ChargeSet = "born") -> Array:
    """Polarisation of each cell.

    Parameters
    ----------
    cells : Cells
        Of the reference.
    atoms : ase.Atoms
        The same atoms, moved.
    charges : str
        ``born``: those of the cubic crystals, PbTiO3 and SrTiO3. ``wannier``: fitted to dipoles of Wannier
        centres (:func:`fit_charges`), PbTiO3 only.

    Returns
    -------
    array (nx, ny, nz, 3)
        In C/m^2.

    Raises
    ------
    MlmdError
        Other atoms than those of the reference, charges that are not known.

    Examples
    --------
    >>> from mlmd.multiscale.crystal import superlattice
    >>> from mlmd.multiscale.textures import Texture
    >>> crystal = superlattice(Texture(kind="uniform"), (2, 2, 2))
    >>> cells = Cells(crystal)
    >>> [f"{MICROCOULOMB * polarisation(cells, crystal, name)[0, 0, 0, 2]:.1f}" for name in ("born", "wannier")]
    ['126.0', '106.6']
    """
    a_site, parallel, across = _charges(cells, charges)
    moments = dipole_moments(cells, atoms)
    dipole = a_site * moments[..., 0, :] + parallel * moments[..., 1, :] + across * moments[..., 2, :]
    return SI * dipole * cells.titanium.size / atoms.get_volume()


def dipole_moments(cells: Cells, atoms: ase.Atoms) -> Array:
    """What the charges of a cell are multiplied with to give its dipole, Angstrom.

    Parameters
    ----------
    cells : Cells
        Of the reference.
    atoms : ase.Atoms
        The same atoms, moved.

    Returns
    -------
    array (nx, ny, nz, 3, 3)
        For A, for O along the bond and for O across (axis 3) the components x, y, z (axis 4).
    """
    oxygen, corners = cells.vectors(atoms)
    pairs = 0.5 * (oxygen[..., :3, :] + oxygen[..., 3:, :])  # bond along x, y, z
    along = np.diagonal(pairs, axis1=-2, axis2=-1)
    return np.stack([corners.mean(axis=-2), along, pairs.sum(axis=-2) - along], axis=-2)


def _charges(cells: Cells, name: str) -> list[Array]:
    """Charges of A, of O along and across its bond, in each cell (nx, ny, nz, 1)."""
    if name not in TABLES:
        raise MlmdError(f"no charges '{name}'; there are {', '.join(TABLES)}")
    known = TABLES[name]
    if missing := {"Pb", "Sr"}.intersection(cells.symbols) - set(known):
        raise MlmdError(f"no charges '{name}' are known for {missing.pop()}; take born")
    lead = cells.lead[..., None]
    values = [
        (getattr(known["Pb"], key), getattr(known.get("Sr"), key, 0.0)) for key in ("a_site", "parallel", "across")
    ]
    return [lead * pb + (1 - lead) * sr for pb, sr in values]


@dataclass(frozen=True)
class Topology:
    """Topological charges of the layers (nz,), NaN where a layer is not polar, and of the mean of the polar ones."""

    layers: Array
    mean: float


def topological_charge(P: Array, polar: Array | None = None) -> Topology:
    """Topological charge of the polarisation of each layer of cells, and of the mean of the layers.

    Parameters
    ----------
    P : array (nx, ny, nz, 3)
        Polarisation, or any field.
    polar : array (nz,) of bool, optional
        Layers that count (:func:`polar_layers`; default: all).

    Returns
    -------
    Topology

    Raises
    ------
    MlmdError
        A vector without direction, no layer that counts.

    Examples
    --------
    >>> from mlmd.multiscale.textures import Texture
    >>> field = Texture(radius=4.0).field(16, 16)
    >>> found = topological_charge(np.stack([field, -field], axis=2), np.array([True, False]))
    >>> found.layers.round(9).tolist(), round(found.mean, 9)
    ([-1.0, nan], -1.0)
    """
    polar = np.ones(P.shape[2], dtype=bool) if polar is None else polar
    if not polar.any():
        raise MlmdError("no layer of the crystal is polar: there is no Pb in it")
    layers = np.array([charge(P[:, :, k]) if counts else np.nan for k, counts in enumerate(polar)])
    return Topology(layers, charge(P[:, :, polar].mean(axis=2)))


def polar_layers(cells: Cells) -> Array:
    """Layers (nz,) in which at least half of the corners are Pb."""
    return cells.lead.mean(axis=(0, 1)) >= 0.5


def fit_charges(frames: Sequence[ase.Atoms], dipoles: str = "mlwf_dipole") -> tuple[Charges, float]:
    """Effective charges from labelled dipoles, by least squares.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        PbTiO3, each a crystal of its own.
    dipoles : str
        Array of the frames with the dipole of the cell in e Angstrom at its Ti.

    Returns
    -------
    Charges, float
        The charges, and the root-mean-square error of a component of a dipole in e Angstrom.

    Raises
    ------
    MlmdError
        A frame without dipoles.

    Examples
    --------
    >>> from mlmd.multiscale.born import BORN
    >>> from mlmd.multiscale.crystal import superlattice
    >>> from mlmd.multiscale.textures import Texture
    >>> crystal = superlattice(Texture(kind="uniform"), (2, 2, 2))
    >>> crystal.rattle(0.1, seed=1)
    >>> cells = Cells(crystal)
    >>> dipole = np.zeros((40, 3))
    >>> dipole[cells.titanium] = polarisation(cells, crystal) / SI * crystal.get_volume() / 8
    >>> crystal.set_array("mlwf_dipole", dipole)
    >>> found, error = fit_charges([crystal])
    >>> round(found.titanium, 3), BORN["Pb"].titanium, error < 1e-9
    (7.058, 7.058, True)
    """
    moments, wanted = [], []
    for number, frame in enumerate(frames, 1):
        if dipoles not in frame.arrays:
            raise MlmdError(f"structure {number} has no dipoles; give them as an array '{dipoles}' of the atoms")
        cells = Cells(frame)
        moments.append(np.moveaxis(dipole_moments(cells, frame), 3, -1).reshape(-1, 3))
        wanted.append(frame.arrays[dipoles][cells.titanium].ravel())
    x, y = np.concatenate(moments), np.concatenate(wanted)
    a_site, parallel, across = np.linalg.lstsq(x, y, rcond=None)[0].tolist()
    error = float(np.sqrt(np.mean((x @ [a_site, parallel, across] - y) ** 2)))
    return Charges(a_site, -(a_site + parallel + 2 * across), parallel, across), error
