r"""Light along one axis: the vector potential A(X, t), polarised across it, on a row of cells.

.. math:: \frac{1}{c^2}\ddot A - \partial_X^2 A = \frac{4\pi}{c} j

with the charge current density j of whatever fills a cell (Gaussian atomic units; electrons that flow with the particle
current J make j = -J).  Second order in time and space (leap-frog):

.. math:: A^{n+1} = 2A^n - A^{n-1} + s^2 (A^n_{i+1} - 2A^n_i + A^n_{i-1}) + 4\pi c\,\Delta t^2 j^n

with s the cells that light goes through in a step.  Both ends let waves out; through the left one the incoming pulse
enters.  With s = 1 nothing is wrong with a wave in vacuum; with s < 1 its phase falls behind by
:math:`(1 - s^2)(\omega\Delta X/c)^2/24` of itself.

The work of the field on the currents, the change of the field's own energy and the flow through both ends add up to
nothing: the first two are those that leap-frog conserves, the flow is that of the waves at the ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from ...backends import PlanError
from ...kernels.constants import SPEED_OF_LIGHT
from ...laser import Laser
from ..errors import LightError

Array = NDArray[np.float64]


@dataclass
class Ledger:
    """Energies per area since the start, Ha/bohr^2.

    Attributes
    ----------
    incident, reflected, transmitted : float
        Through the ends.
    absorbed : float
        Work of the field on the currents.
    """

    incident: float = 0.0
    reflected: float = 0.0
    transmitted: float = 0.0
    absorbed: float = 0.0


class Wave:
    r"""The field on its row of cells.

    Parameters
    ----------
    cells : int
        Three or more, the outermost in vacuum.
    spacing : float
        Length of a cell along X, bohr.
    dt : float
        Time step, a.u.; light may not go further than a cell in it.
    pulse : Laser
        What comes from the left: the pulse's A at the first cell, as it would be in vacuum.
    axis : int, optional
        Which of x, y, z is X. The component of A along it does not travel: it is the field of the charges that a
        current along X piles up, :math:`\ddot A_X = 4\pi c\,j_X` in each cell by itself. Without it all three travel.

    Attributes
    ----------
    A, before : (cells, 3) float64
        The field now and one step ago.
    steps : int
    ledger : Ledger

    Raises
    ------
    PlanError
        For fewer than three cells, a step that is too long, or light that is polarised along the axis.

    Examples
    --------
    >>> from mlmd.laser import SinSquaredPulse
    >>> pulse = SinSquaredPulse(photon_energy=0.1, length=200.0, intensity=1e-6)
    >>> wave = Wave(cells=50, spacing=50.0, dt=50.0 / SPEED_OF_LIGHT, pulse=pulse)
    >>> for _ in range(1000):
    ...     wave.advance(np.zeros((50, 3)))
    >>> bool(np.isclose(wave.ledger.transmitted, wave.ledger.incident, rtol=1e-3))
    True
    """

    def __init__(self, cells: int, spacing: float, dt: float, pulse: Laser, axis: int | None = None) -> None:
        if cells < 3:
            raise PlanError(f"cells is {cells}; give 3 or more: light needs vacuum at both ends")
        self.ratio = SPEED_OF_LIGHT * dt / spacing
        if not 0.0 < self.ratio <= 1.0 + 1e-12:
            raise PlanError(
                f"dt is {dt:g} for cells of {spacing:g} bohr: light goes through {self.ratio:.3g} of them in a step; "
                f"give a step above zero and up to {spacing / SPEED_OF_LIGHT:.4g}"
            )
        self.spacing, self.dt, self.pulse = spacing, dt, pulse
        self._across = np.arange(3) != axis
        if self._pulse_steps()[:, ~self._across].any():
            raise PlanError(f"the light is polarised along the axis {'xyz'[axis or 0]} that it goes along; turn one")
        self.A = np.zeros((cells, 3))
        self.before = np.zeros((cells, 3))
        self.steps = 0
        self.ledger = Ledger()

    @property
    def time(self) -> float:
        """Time of `A`, a.u."""
        return self.steps * self.dt

    def advance(self, j: Array) -> None:
        """One step with the charge currents of the cells now.

        Parameters
        ----------
        j : (cells, 3) float64
            Charge current densities, zero in the first and the last cell.
        """
        A, s = self.A, self.ratio
        after = np.empty_like(A)
        bend = (A[2:] - 2.0 * A[1:-1] + A[:-2]) * self._across
        after[1:-1] = 2.0 * A[1:-1] - self.before[1:-1] + s * s * bend
        after[1:-1] += 4.0 * np.pi * SPEED_OF_LIGHT * self.dt**2 * j[1:-1]
        # What leaves obeys the one-way wave equation; at the left that is the field without the incoming pulse.
        out = (s - 1.0) / (s + 1.0)
        after[-1] = A[-2] + out * (after[-2] - A[-1])
        left = [self._incoming(0, 1), self._incoming(1, 0), self._incoming(1, 1)]
        leaving = (A[1] - left[1]) + out * ((after[1] - left[2]) - (A[0] - self._incoming(0, 0)))
        after[0] = left[0] + leaving
        after[0 :: len(A) - 1, ~self._across] = 0.0
        self._book(after, j, left[0])
        self.before, self.A = A, after
        self.steps += 1

    def field(self) -> Array:
        """Electric field half a step ago, (cells, 3)."""
        return -(self.A - self.before) / (SPEED_OF_LIGHT * self.dt)

    def energy(self) -> float:
        """Energy of the field between the ends half a step ago, Ha/bohr^2: the form that leap-frog conserves.

        Of the first and the last cell a half is between the ends.
        """
        squares, slopes = np.sum(self.field() ** 2, axis=1), np.diff(self.A, axis=0) * np.diff(self.before, axis=0)
        return float(self.spacing * trapezoid(squares) + np.sum(slopes[:, self._across]) / self.spacing) / (8.0 * np.pi)

    def fluence(self) -> float:
        """Energy per area of the whole pulse, Ha/bohr^2: what `Ledger.incident` comes to."""
        A = self._pulse_steps()
        E = (A[2:] - A[:-2]) / (2.0 * SPEED_OF_LIGHT * self.dt)
        return SPEED_OF_LIGHT / (4.0 * np.pi) * self.dt * float(np.sum(E**2))

    def _pulse_steps(self) -> Array:
        """A of the pulse (steps, 3), from a step before the start to a step after its end."""
        return np.array([self.pulse.A(n * self.dt) for n in range(-1, math.ceil(self.pulse.duration / self.dt) + 2)])

    def state(self) -> dict[str, Any]:
        """Everything that a continued run needs."""
        return {"A": self.A, "before": self.before, "steps": self.steps, "ledger": asdict(self.ledger)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` gave, bit for bit."""
        self.A, self.before, self.steps = np.array(state["A"]), np.array(state["before"]), int(state["steps"])
        self.ledger = Ledger(**state["ledger"])

    def _incoming(self, cell: int, steps: int) -> Array:
        """The pulse in vacuum at one of the first cells, some steps from now."""
        return np.asarray(self.pulse.A(self.time + steps * self.dt - cell * self.spacing / SPEED_OF_LIGHT))

    def _book(self, after: Array, j: Array, pulse: Array) -> None:
        """Energies of this step, the pulse's A after it given: a wave of one direction carries c E^2 / 4 pi."""
        E = -(after - self.before) / (2.0 * SPEED_OF_LIGHT * self.dt)
        come = -(pulse - self._incoming(0, -1)) / (2.0 * SPEED_OF_LIGHT * self.dt)
        flow = SPEED_OF_LIGHT / (4.0 * np.pi) * self.dt
        self.ledger.incident += flow * float(come @ come)
        self.ledger.reflected += flow * float((E[0] - come) @ (E[0] - come))
        self.ledger.transmitted += flow * float(E[-1] @ E[-1])
        self.ledger.absorbed += self.dt * self.spacing * float(np.sum(j[1:-1] * E[1:-1]))


