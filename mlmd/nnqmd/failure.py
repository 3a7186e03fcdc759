"""Time to failure: how long molecular dynamics of a model lasts before it leaves what the model knows.

The larger a system, the sooner one of its atoms meets a place where the model is wrong; the time goes down as a power
of the number of atoms, t ~ N^-b, and less steeply the more robust the model is (Ibayashi et al., ISC High Performance
2023, "Allegro-Legato").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ase
import numpy as np
from ase import units
from ase.calculators.calculator import Calculator
from ase.md.langevin import Langevin
from ase.neighborlist import neighbor_list
from scipy.optimize import minimize

from ..errors import MlmdError

LOOK_FOR_LOST = 20  # steps between two looks for atoms without neighbours


@dataclass(frozen=True)
class Conditions:
    """Of the dynamics, and when it has failed.

    Parameters
    ----------
    temperature : float
        In K.
    step : float
        Time step in fs.
    friction : float
        Of the Langevin thermostat, per fs.
    longest : float
        Time in fs after which the dynamics counts as lasting.
    window : (float, float)
        Temperatures in K that mean failure when left; by default up to 2.5 times ``temperature``.
    force : float
        Largest force on an atom in eV/Angstrom that is no failure.
    reach : float
        Distance in Angstrom within which an atom that is not lost has a neighbour.

    Examples
    --------
    >>> Conditions(temperature=300).window
    (0.0, 750.0)
    """

    temperature: float
    step: float = 1.0
    friction: float = 0.01
    longest: float = 10_000.0
    window: tuple[float, float] = (0.0, 0.0)
    force: float = 50.0
    reach: float = 4.0

    def __post_init__(self) -> None:
        if self.window == (0.0, 0.0):
            object.__setattr__(self, "window", (0.0, 2.5 * self.temperature))
        if not self.window[0] < self.temperature < self.window[1]:
            raise MlmdError(f"the window {self.window} K does not hold the temperature of {self.temperature} K")

    @property
    def steps(self) -> int:
        """Steps of the longest time."""
        return round(self.longest / self.step)


@dataclass(frozen=True)
class Lifetime:
    """How long a dynamics lasted in fs, and why it ended; ``reason`` is None where it did not fail."""

    atoms: int
    seed: int
    time: float
    reason: str | None


def lifetime(
    start: ase.Atoms,
    calculator: Calculator,
    conditions: Conditions,
    seed: int,
    stop: Callable[[], bool] = lambda: False,
) -> Lifetime | None:
    """Run molecular dynamics until it fails, or for the longest time.

    Parameters
    ----------
    start : ase.Atoms
        Structure; velocities are drawn from ``seed``.
    calculator : ase.calculators.calculator.Calculator
        The model.
    conditions : Conditions
        Temperature, thermostat, what failure is.
    seed : int
        Of velocities and thermostat.
    stop : callable
        Tells when to give up.

    Returns
    -------
    Lifetime or None
        None where ``stop`` ended it.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> crystal = bulk("Cu", cubic=True)
    >>> lifetime(crystal, EMT(), Conditions(temperature=300, step=2.0, longest=100.0), seed=1)
    Lifetime(atoms=4, seed=1, time=100.0, reason=None)
    """
    random = np.random.default_rng(seed)
    atoms = set_in_motion(start, conditions.temperature, random)
    atoms.calc = calculator
    dynamics = langevin(atoms, conditions, random)
    for number in range(conditions.steps):
        if stop():
            return None
        try:
            reason = why_failed(atoms, atoms.get_forces(), conditions, number)
            if reason is None:
                dynamics.run(1)
        except MlmdError as error:  # the model's calculator refuses structures without meaning
            reason = str(error)
        if reason is not None:
            return Lifetime(len(atoms), seed, number * conditions.step, reason)
    return Lifetime(len(atoms), seed, conditions.longest, None)


def set_in_motion(start: ase.Atoms, temperature: float, random: np.random.Generator) -> ase.Atoms:
    """Copy of a structure with velocities of a temperature in K."""
    atoms = start.copy()
    spread = np.sqrt(atoms.get_masses() * units.kB * temperature)
    atoms.set_momenta(spread[:, None] * random.standard_normal((len(atoms), 3)))
    return atoms


def langevin(atoms: ase.Atoms, conditions: Conditions, random: Any) -> Langevin:
    """Dynamics of a structure; ``random`` has ``standard_normal(size)``."""
    return Langevin(
        atoms,
        timestep=conditions.step * units.fs,
        temperature_K=conditions.temperature,
        friction=conditions.friction / units.fs,
        rng=random,
        fixcm=False,
    )


def why_failed(atoms: ase.Atoms, forces: np.ndarray, conditions: Conditions, number: int) -> str | None:
    """Why a dynamics has failed at a step; None where it has not."""
    temperature = atoms.get_temperature()
    if not (np.isfinite(temperature) and np.all(np.isfinite(forces))):
        return "a velocity or force is not finite"
    if not conditions.window[0] <= temperature <= conditions.window[1]:
        return f"temperature {temperature:.4g} K"
    largest = float(np.linalg.norm(forces, axis=1).max())
    if largest > conditions.force:
        return f"force {largest:.4g} eV/Angstrom"
    look_for_lost = number % LOOK_FOR_LOST == 0
    if look_for_lost and len(np.unique(neighbor_list("i", atoms, conditions.reach))) < len(atoms):
        return f"an atom without neighbours within {conditions.reach:g} Angstrom"
    return None


@dataclass(frozen=True)
class PowerLaw:
    """Median time to failure ``time`` (fs) at ``atoms`` atoms, going as atoms^exponent, with standard errors.

    ``shape`` is that of the Weibull distribution of the times: 1 for failures that come at random.
    """

    atoms: float
    time: float
    exponent: float
    exponent_error: float
    shape: float

    def at(self, atoms: float) -> float:
        """Median time to failure in fs of a system of ``atoms`` atoms.

        Examples
        --------
        >>> PowerLaw(100.0, 500.0, -0.5, 0.1, 1.0).at(400)
        250.0
        """
        return self.time * (atoms / self.atoms) ** self.exponent


def fit_power_law(lifetimes: Sequence[Lifetime]) -> PowerLaw:
    """Fit the times to failure over the numbers of atoms.

    Times follow a Weibull distribution whose scale is a power of the number of atoms; the parameters are those of the
    largest likelihood, in which a dynamics that did not fail counts as "longer than" (right-censored).

    Parameters
    ----------
    lifetimes : sequence of Lifetime
        At two sizes at least, at two of them with failures.

    Returns
    -------
    PowerLaw
        The standard error of the exponent is that of the observed information.

    Raises
    ------
    MlmdError
        Too few failures to tell.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> times = [Lifetime(n, k, 1e4 / n**0.5 * random.weibull(2.0), "hot") for n in (50, 400) for k in range(200)]
    >>> found = fit_power_law(times)
    >>> abs(found.exponent + 0.5) < 3 * found.exponent_error < 0.2
    True
    """
    failures = [one for one in lifetimes if one.reason is not None]
    if len({one.atoms for one in failures}) < 2 or len(failures) < 4:
        raise MlmdError(
            f"{len(failures)} failures at {len({one.atoms for one in failures})} sizes tell no power law; "
            "run longer, hotter or larger systems"
        )
    atoms = np.array([one.atoms for one in lifetimes], dtype=float)
    time = np.array([max(one.time, 1e-3) for one in lifetimes])
    failed = np.array([one.reason is not None for one in lifetimes])
    middle = float(np.exp(np.log(atoms).mean()))
    x, y = np.log(atoms / middle), np.log(time)

    def unlikelihood(parameters: np.ndarray) -> float:
        offset, exponent, log_shape = parameters
        z = np.exp(log_shape) * (y - offset - exponent * x)
        return float(np.sum(np.exp(z)) - np.sum((log_shape + z)[failed]))

    first = np.array([y[failed].mean(), *np.polyfit(x[failed], y[failed], 1)[:1], 0.0])
    found = minimize(unlikelihood, first, method="BFGS", options={"gtol": 1e-6})
    offset, exponent, shape = found.x[0], float(found.x[1]), float(np.exp(found.x[2]))
    covariance = np.linalg.inv(_hessian(unlikelihood, found.x))
    median = float(np.exp(offset) * np.log(2.0) ** (1 / shape))
    return PowerLaw(middle, median, exponent, float(covariance[1, 1] ** 0.5), shape)


def _hessian(function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Second derivatives by central differences."""
    moves = step * np.eye(len(at))

    def mixed(a: np.ndarray, b: np.ndarray) -> float:
        return function(at + a + b) - function(at + a - b) - function(at - a + b) + function(at - a - b)

    return np.array([[mixed(a, b) for b in moves] for a in moves]) / (4 * step**2)
