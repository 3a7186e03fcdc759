"""Equations of motion, step by step: velocity Verlet and what thermostats and barostats put around it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from ase import units

from .particles import Floats, System


class Field(Protocol):
    """What computes forces."""

    def update(self, system: System) -> None:
        """Compute forces, energy and virial."""


class Integrator(Protocol):
    """Moves a system by steps."""

    def step(self, system: System, field: Field) -> None:
        """One time step; forces of the system are those of its positions before and after."""

    def reservoir(self, system: System) -> float:
        """Energy in eV that, added to that of the system, is conserved."""

    def state(self) -> dict[str, Any]:
        """What the next step depends on, besides the system."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state."""


def kick(system: System, dt: float) -> None:
    """Momenta by the forces, p += dt F."""
    system.particles.momenta += dt * system.particles.forces


def drift(system: System, dt: float) -> None:
    """Positions by the momenta, x += dt p / m."""
    atoms = system.particles
    atoms.positions += dt * atoms.momenta / atoms.masses[:, None]


class VelocityVerlet:
    """Constant energy: half a kick, drift, half a kick (Swope et al., J. Chem. Phys. 76, 637 (1982)).

    Parameters
    ----------
    dt : float
        Time step in ASE's unit.
    """

    def __init__(self, dt: float) -> None:
        self.dt = dt

    def step(self, system: System, field: Field) -> None:
        """See `Integrator`."""
        kick(system, self.dt / 2)
        drift(system, self.dt)
        field.update(system)
        kick(system, self.dt / 2)

    def reservoir(self, system: System) -> float:
        """Nothing."""
        return 0.0

    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to take up."""


class Langevin:
    """Constant temperature by friction and noise on each atom (Bussi and Parrinello, Phys. Rev. E 75, 056707 (2007)).

    Half a step of friction stands before and after velocity Verlet:

        p <- c p + sqrt((1 - c^2) m k T) R,    c = exp(-gamma dt / 2)

    Noise depends on seed, step and number of the atom only: it is the same on any number of ranks.

    Parameters
    ----------
    dt : float
        Time step in ASE's unit.
    temperature : float
        In K.
    friction : float
        gamma, in the inverse of ASE's unit of time.
    seed : int
        Of the noise.
    """

    def __init__(self, dt: float, temperature: float, friction: float, seed: int) -> None:
        self._verlet, self._kT, self._seed = VelocityVerlet(dt), units.kB * temperature, seed
        self._keep = float(np.exp(-friction * dt / 2))
        self._taken = 0.0

    def heat_to(self, temperature: float) -> None:
        """Give the bath another temperature, in K."""
        self._kT = units.kB * temperature

    def step(self, system: System, field: Field) -> None:
        """See `Integrator`."""
        self._rub(system, 0)
        self._verlet.step(system, field)
        self._rub(system, 1)

    def _rub(self, system: System, half: int) -> None:
        before, atoms = system.kinetic_energy(), system.particles
        spread = np.sqrt((1 - self._keep**2) * self._kT * atoms.masses)
        atoms.momenta *= self._keep
        atoms.momenta += spread[:, None] * noise(self._seed, 2 * system.step + half, system.atoms)[atoms.ids]
        self._taken += before - system.kinetic_energy()

    def reservoir(self, system: System) -> float:
        """What the bath has taken so far."""
        return self._taken

    def state(self) -> dict[str, Any]:
        """See `Integrator`."""
        return {"taken": self._taken}

    def restore(self, state: dict[str, Any]) -> None:
        """See `Integrator`."""
        self._taken = state["taken"]


def noise(seed: int, moment: int, atoms: int) -> Floats:
    """Normal random numbers of all atoms, (atoms, 3), the same whenever they are asked for.

    Examples
    --------
    >>> bool(np.array_equal(noise(1, 7, 3), noise(1, 7, 5)[:3])), bool((noise(1, 7, 3) == noise(1, 8, 3)).any())
    (True, False)
    """
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, moment])).standard_normal((atoms, 3))
