"""What a frame of a polar crystal shows: polarisation and topological charge, and its table over time."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import ase
import numpy as np

from .cells import Cells
from .polarisation import ChargeSet, polar_layers, polarisation, topological_charge
from .topology import Array


@dataclass(frozen=True)
class Observation:
    """One frame.

    Parameters
    ----------
    frame : int
        Its number.
    time_fs : float
        NaN where the frame does not tell.
    mean : array (3,)
        Mean polarisation in C/m^2.
    length : float
        Mean of the lengths of the polarisation in C/m^2.
    charge : float
        Topological charge of the mean of the polar layers.
    layers : array (nz,)
        Of each layer, NaN where it is not polar.
    """

    frame: int
    time_fs: float
    mean: Array
    length: float
    charge: float
    layers: Array


def observe(cells: Cells, atoms: ase.Atoms, frame: int = 0, charges: ChargeSet = "born") -> tuple[Observation, Array]:
    """Observe a frame; only layers of PbTiO3 count.

    Parameters
    ----------
    cells : Cells
        Of the reference.
    atoms : ase.Atoms
        The frame; ``atoms.info["time_fs"]`` is its time.
    frame : int
        Its number.
    charges : str
        See :func:`mlmd.multiscale.polarisation.polarisation`.

    Returns
    -------
    Observation, array (nx, ny, nz, 3)
        And the polarisation of all cells in C/m^2.

    Raises
    ------
    MlmdError
        Other atoms than those of the reference, a cell without polarisation, no layer of PbTiO3.

    Examples
    --------
    >>> from mlmd.multiscale.crystal import superlattice
    >>> from mlmd.multiscale.textures import Texture
    >>> crystal = superlattice(Texture(lattice=(2, 1)), (32, 16, 2))
    >>> row, P = observe(Cells(crystal), crystal)
    >>> round(row.charge, 9), row.layers.round(9).tolist(), P.shape
    (-2.0, [-2.0, -2.0], (32, 16, 2, 3))
    """
    P = polarisation(cells, atoms, charges)
    return observation(cells, P, frame, float(atoms.info.get("time_fs", np.nan))), P


def observation(cells: Cells, P: Array, frame: int = 0, time_fs: float = np.nan) -> Observation:
    """Observe a polarisation, such as the mean of some frames; see :func:`observe`."""
    polar = polar_layers(cells)
    found, lead = topological_charge(P, polar), P[:, :, polar]
    length = float(np.linalg.norm(lead, axis=-1).mean())
    return Observation(frame, time_fs, lead.mean(axis=(0, 1, 2)), length, found.mean, found.layers)


def as_csv(rows: Sequence[Observation]) -> str:
    """Comma-separated table of observations.

    Examples
    --------
    >>> print(as_csv([Observation(0, 0.0, np.array([0.0, 0.0, 0.5]), 0.5, -1.0, np.array([-1.0, np.nan]))]), end="")
    frame,time_fs,Px_C/m2,Py_C/m2,Pz_C/m2,length_C/m2,charge,charge_layer_0,charge_layer_1
    0,0,0,0,0.5,0.5,-1,-1,nan
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    layers = [f"charge_layer_{k}" for k in range(len(rows[0].layers))]
    writer.writerow(["frame", "time_fs", "Px_C/m2", "Py_C/m2", "Pz_C/m2", "length_C/m2", "charge", *layers])
    for row in rows:
        values = (row.time_fs, *row.mean, row.length, row.charge, *row.layers)
        writer.writerow([row.frame, *(f"{value:.8g}" for value in values)])
    return text.getvalue()
