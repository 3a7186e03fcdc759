"""Times to failure of several runs side by side, in one evaluation of the model a step.

Small systems cost a model little more than its overhead: ten runs of 40 atoms take hardly longer than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import ase
import numpy as np
from ase.calculators.calculator import Calculator

from .failure import Conditions, Lifetime, langevin, lifetime, set_in_motion, why_failed

MOST_ATOMS = 1280  # side by side; more gain little


class Together(Protocol):
    """A calculator of structures in one ``Atoms``; ``reasons`` name those that it cannot take at present."""

    reasons: dict[int, str]


def lifetimes(
    start: ase.Atoms,
    calculator: Calculator,
    conditions: Conditions,
    seeds: Sequence[int],
    stop: Callable[[], bool] = lambda: False,
) -> list[Lifetime] | None:
    """Run molecular dynamics from several seeds until each fails, or for the longest time.

    Parameters
    ----------
    start : ase.Atoms
        Structure; velocities are drawn from the seeds.
    calculator : ase.calculators.calculator.Calculator
        The model. With a method ``together`` (:class:`mlmd.nnqmd.calculator.NeuralNetwork`) the runs go side by side,
        else one after the other.
    conditions : Conditions
        Temperature, thermostat, what failure is.
    seeds : sequence of int
        One a run; a run does not depend on its company but for rounding.
    stop : callable
        Tells when to give up.

    Returns
    -------
    list of Lifetime or None
        In the order of the seeds; None where ``stop`` ended them.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> found = lifetimes(bulk("Cu", cubic=True), EMT(), Conditions(temperature=300, step=2.0, longest=50.0), [1, 2])
    >>> [(one.seed, one.time) for one in found]
    [(1, 50.0), (2, 50.0)]
    """
    if not hasattr(calculator, "together"):
        found = [lifetime(start, calculator, conditions, seed, stop) for seed in seeds]
        return None if None in found else found  # type: ignore[return-value]
    ended: dict[int, Lifetime] = {}
    streams = {seed: np.random.default_rng(seed) for seed in seeds}
    moving = {seed: set_in_motion(start, conditions.temperature, streams[seed]) for seed in seeds}
    number = 0
    while moving and number < conditions.steps:
        failed, number, stopped = _until_one_fails(
            calculator, moving, [streams[seed] for seed in moving], conditions, number, stop
        )
        if stopped:
            return None
        ended |= {seed: Lifetime(len(start), seed, number * conditions.step, why) for seed, why in failed.items()}
        moving = {seed: atoms for seed, atoms in moving.items() if seed not in failed}
    ended |= {seed: Lifetime(len(start), seed, conditions.longest, None) for seed in moving}
    return [ended[seed] for seed in seeds]


def _until_one_fails(
    calculator: Calculator,
    moving: dict[int, ase.Atoms],
    streams: list[np.random.Generator],
    conditions: Conditions,
    number: int,
    stop: Callable[[], bool],
) -> tuple[dict[int, str], int, bool]:
    """Move structures on from a step: those that fail and why, the step of that, whether it was stopped."""
    whole = ase.Atoms(pbc=True)
    for atoms in moving.values():
        whole += atoms
    together = whole.calc = calculator.together(list(moving.values()))
    dynamics = langevin(whole, conditions, Streams(streams))
    while number < conditions.steps:
        if stop():
            return {}, number, True
        if failed := _failures(whole, together, moving, conditions, number):
            return failed, number, False
        dynamics.run(1)
        number += 1
    return {}, number, False


def _failures(
    whole: ase.Atoms, together: Together, moving: dict[int, ase.Atoms], conditions: Conditions, number: int
) -> dict[int, str]:
    """Put positions and momenta into the single structures; which of them have failed, and why."""
    failed, forces, first = {}, whole.get_forces(), 0
    for k, (seed, atoms) in enumerate(moving.items()):
        part = slice(first, first + len(atoms))
        first = part.stop
        atoms.positions = whole.positions[part]
        atoms.set_momenta(whole.get_momenta()[part])
        reason = together.reasons.get(k) or why_failed(atoms, forces[part], conditions, number)
        if reason is not None:
            failed[seed] = reason
    return failed


class Streams:
    """Random numbers of several structures in a row, each from its own source.

    Examples
    --------
    >>> pair = Streams([np.random.default_rng(seed) for seed in (1, 2)])
    >>> alone = np.random.default_rng(2).standard_normal((3, 3))
    >>> bool(np.all(pair.standard_normal(size=(6, 3))[3:] == alone))
    True
    """

    def __init__(self, sources: Sequence[np.random.Generator]) -> None:
        self.sources = sources

    def standard_normal(self, size: tuple[int, int]) -> np.ndarray:
        """Normal numbers (atoms, 3)."""
        each = (size[0] // len(self.sources), size[1])
        return np.concatenate([source.standard_normal(each) for source in self.sources])
