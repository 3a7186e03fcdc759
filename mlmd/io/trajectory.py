"""The way of the nuclei as extended XYZ, which ASE, OVITO and VMD read."""

from __future__ import annotations

import io

import ase.io
from ase import Atoms
from ase.units import AUT, Bohr, Hartree

from .. import units
from .series import Series


def trajectory(atoms: Atoms, series: Series) -> str:
    """Frames of a series that has positions and velocities.

    Parameters
    ----------
    atoms : ase.Atoms
        Elements and cell.
    series : Series
        Of a run with nuclei in motion.

    Returns
    -------
    str
        Positions in Angstrom and momenta in ASE's units; for each frame ``time_fs``, ``temperature_K``, the energies of
        the electrons (``potential_eV``) and of all (``total_eV``).

    Examples
    --------
    >>> import numpy as np
    >>> series = Series()
    >>> series.append(0, 0.0, {"positions": np.ones((1, 3)), "velocities": np.zeros((1, 3)), "temperature": 0.0,
    ...                        "energy": {"nuclei": 0.0, "total": -0.5}})
    >>> text = trajectory(Atoms("H", cell=[3, 3, 3], pbc=True), series)
    >>> ase.io.read(io.StringIO(text), format="extxyz").positions.round(4).tolist()
    [[0.5292, 0.5292, 0.5292]]
    """
    frames = []
    columns = ("time", "temperature", "energy/total", "energy/nuclei", "positions", "velocities")
    for time, temperature, total, kinetic, x, v in zip(*(series[name] for name in columns), strict=True):
        frame = atoms.copy()
        frame.set_positions(x * Bohr)
        frame.set_velocities(v * (Bohr / AUT))
        frame.info = {
            "time_fs": units.from_atomic(float(time), "fs", "time"),
            "temperature_K": float(temperature),
            "potential_eV": float(total - kinetic) * Hartree,
            "total_eV": float(total) * Hartree,
        }
        frames.append(frame)
    text = io.StringIO()
    ase.io.write(text, frames, format="extxyz", parallel=False)  # the other ranks of a job are not here
    return text.getvalue()
