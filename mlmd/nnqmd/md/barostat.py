"""Constant temperature and pressure (Martyna, Tobias and Klein, J. Chem. Phys. 101, 4177 (1994)).

The cell is stretched along the axes x, y, z by rates v_a, either each on its own or all alike. With n degrees of
freedom, inertia W = (n / 3 + 1) k T tau^2 and the pressure tensor P,

    x_a' = p_a / m + v_a x_a,    p_a' = F_a - (v_a + sum_b v_b / n) p_a,    W v_a' = V (P_aa - P_0) + 2 K / n

where for one common rate the right-hand side of the last is its mean over the axes. Atoms and cell have a chain of
thermostats each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import units
from scipy.special import exprel

from .integrators import Field
from .nose_hoover import Chain
from .particles import System


class Barostat:
    """Constant pressure, isotropic or along three axes.

    Parameters
    ----------
    dt : float
        Time step in ASE's unit.
    temperature : float
        In K.
    pressure : float
        P_0, in eV/Angstrom^3.
    periods : (float, float)
        Of the thermostats and of the barostat, in ASE's unit of time.
    degrees : int
        Degrees of freedom of the atoms.
    isotropic : bool
        One common rate.
    """

    def __init__(
        self,
        dt: float,
        temperature: float,
        pressure: float,
        periods: tuple[float, float],
        degrees: int,
        isotropic: bool = True,
    ) -> None:
        self._dt, self._pressure, self._degrees, self._isotropic = dt, pressure, degrees, isotropic
        self.inertia = (degrees / 3 + 1) * units.kB * temperature * periods[1] ** 2
        self.atoms = Chain(temperature, periods[0], degrees)
        self.cell = Chain(temperature, periods[1], 1 if isotropic else 3)
        self.rates = np.zeros(3)

    def step(self, system: System, field: Field) -> None:
        """See `Integrator`."""
        half = self._dt / 2
        self._thermostats(system, half)
        self._push_cell(system, half)
        self._kick(system, half)
        self._drift(system)
        field.update(system)
        self._kick(system, half)
        self._push_cell(system, half)
        self._thermostats(system, half)

    def _thermostats(self, system: System, dt: float) -> None:
        self.rates *= self.cell.factor(self.inertia * float(self.rates @ self.rates), dt)
        system.particles.momenta *= self.atoms.factor(2 * system.kinetic_energy(), dt)

    def _push_cell(self, system: System, dt: float) -> None:
        kinetic = system.kinetic()
        work = system.volume * (np.diag(system.pressure(kinetic)) - self._pressure) + np.trace(kinetic) / self._degrees
        self.rates += dt / self.inertia * (work.mean() if self._isotropic else work)

    def _kick(self, system: System, dt: float) -> None:
        drag = dt * (self.rates + self.rates.sum() / self._degrees)
        atoms = system.particles
        atoms.momenta = atoms.momenta * np.exp(-drag) + dt * atoms.forces * exprel(-drag)

    def _drift(self, system: System) -> None:
        stretch, atoms = self._dt * self.rates, system.particles
        way = self._dt * atoms.momenta / atoms.masses[:, None]
        atoms.positions = atoms.positions * np.exp(stretch) + way * exprel(stretch)
        system.cell = system.cell * np.exp(stretch)

    def reservoir(self, system: System) -> float:
        """Energies of both chains, of the moving cell, and P_0 V."""
        moving = 0.5 * self.inertia * float(self.rates @ self.rates)
        return self.atoms.energy + self.cell.energy + moving + self._pressure * system.volume

    def state(self) -> dict[str, Any]:
        """See `Integrator`."""
        return {"rates": self.rates.copy(), "atoms": self.atoms.state(), "cell": self.cell.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """See `Integrator`."""
        self.rates = state["rates"].copy()
        self.atoms.restore(state["atoms"])
        self.cell.restore(state["cell"])
