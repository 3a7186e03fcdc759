"""Constant temperature by a Nose-Hoover chain (Martyna, Klein and Tuckerman, J. Chem. Phys. 97, 2635 (1992)).

A kinetic energy K of n degrees of freedom is coupled to a chain of thermostats eta_1, eta_2, ... with momenta p_k and
inertias Q_1 = n k T tau^2, Q_k = k T tau^2:

    p' = F - (p_1 / Q_1) p,    p_1' = 2 K - n k T - (p_2 / Q_2) p_1,
    p_k' = p_{k-1}^2 / Q_{k-1} - k T - (p_{k+1} / Q_{k+1}) p_k

integrated by factors of the Liouville operator with a fourth-order Suzuki-Yoshida scheme, as ASE does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import units

from .integrators import Field, VelocityVerlet
from .particles import System

_W = 1 / (2 - 2 ** (1 / 3))
SUZUKI_YOSHIDA = (_W, 1 - 2 * _W, _W)


class Chain:
    """Thermostats in a chain.

    Parameters
    ----------
    temperature : float
        In K.
    period : float
        tau, in ASE's unit of time.
    degrees : int
        Degrees of freedom n of the kinetic energy.
    length : int
        Thermostats.

    Examples
    --------
    >>> chain = Chain(300.0, 10.0, degrees=6)
    >>> chain.factor(6 * units.kB * 300.0, 1.0), chain.factor(12 * units.kB * 300.0, 1.0) < 1
    (1.0, True)
    """

    def __init__(self, temperature: float, period: float, degrees: int, length: int = 3) -> None:
        self.kT, self.degrees = units.kB * temperature, degrees
        self.inertia = np.full(length, self.kT * period**2)
        self.inertia[0] *= degrees
        self.eta, self.momenta = np.zeros(length), np.zeros(length)

    def factor(self, twice_kinetic: float, dt: float) -> float:
        """Advance the chain by dt beside a kinetic energy; the factor by which the momenta of that shrink."""
        scale = 1.0
        for weight in SUZUKI_YOSHIDA:
            h = weight * dt
            for k in reversed(range(len(self.eta))):
                self._push(k, twice_kinetic * scale**2, h / 2)
            self.eta += h * self.momenta / self.inertia
            scale *= float(np.exp(-h * self.momenta[0] / self.inertia[0]))
            for k in range(len(self.eta)):
                self._push(k, twice_kinetic * scale**2, h / 2)
        return scale

    def _push(self, k: int, twice_kinetic: float, h: float) -> None:
        p, q, kT = self.momenta, self.inertia, self.kT
        drag = float(np.exp(-h / 2 * p[k + 1] / q[k + 1])) if k + 1 < len(p) else 1.0
        force = twice_kinetic - self.degrees * kT if k == 0 else p[k - 1] ** 2 / q[k - 1] - kT
        p[k] = (p[k] * drag + h * force) * drag

    @property
    def energy(self) -> float:
        """Of the chain, in eV: with that of the system it is conserved."""
        heat = self.degrees * self.eta[0] + self.eta[1:].sum()
        return float(self.kT * heat + 0.5 * np.sum(self.momenta**2 / self.inertia))

    def state(self) -> dict[str, Any]:
        """Of the chain."""
        return {"eta": self.eta.copy(), "momenta": self.momenta.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state."""
        self.eta, self.momenta = state["eta"].copy(), state["momenta"].copy()


class NoseHoover:
    """Velocity Verlet between two half steps of a chain.

    Parameters
    ----------
    dt : float
        Time step in ASE's unit.
    temperature : float
        In K.
    period : float
        Of the thermostat, in ASE's unit of time.
    degrees : int
        Degrees of freedom: 3 N - 3 where the total momentum is zero.
    """

    def __init__(self, dt: float, temperature: float, period: float, degrees: int) -> None:
        self._verlet, self.chain = VelocityVerlet(dt), Chain(temperature, period, degrees)

    def step(self, system: System, field: Field) -> None:
        """See `Integrator`."""
        self._thermostat(system)
        self._verlet.step(system, field)
        self._thermostat(system)

    def _thermostat(self, system: System) -> None:
        system.particles.momenta *= self.chain.factor(2 * system.kinetic_energy(), self._verlet.dt / 2)

    def reservoir(self, system: System) -> float:
        """Energy of the chain."""
        return self.chain.energy

    def state(self) -> dict[str, Any]:
        """See `Integrator`."""
        return self.chain.state()

    def restore(self, state: dict[str, Any]) -> None:
        """See `Integrator`."""
        self.chain.restore(state)
