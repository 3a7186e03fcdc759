"""What fills cells of the wave: something that answers a vector potential with a current."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ...kernels.constants import SPEED_OF_LIGHT
from .wave import Array


class Medium(Protocol):
    """A row of cells, each of which feels its own A."""

    @property
    def cells(self) -> int:
        """How many there are."""

    def current(self) -> Array:
        """Charge current densities now, (cells, 3)."""

    def advance(self, before: Array, now: Array, after: Array) -> None:
        """Go on by one step of the wave, while A goes from ``now`` to ``after``, each (cells, 3); it was ``before``."""


class LorentzMedium:
    r"""Oscillators: :math:`\ddot P + \gamma\dot P + \omega_0^2 P = \frac{\omega_p^2}{4\pi} E`, j = dP/dt.

    Its dielectric function is 1 + omega_p^2 / (omega_0^2 - omega^2 - i gamma omega): linear, and known.

    Parameters
    ----------
    cells : int
    dt : float
        Step of the wave, a.u.
    plasma, resonance, damping : float
        omega_p, omega_0 and gamma, hartree.

    Examples
    --------
    >>> LorentzMedium(1, 0.1, plasma=0.2, resonance=0.1, damping=0.0).dielectric(0.0)
    (5+0j)
    """

    def __init__(self, cells: int, dt: float, plasma: float, resonance: float, damping: float) -> None:
        self.dt, self.plasma, self.resonance, self.damping = dt, plasma, resonance, damping
        self.P = np.zeros((cells, 3))
        self.before = np.zeros((cells, 3))
        self._j = np.zeros((cells, 3))

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self.P)

    def dielectric(self, omega: float) -> complex:
        """Dielectric function at a frequency."""
        return 1.0 + self.plasma**2 / (self.resonance**2 - omega**2 - 1j * self.damping * omega)

    def current(self) -> Array:
        """Charge current densities now."""
        return self._j

    def advance(self, before: Array, now: Array, after: Array) -> None:
        """Polarisation at the next step by leap-frog; the current there looks one half of a step back and ahead."""
        dt, half = self.dt, 0.5 * self.damping * self.dt
        E = -(after - before) / (2.0 * SPEED_OF_LIGHT * dt)
        pull = self.plasma**2 / (4.0 * np.pi) * E - self.resonance**2 * self.P
        new = (2.0 * self.P - (1.0 - half) * self.before + dt * dt * pull) / (1.0 + half)
        self.before, self.P = self.P, new
        E_after = E + (after - 2.0 * now + before) / (-SPEED_OF_LIGHT * dt)
        acceleration = self.plasma**2 / (4.0 * np.pi) * E_after - self.resonance**2 * new
        velocity = (self.P - self.before) / dt
        self._j = (velocity + 0.5 * dt * acceleration) / (1.0 + half)
