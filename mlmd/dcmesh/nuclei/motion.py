"""Classical nuclei under forces of the electrons, moved by the integrators of ASE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.md.md import MolecularDynamics
from ase.md.nose_hoover_chain import NoseHooverChainNVT
from ase.md.velocitydistribution import Stationary
from ase.md.verlet import VelocityVerlet
from ase.units import AUT, Bohr, Hartree
from numpy.typing import NDArray

Array = NDArray[np.float64]
Force = Callable[[Atoms], Array]
THERMOSTATS = ("none", "langevin", "nose-hoover")


class Nuclei:
    """Positions and velocities, and how they go on.

    Parameters
    ----------
    atoms : ase.Atoms
        Where they start; copied. Its velocities are kept unless a temperature is given.
    force : callable
        ``force(atoms)`` gives the forces (natoms, 3), Ha/bohr, on atoms that may just have moved.
    dt : float
        Time between two moves, a.u.
    temperature : float
        Of the first velocities and of the thermostat, Ha; with 0 and no thermostat nothing is drawn.
    thermostat : str
        ``"none"`` (velocity Verlet), ``"langevin"`` or ``"nose-hoover"`` (a chain of three).
    relaxation_time : float
        Inverse friction, or time constant of the chain, a.u.
    masses : dict, optional
        Element to mass in unified atomic mass units, instead of the standard one.
    seed : int
        Of the velocities and of Langevin's random forces.

    Examples
    --------
    A pair on a spring of 0.5 Ha/bohr^2 keeps its energy:

    >>> pair = Atoms("H2", [[0, 0, 0], [0, 0, 1.6 * Bohr]], cell=[5, 5, 5], pbc=True)
    >>> def spring(atoms):
    ...     pull = 0.5 * (atoms.get_distance(0, 1) / Bohr - 1.4)
    ...     return np.array([[0, 0, pull], [0, 0, -pull]])
    >>> nuclei = Nuclei(pair, spring, dt=2.0)
    >>> for _ in range(100):
    ...     nuclei.move()
    >>> stretch = nuclei.atoms.get_distance(0, 1) / Bohr - 1.4
    >>> bool(abs(nuclei.kinetic_energy + 0.25 * stretch**2 - 0.01) < 2e-5)
    True
    """

    def __init__(
        self,
        atoms: Atoms,
        force: Force,
        dt: float,
        temperature: float = 0.0,
        thermostat: str = "none",
        relaxation_time: float = 4000.0,
        masses: dict[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        self.atoms, self.force = atoms.copy(), force
        if masses:
            standard = zip(atoms.symbols, atoms.get_masses(), strict=True)
            self.atoms.set_masses([masses.get(element, mass) for element, mass in standard])
        self.atoms.calc = self
        self.rng, self.kelvin = np.random.default_rng(seed), temperature * Hartree / units.kB
        if temperature > 0.0:
            widths = np.sqrt(self.atoms.get_masses() * units.kB * self.kelvin)  # Maxwell and Boltzmann's
            self.atoms.set_momenta(widths[:, None] * self.rng.standard_normal((len(self.atoms), 3)))
            Stationary(self.atoms)
        self._time, self._relaxation = dt * AUT, relaxation_time * AUT
        self.thermostat = thermostat
        self._integrator = self._make_integrator()

    def _make_integrator(self) -> MolecularDynamics:
        match self.thermostat:
            case "langevin":
                friction = 1.0 / self._relaxation
                return Langevin(
                    self.atoms, self._time, temperature_K=self.kelvin, friction=friction, fixcm=False, rng=self.rng
                )
            case "nose-hoover":
                return NoseHooverChainNVT(self.atoms, self._time, temperature_K=self.kelvin, tdamp=self._relaxation)
        return VelocityVerlet(self.atoms, self._time)

    def get_forces(self, atoms: Atoms) -> Array:
        """Forces in eV/Angstrom: all that the integrators ask a calculator for."""
        return self.force(atoms) * (Hartree / Bohr)

    def move(self) -> None:
        """One step: forces at the old and at the new places, with the electrons of this moment."""
        self._integrator.step()

    @property
    def masses(self) -> Array:
        """(3 natoms,) electron masses, one for each coordinate."""
        return np.repeat(self.atoms.get_masses() * (units._amu / units._me), 3)

    @property
    def velocities(self) -> Array:
        """(natoms, 3) bohr per a.u. of time."""
        return np.asarray(self.atoms.get_velocities() * (AUT / Bohr))

    @velocities.setter
    def velocities(self, v: Array) -> None:
        self.atoms.set_velocities(v * (Bohr / AUT))
        self._synchronise()

    @property
    def kinetic_energy(self) -> float:
        """Ha."""
        return float(self.atoms.get_kinetic_energy() / Hartree)

    def observe(self) -> dict[str, Any]:
        """Positions and velocities (natoms, 3) in a.u., and the temperature of all 3 natoms coordinates in kelvin."""
        return {
            "positions": self.atoms.positions / Bohr,
            "velocities": self.velocities,
            "temperature": float(self.atoms.get_temperature()),
        }

    def _chain(self) -> Any:
        """The chain of thermostats, which ASE offers no other way to save."""
        assert isinstance(self._integrator, NoseHooverChainNVT)
        return self._integrator._thermostat

    def _synchronise(self) -> None:
        """The chain's integrator has copies of positions and momenta of its own."""
        if isinstance(self._integrator, NoseHooverChainNVT):
            self._integrator._q, self._integrator._p = self.atoms.get_positions(), self.atoms.get_momenta()

    def state(self) -> dict[str, Any]:
        """All that a bit-for-bit continuation needs."""
        state = {
            "positions": self.atoms.get_positions(),
            "momenta": self.atoms.get_momenta(),
            "random": pack_random(self.rng),
        }
        if self.thermostat == "nose-hoover":
            state |= {"chain": np.array([self._chain()._eta, self._chain()._p_eta])}
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        self.atoms.set_positions(state["positions"])
        self.atoms.set_momenta(state["momenta"])
        self._synchronise()
        unpack_random(self.rng, state["random"])
        if self.thermostat == "nose-hoover":
            self._chain()._eta, self._chain()._p_eta = (np.array(row) for row in state["chain"])


def pack_random(rng: np.random.Generator) -> NDArray[np.uint64]:
    """The state of a PCG64 generator as an array that HDF5 can hold."""
    inner = rng.bit_generator.state
    words = [inner["state"][name] >> shift & (2**64 - 1) for name in ("state", "inc") for shift in (0, 64)]
    return np.array([*words, inner["has_uint32"], inner["uinteger"]], np.uint64)


def unpack_random(rng: np.random.Generator, packed: NDArray[np.uint64]) -> None:
    """Put a generator into the state that `pack_random` gave.

    Examples
    --------
    >>> rng, twin = np.random.default_rng(1), np.random.default_rng(2)
    >>> unpack_random(twin, pack_random(rng))
    >>> bool(twin.random() == rng.random())
    True
    """
    low, high, inc_low, inc_high, has, number = (int(word) for word in packed)
    inner = {"state": low | high << 64, "inc": inc_low | inc_high << 64}
    rng.bit_generator.state = {"bit_generator": "PCG64", "state": inner, "has_uint32": has, "uinteger": number}
