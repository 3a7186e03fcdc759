"""What was observed at each sampled time of a run, as columns with units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import NumericsError


class Column(NamedTuple):
    """Unit and meaning of a column."""

    unit: str
    meaning: str


IMBALANCE = "light/imbalance"
_ACCOUNT = "hartree/bohr^2 (of a single cell: hartree/bohr^3)"
COLUMNS: Mapping[str, Column] = {
    "step": Column("1", "number of time steps done"),
    "time": Column("hbar/hartree", "time"),
    "n_exc": Column("electron", "electrons excited out of the initially occupied bands"),
    "f": Column("electron", "occupation of the initial bands, [k-point, band]"),
    "A": Column("a.u. (Gaussian; momentum is p + A/c)", "vector potential of the light"),
    "J": Column("1/(bohr^2 hbar/hartree)", "current density of the electrons as particles (charge -1), cell average"),
    "polarization": Column("e/bohr^2", "change of the polarisation since the start"),
    "norm": Column("1", "largest deviation of the norm of an orbital from 1"),
    "positions": Column("bohr", "positions of the nuclei, [atom, axis]"),
    "velocities": Column("bohr hartree/hbar", "velocities of the nuclei, [atom, axis]"),
    "temperature": Column("K", "of the nuclei, from their kinetic energy in 3 coordinates each"),
    "active": Column("1", "states of the electrons, from 0, first of one spin, then of the other; -1 before hopping"),
    "hops": Column("1", "hops so far"),
    "frustrated": Column("1", "hops so far that the nuclei could not pay for"),
    "domains/n_exc": Column("electron", "excited electrons, [domain]"),
    "domains/A": Column("a.u. (Gaussian; momentum is p + A/c)", "vector potential in each domain, [domain, axis]"),
    "domains/J": Column("1/(bohr^2 hbar/hartree)", "particle current density of each domain, [domain, axis]"),
    "domains/gained": Column("hartree/bohr^3", "energy per volume that a domain has gained, [domain]"),
    "light/A": Column("a.u. (Gaussian; momentum is p + A/c)", "vector potential on all cells, [cell, axis]"),
    "light/incident": Column(_ACCOUNT, "energy of the light that has come in"),
    "light/reflected": Column(_ACCOUNT, "energy that has left by the way it came"),
    "light/transmitted": Column(_ACCOUNT, "energy that has left at the far end"),
    "light/work": Column(_ACCOUNT, "work of the field on the currents; in a single cell that of the outer field"),
    "light/absorbed": Column(_ACCOUNT, "energy that the electrons have gained"),
    "light/field": Column(_ACCOUNT, "energy of the field between the ends; in a single cell of the induced field"),
    IMBALANCE: Column("1", "part of the energy that is in no other column"),
}
"""The columns with a fixed name; others are energies, ``energy/TERM``."""

ENERGY = Column("hartree", "energy of the cell")


class Series:
    """Observations in the order of time.

    Examples
    --------
    >>> series = Series()
    >>> series.append(0, 0.0, {"n_exc": 0.0, "energy": {"total": -1.1}})
    >>> series.append(10, 0.4, {"n_exc": 0.1, "energy": {"total": -1.0}})
    >>> series["energy/total"]
    array([-1.1, -1. ])
    >>> len(series)
    2
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return len(self._rows.get("step", []))

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def __getitem__(self, name: str) -> NDArray[Any]:
        return np.asarray(self._rows[name])

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self._rows)

    def append(self, step: int, time: float, observation: Mapping[str, Any]) -> None:
        """Add the observation of one time.

        Parameters
        ----------
        step : int
            Steps done.
        time : float
            Time in atomic units.
        observation : mapping
            Names to numbers or arrays; a mapping under ``"energy"`` holds the terms.

        Raises
        ------
        NumericsError
            When a number is NaN or infinite.
        """
        row: dict[str, Any] = {"step": step, "time": time}
        for name, value in observation.items():
            if isinstance(value, Mapping):
                row.update({f"{name}/{term}": number for term, number in value.items()})
            else:
                row[name] = value
        for name, value in row.items():
            if not np.all(np.isfinite(value)):
                raise NumericsError(f"step {step}: '{name}' is NaN or infinite")
        for name, value in row.items():
            self._rows.setdefault(name, []).append(value)

    def write(self, group: h5py.Group) -> None:
        """Store all columns with their units.

        Parameters
        ----------
        group : h5py.Group
            Empty group that receives them.
        """
        for name in self.names:
            column = ENERGY if name.startswith("energy/") else COLUMNS.get(name, Column("", ""))
            data = group.create_dataset(name, data=self[name])
            data.attrs["unit"] = column.unit
            data.attrs["description"] = column.meaning

    @classmethod
    def read(cls, group: h5py.Group) -> Series:
        """Return the columns that :meth:`write` stored.

        Parameters
        ----------
        group : h5py.Group
            Where they were stored.

        Returns
        -------
        Series
            The same to the last bit.
        """
        series = cls()

        def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                series._rows[name] = list(item[()])

        group.visititems(visit)
        return series