def check_coupling(spacing: float, dt: float, plasma: float) -> None:
    r"""Refuse a step in which the wave and the electrons that answer it would grow without limit.

    Electrons answer fast changes of A by the current :math:`-\omega_p^2 A/4\pi c`, so that leap-frog is stable while
    :math:`s^2 + (\omega_p\Delta t/2)^2 \le 1`.

    Parameters
    ----------
    spacing, dt : float
        Cell (bohr; infinite for a field without slope) and step (a.u.) of the wave.
    plasma : float
        Plasma frequency of all electrons that move, :math:`\sqrt{4\pi n}`, hartree.

    Raises
    ------
    LightError
        The step is too long.

    Examples
    --------
    >>> check_coupling(spacing=100.0, dt=0.8, plasma=0.6)
    Traceback (most recent call last):
        ...
    mlmd.dcmesh.errors.LightError: a step of the wave of 0.8 a.u. is too long, the field would grow without
    limit: give one up to 0.7129 a.u. by fewer steps of LFD in it, or longer cells
    """
    longest = 1.0 / math.hypot(SPEED_OF_LIGHT / spacing, 0.5 * plasma)
    if dt > longest:
        raise LightError(
            "[maxwell] stride",
            f"a step of the wave of {dt:.4g} a.u. is too long, the field would grow without limit: give one up to "
            f"{longest:.4g} a.u. by fewer steps of LFD in it, or longer cells",
        )
