"""Errors of a model on labelled structures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import ase
import numpy as np
from ase.calculators.calculator import Calculator

from .dataset import labels


@dataclass(frozen=True)
class Prediction:
    """Labels and what a model makes of the same structure: energies per atom in eV, forces in eV/Angstrom."""

    symbols: tuple[str, ...]
    energy: tuple[float, float]
    forces: tuple[np.ndarray, np.ndarray] | None


def predict(frames: Iterable[ase.Atoms], calculator: Calculator) -> Iterator[Prediction]:
    """Evaluate structures one by one.

    Parameters
    ----------
    frames : iterable of ase.Atoms
        Labelled structures.
    calculator : ase.calculators.calculator.Calculator
        A model, or anything else that gives energies and forces.

    Yields
    ------
    Prediction
    """
    for frame in frames:
        known, copy = labels(frame), frame.copy()
        copy.calc = calculator
        energy = (known["energy"] / len(frame), float(copy.get_potential_energy()) / len(frame))
        forces = (np.asarray(known["forces"]), copy.get_forces()) if "forces" in known else None
        yield Prediction(tuple(frame.get_chemical_symbols()), energy, forces)


@dataclass(frozen=True)
class Errors:
    """Mean absolute and root-mean-square errors, in meV/atom and meV/Angstrom (None without forces).

    Examples
    --------
    >>> found = [Prediction(("H",), (-1.0, -1.002), None), Prediction(("H",), (-1.0, -1.0), None)]
    >>> round(errors(found).energy_mae, 6)
    1.0
    """

    structures: int
    energy_mae: float
    energy_rmse: float
    forces_mae: float | None
    forces_rmse: float | None
    forces_mae_of: dict[str, float]


def errors(predictions: Sequence[Prediction]) -> Errors:
    """Sum predictions up.

    Parameters
    ----------
    predictions : sequence of Prediction
        At least one.

    Returns
    -------
    Errors
    """
    energy = 1e3 * np.array([p.energy[1] - p.energy[0] for p in predictions])
    with_forces = [p for p in predictions if p.forces is not None]
    if not with_forces:
        return Errors(len(predictions), _mae(energy), rms(energy), None, None, {})
    symbols = np.array([symbol for p in with_forces for symbol in p.symbols])
    forces = 1e3 * np.concatenate([p.forces[1] - p.forces[0] for p in with_forces if p.forces is not None])
    by_element = {str(symbol): _mae(forces[symbols == symbol]) for symbol in np.unique(symbols)}
    return Errors(len(predictions), _mae(energy), rms(energy), _mae(forces), rms(forces), by_element)


def _mae(values: np.ndarray) -> float:
    return float(np.mean(np.abs(values)))


def rms(values: np.ndarray) -> float:
    """Root of the mean of the squares."""
    return float(np.sqrt(np.mean(values**2)))
