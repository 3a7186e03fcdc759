"""A dynamics from its settings: start or go on, step by step, leaving a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import ase
import numpy as np
from ase import units

from ...errors import MlmdError
from ...interrupt import Interrupted
from .barostat import Barostat
from .embedding import SHARE
from .forces import Forces, Load
from .integrators import Integrator, Langevin, VelocityVerlet
from .nose_hoover import NoseHoover
from .particles import System, gathered
from .record import Observables, Record, observe, restore

WEIGHT = "excitation"
Ensemble = Literal["nve", "langevin", "nose-hoover", "npt", "npt-axes"]


@dataclass(frozen=True)
class Settings:
    """Of a dynamics.

    Parameters
    ----------
    ensemble : str
        ``nve``, ``langevin``, ``nose-hoover``, ``npt`` (one common stretch), ``npt-axes`` (x, y, z each on its own).
    temperature : float or None
        In K: of the thermostat, and of the velocities where the structure has none.
    pressure : float
        In GPa.
    step : float
        Time step in fs.
    friction : float
        Of ``langevin``, per fs.
    thermostat, barostat : float
        Periods in fs.
    seed : int
        Of velocities and noise.

    Raises
    ------
    MlmdError
        A thermostat without temperature.

    Examples
    --------
    >>> Settings("langevin")
    Traceback (most recent call last):
        ...
    mlmd.backends.errors.MlmdError: langevin needs a temperature; give --temperature
    """

    ensemble: Ensemble = "nve"
    temperature: float | None = None
    pressure: float = 0.0
    step: float = 1.0
    friction: float = 0.01
    thermostat: float = 100.0
    barostat: float = 1000.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.ensemble != "nve" and not self.temperature:
            raise MlmdError(f"{self.ensemble} needs a temperature; give --temperature")


@dataclass(frozen=True)
class Plan:
    """How long, and steps between two rows, two frames and two checkpoints."""

    steps: int
    rows: int = 10
    frames: int = 100
    checkpoints: int = 1000


class Course(Protocol):
    """How the excited state and the bath go on in time."""

    def fraction(self, time: float) -> float:
        """Fraction, in [0, 1], of their weights that atoms have at a time in fs."""

    def temperature(self, time: float) -> float:
        """Of the bath of ``langevin`` at a time in fs, in K."""


def prepare(atoms: ase.Atoms, settings: Settings) -> ase.Atoms:
    """A structure with what stays as it is, and velocities: its own, else drawn with no total momentum."""
    start = ase.Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    start.set_masses(atoms.get_masses())
    start.set_momenta(atoms.get_momenta())
    if WEIGHT in atoms.arrays or WEIGHT in atoms.info:
        start.set_array(WEIGHT, np.broadcast_to(atoms.arrays.get(WEIGHT, atoms.info.get(WEIGHT)), len(atoms)).copy())
    if SHARE in atoms.arrays:
        start.set_array(SHARE, atoms.arrays[SHARE])
    if settings.ensemble.startswith("npt") and not all(start.pbc):
        raise MlmdError(
            f"{settings.ensemble} needs a structure that is periodic along all axes; take another --ensemble"
        )
    if not start.get_momenta().any() and settings.temperature:
        masses = start.get_masses()[:, None]
        spread = np.sqrt(masses * units.kB * settings.temperature)
        momenta = spread * np.random.default_rng(settings.seed).standard_normal((len(start), 3))
        start.set_momenta(momenta - masses * momenta.sum(axis=0) / masses.sum())
    return start


def degrees_of_freedom(atoms: int, settings: Settings) -> int:
    """3 N, less the total momentum where the dynamics conserves it."""
    return 3 * atoms if settings.ensemble == "langevin" or atoms == 1 else 3 * atoms - 3


def make_integrator(settings: Settings, atoms: int) -> Integrator:
    """Integrator of an ensemble for so many atoms."""
    dt, degrees = settings.step * units.fs, degrees_of_freedom(atoms, settings)
    kelvin, period = settings.temperature or 0.0, settings.thermostat * units.fs
    if settings.ensemble == "nve":
        return VelocityVerlet(dt)
    if settings.ensemble == "langevin":
        return Langevin(dt, kelvin, settings.friction / units.fs, settings.seed)
    if settings.ensemble == "nose-hoover":
        return NoseHoover(dt, kelvin, period, degrees)
    pressure, periods = settings.pressure * units.GPa, (period, settings.barostat * units.fs)
    return Barostat(dt, kelvin, pressure, periods, degrees, isotropic=settings.ensemble == "npt")


class Dynamics:
    """A system in motion, with its record.

    Parameters
    ----------
    system : System
        The atoms, at their start.
    forces : Forces
        What moves them.
    settings : Settings
        Ensemble.
    record : Record
        Where results go; where it has a checkpoint, the dynamics goes on from there.
    course : Course, optional
        Of the excited state, renewed before each step; where not given, all stays as it is.

    Raises
    ------
    MlmdError
        Atoms that have no forces, a checkpoint that is damaged or of another run.
    """

    def __init__(
        self, system: System, forces: Forces, settings: Settings, record: Record, course: Course | None = None
    ) -> None:
        self.system, self._forces, self._record, self._course = system, forces, record, course
        self._dt, self._degrees = settings.step * units.fs, degrees_of_freedom(system.atoms, settings)
        self.integrator = make_integrator(settings, system.atoms)
        if system.ranks.collect(record.checkpoint.exists())[0]:
            state = system.ranks.alike(record.read)
            restore(system, self.integrator, state)
            system.time = system.step * self._dt
            system.ranks.lead(lambda: record.cut(state["sizes"]))
            forces.resume(system)
        else:
            self._follow_course()
            forces.update(system)
            system.ranks.lead(record.begin)
            self._add_row()
            self._add_frame()
            self.save()

    @property
    def load(self) -> Load:
        """What this rank has and did."""
        return self._forces.load

    def run(
        self,
        plan: Plan,
        report: Callable[[Observables], None] = lambda row: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Go on until the last step of a plan.

        Parameters
        ----------
        plan : Plan
            Steps.
        report : callable
            Told each row, on the first rank.
        stop : callable
            Tells when to stop; one rank that wants to is enough.

        Raises
        ------
        NumericsError
            Forces that are not finite, atoms at one place, an atom that is lost.
        Interrupted
            When it was stopped, after a checkpoint.
        """
        system = self.system
        while system.step < plan.steps:
            self._follow_course()
            self.integrator.step(system, self._forces)
            system.step += 1
            system.time = system.step * self._dt
            if system.step % plan.rows == 0:
                row = self._add_row()
                if system.ranks.rank == 0:
                    report(row)
            if system.step % plan.frames == 0:
                self._add_frame()
            stopped = bool(system.ranks.sum(int(stop())))
            if stopped or system.step % plan.checkpoints == 0 or system.step == plan.steps:
                self.save()
            if stopped and system.step < plan.steps:
                raise Interrupted(f"stopped after step {system.step}; the same command goes on")

    def _follow_course(self) -> None:
        if self._course is None:
            return
        time = self.system.time / units.fs
        self._forces.fade(self.system, self._course.fraction(time))
        if isinstance(self.integrator, Langevin):
            self.integrator.heat_to(self._course.temperature(time))

    def _add_row(self) -> Observables:
        row = observe(self.system, self.integrator, self._degrees)
        self.system.ranks.lead(lambda: self._record.add_row(row))
        return row

    def _add_frame(self) -> None:
        everything = gathered(self.system)
        self.system.ranks.lead(lambda: self._record.add_frame(self.system, everything))

    def save(self) -> None:
        """Write a checkpoint, from which a run goes on with the same numbers as without a stop."""
        everything = gathered(self.system)
        self.system.ranks.lead(lambda: self._record.save(self.system, everything, self.integrator))
