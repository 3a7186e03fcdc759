"""A film in vacuum under a pulse: the wave, what fills some of its cells, and the account of energies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...backends import PlanError
from .medium import Medium
from .wave import Array, Wave


class Ends(NamedTuple):
    """Times (steps,), and A (steps, 3) of the pulse and the reflected light at the left, of the rest at the right."""

    times: Array
    incident: Array
    reflected: Array
    transmitted: Array


class Film:
    """A medium in the cells from ``first`` on.

    Parameters
    ----------
    wave : Wave
    medium : Medium
    first : int
        Its first cell; at least one cell of vacuum is on either side.

    Attributes
    ----------
    seen : (list, list)
        A (3,) at the left and the right end after each step.

    Raises
    ------
    PlanError
        If it does not fit.

    Examples
    --------
    >>> from mlmd.dcmesh.maxwell import LorentzMedium, Wave
    >>> from mlmd.laser import SinSquaredPulse
    >>> pulse = SinSquaredPulse(photon_energy=0.1, length=300.0, intensity=1e-6)
    >>> glass = LorentzMedium(cells=20, dt=0.25, plasma=0.5, resonance=0.5, damping=0.0)
    >>> film = Film(Wave(60, 50.0, 0.25, pulse), glass, first=20)
    >>> for _ in range(4000):
    ...     film.advance()
    >>> bool(abs(film.imbalance()) < 0.01)
    True
    """

    def __init__(self, wave: Wave, medium: Medium, first: int) -> None:
        if first < 1 or first + medium.cells > len(wave.A) - 1:
            raise PlanError(
                f"a medium of {medium.cells} cells from cell {first} on does not fit {len(wave.A)} cells with vacuum "
                f"at both ends; give {first + medium.cells + 1} cells or more, and first = 1 or more"
            )
        self.wave, self.medium = wave, medium
        self.place = slice(first, first + medium.cells)
        self._older = wave.before
        self._fluence = wave.fluence()
        self.seen: tuple[list[Array], list[Array]] = ([], [])

    @property
    def A(self) -> Array:
        """The field on all cells now, (cells, 3)."""
        return self.wave.A

    def advance(self) -> None:
        """One step of the wave with the currents now, then of the medium under the field."""
        wave, place = self.wave, self.place
        j = np.zeros_like(wave.A)
        j[place] = self.medium.current()
        wave.advance(j)
        for record, end in zip(self.seen, (0, -1), strict=True):
            record.append(wave.A[end].copy())
        self.medium.advance(self._older[place], wave.before[place], wave.A[place])
        self._older = wave.before

    def imbalance(self) -> float:
        """Part of the incident energy that was neither reflected, transmitted or absorbed nor is in the field.

        What is absorbed is taken from the work of the field, see `account` for what the medium itself says.
        """
        book = self.wave.ledger
        known = book.reflected + book.transmitted + book.absorbed + self.wave.energy()
        return (book.incident - known) / max(book.incident, np.finfo(float).tiny)

    def account(self, gained: Array) -> dict[str, float]:
        """Energies per area half a step ago, Ha/bohr^2.

        Parameters
        ----------
        gained : (cells of the medium,) float64
            What the medium has gained per volume until now.

        Returns
        -------
        dict
            ``incident``, ``reflected`` and ``transmitted`` through the ends, ``work`` of the field on the currents,
            ``absorbed`` by the medium, ``field`` between the ends, and the ``imbalance``: the part of the whole pulse
            that came in and is in none of reflected, transmitted, absorbed and field.
        """
        wave, book = self.wave, self.wave.ledger
        half = 0.5 * wave.dt * float(np.sum(self.medium.current() * wave.field()[self.place]))
        absorbed = wave.spacing * (float(gained.sum()) - half)
        missing = book.incident - book.reflected - book.transmitted - absorbed - wave.energy()
        return {
            "incident": book.incident,
            "reflected": book.reflected,
            "transmitted": book.transmitted,
            "work": book.absorbed,
            "absorbed": absorbed,
            "field": wave.energy(),
            "imbalance": missing / max(self._fluence, np.finfo(float).tiny),
        }

    def ends(self) -> Ends:
        """What the ends have seen so far."""
        times = self.wave.dt * np.arange(1.0, len(self.seen[0]) + 1.0)
        left, right = (np.array(record, dtype=float).reshape(-1, 3) for record in self.seen)
        came = np.array([self.wave.pulse.A(t) for t in times], dtype=float).reshape(-1, 3)
        return Ends(times, came, np.asarray(left - came), right)

    def intensities(self, omega: Array) -> tuple[Array, ...]:
        """|E(omega)|^2 of the incident, reflected and transmitted light, over all polarisations, arbitrary units.

        Raises
        ------
        PlanError
            Before the first step.
        """
        if not self.seen[0]:
            raise PlanError("there is no spectrum before the first step; call advance() until the light is gone")
        times, *waves = self.ends()
        fields = [np.diff(wave, axis=0, prepend=0.0) for wave in waves]  # E: A may stay behind where light is gone
        found = np.array([[np.exp(1j * w * times) @ E for w in omega] for E in fields])
        return tuple(np.sum(np.abs(found) ** 2, axis=2))

    def spectra(self, omega: Array) -> tuple[Array, Array]:
        """Reflected and transmitted parts of the incident intensity at some frequencies; see `intensities`."""
        incident, reflected, transmitted = self.intensities(omega)
        return reflected / incident, transmitted / incident

    def state(self) -> dict[str, Any]:
        """Everything that a continued run needs, but for the medium."""
        left, right = (np.array(record).reshape(-1, 3) for record in self.seen)
        return {"wave": self.wave.state(), "older": self._older, "left": left, "right": right}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` gave, bit for bit."""
        self.wave.restore(state["wave"])
        self._older = np.array(state["older"])
        self.seen = (list(np.array(state["left"])), list(np.array(state["right"])))
