"""A film in vacuum under a pulse: the wave, what fills some of its cells, and the account of energies."""

from __future__ import annotations

import numpy as np

from ...backends import PlanError
from .medium import Medium
from .wave import Array, Wave


class Film:
    """A medium in the cells from ``first`` on.

    Parameters
    ----------
    wave : Wave
    medium : Medium
    first : int
        Its first cell; at least one cell of vacuum is on either side.

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
        self._place = slice(first, first + medium.cells)
        self._older = wave.before
        self.seen: tuple[list[Array], list[Array]] = ([], [])  # A at both ends, step by step

    def advance(self) -> None:
        """One step of the wave with the currents now, then of the medium under the field."""
        wave, place = self.wave, self._place
        j = np.zeros_like(wave.A)
        j[place] = self.medium.current()
        wave.advance(j)
        for record, end in zip(self.seen, (0, -1), strict=True):
            record.append(wave.A[end].copy())
        self.medium.advance(self._older[place], wave.before[place], wave.A[place])
        self._older = wave.before

    def imbalance(self) -> float:
        """Part of the incident energy that was neither reflected, transmitted or absorbed nor is in the field."""
        book = self.wave.ledger
        known = book.reflected + book.transmitted + book.absorbed + self.wave.energy()
        return (book.incident - known) / max(book.incident, np.finfo(float).tiny)

    def spectra(self, omega: Array, axis: int = 2) -> tuple[Array, Array]:
        """Reflected and transmitted parts of the incident intensity at some frequencies, of one polarisation.

        Raises
        ------
        PlanError
            Before the first step.
        """
        if not self.seen[0]:
            raise PlanError("there is no spectrum before the first step; call advance() until the light is gone")
        wave = self.wave
        times = (np.arange(len(self.seen[0])) + 1) * wave.dt
        came = np.array([wave.pulse.A(t)[axis] for t in times])
        left, right = (np.array(record)[:, axis] for record in self.seen)
        kernel = np.exp(1j * np.outer(omega, times))
        incident = np.abs(kernel @ came) ** 2
        return np.abs(kernel @ (left - came)) ** 2 / incident, np.abs(kernel @ right) ** 2 / incident
