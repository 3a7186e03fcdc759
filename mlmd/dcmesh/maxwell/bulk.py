r"""Light inside an infinite medium that answers as a whole: one cell, with or without the field that it induces.

The current of the cell flows everywhere, so that its field has no slope (Gaussian atomic units, as in `wave`):

.. math:: A = A_{ext} + A_{ind}, \qquad \ddot A_{ind} = 4\pi c\,j .

A linear medium is then under the field E = E_ext / epsilon: that of a slab whose surfaces lie across the polarisation.
Without the induced field A is A_ext alone, the field inside is given, and the response is epsilon itself.

Of the work that the pulse does on the current, a part is in the induced field, :math:`E_{ind}^2/8\pi`, and the rest is
what the medium gains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...kernels.constants import SPEED_OF_LIGHT
from ...laser import Laser
from .medium import Medium
from .wave import Array


class Bulk:
    """One cell of a medium under a pulse and the field that it induces.

    Parameters
    ----------
    pulse : Laser
        The outer field.
    dt : float
        Time step, a.u.
    medium : Medium
        Of one cell.
    induced : bool
        Whether the induced field acts on the medium.

    Attributes
    ----------
    A : (1, 3) float64
        The field that acts, now.
    work : float
        Of the pulse on the current since the start, Ha/bohr^3.
    largest : float
        Largest work so far, Ha/bohr^3.

    Examples
    --------
    >>> from mlmd.dcmesh.maxwell import LorentzMedium
    >>> from mlmd.laser import SinSquaredPulse
    >>> pulse = SinSquaredPulse(photon_energy=0.05, length=1000.0, intensity=1e-8)
    >>> glass = LorentzMedium(cells=1, dt=0.25, plasma=0.5, resonance=0.5, damping=0.0)
    >>> bulk = Bulk(pulse, 0.25, glass)
    >>> for _ in range(2000):  # to the middle of the pulse, where E_ext is largest
    ...     bulk.advance()
    >>> bool(abs(float(bulk.field()[0, 2]) / pulse.peak_field - 1 / glass.dielectric(0.05).real) < 0.01)
    True
    """

    def __init__(self, pulse: Laser, dt: float, medium: Medium, induced: bool = True) -> None:
        self.pulse, self.dt, self.medium, self.induced = pulse, dt, medium, induced
        self.A = self._outer(0)
        self.before, self._older = self._outer(-1), self._outer(-2)
        self._own, self._own_before = np.zeros((1, 3)), np.zeros((1, 3))
        self.steps = 0
        self.work = self.largest = 0.0

    @property
    def time(self) -> float:
        """Time of `A`, a.u."""
        return self.steps * self.dt

    def _outer(self, step: int) -> Array:
        """The pulse's A at a step, (1, 3)."""
        return np.asarray(self.pulse.A(step * self.dt))[None]

    def advance(self) -> None:
        """One step of the field with the current now, then of the medium under the field."""
        j, c, n = self.medium.current(), SPEED_OF_LIGHT, self.steps
        outer = -(self._outer(n + 1) - self._outer(n - 1)) / (2.0 * c * self.dt)
        self.work += self.dt * float(np.sum(j * outer))
        self.largest = max(self.largest, abs(self.work))
        if self.induced:
            own = 2.0 * self._own - self._own_before + 4.0 * np.pi * c * self.dt**2 * j
            self._own_before, self._own = self._own, own
        self._older, self.before, self.A = self.before, self.A, self._outer(n + 1) + self._own
        self.steps += 1
        self.medium.advance(self._older, self.before, self.A)

    def field(self) -> Array:
        """Electric field half a step ago, (1, 3)."""
        return -(self.A - self.before) / (SPEED_OF_LIGHT * self.dt)

    def account(self, gained: Array) -> dict[str, float]:
        """Energies per volume half a step ago, Ha/bohr^3.

        Parameters
        ----------
        gained : (1,) float64
            What the medium has gained per volume until now.

        Returns
        -------
        dict
            ``work`` of the pulse, ``absorbed`` by the medium, ``field`` induced, and the ``imbalance``: the part of the
            largest work that is in none of them.
        """
        own = (self._own - self._own_before) / (SPEED_OF_LIGHT * self.dt)
        induced = float(np.sum(own**2)) / (8.0 * np.pi)
        half = 0.5 * self.dt * float(np.sum(self.medium.current() * self.field()))
        absorbed = float(gained.sum()) - half
        imbalance = (self.work - absorbed - induced) / max(self.largest, np.finfo(float).tiny)
        return {"work": self.work, "absorbed": absorbed, "field": induced, "imbalance": imbalance}

    def state(self) -> dict[str, Any]:
        """Everything that a continued run needs, but for the medium."""
        fields = {"A": self.A, "before": self.before, "older": self._older}
        own = {"own": self._own, "own_before": self._own_before}
        return fields | own | {"steps": self.steps, "work": self.work, "largest": self.largest}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` gave, bit for bit."""
        self.A, self.before, self._older = (np.array(state[name]) for name in ("A", "before", "older"))
        self._own, self._own_before = np.array(state["own"]), np.array(state["own_before"])
        self.steps, self.work, self.largest = int(state["steps"]), float(state["work"]), float(state["largest"])
