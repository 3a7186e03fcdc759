"""A dynamics of the crystal in a folder: begun, gone on with, or found finished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase
import numpy as np

from .. import units
from ..nnqmd.md.dynamics import Course, Dynamics, Plan, Settings, prepare
from ..nnqmd.md.particles import make_system
from ..nnqmd.md.record import Observables, Record, digest
from .config import Switch
from .job import Job
from .networks import forces_of, interaction, with_shares
from .topology import Array

Report = Callable[[Observables], None]


def femtoseconds(time: float) -> float:
    """A time in fs from atomic units."""
    return units.from_atomic(time, "fs", "time")


def kelvin(energy: float) -> float:
    """A temperature in K from atomic units."""
    return units.from_atomic(energy, "K", "energy")


def steps_of(time: float, switch: Switch) -> int:
    """Steps that make up a time (both atomic units), one at least."""
    return max(1, round(time / switch.step))


def move(
    job: Job,
    folder: Path,
    start: ase.Atoms,
    time: float,
    friction_time: float,
    seed: int,
    weights: Array | None = None,
    course: Course | None = None,
    report: Report = lambda row: None,
    stop: Callable[[], bool] = lambda: False,
) -> ase.Atoms:
    """Let a crystal move at the temperature of ``[switch]``; goes on with what the folder has.

    Parameters
    ----------
    job : Job
        For networks, step and temperature.
    folder : Path
        Of the record.
    start : ase.Atoms
        Start; velocities are drawn where it has none.
    time, friction_time : float
        Length, and inverse of the friction, atomic units.
    seed : int
        Of velocities and noise.
    weights : array (atoms,), optional
        Of the excited state at the start.
    course : Course, optional
        Of the excited state in time.
    report : callable
        Told each row.
    stop : callable
        Whether to stop.

    Returns
    -------
    ase.Atoms
        The crystal at the end, to the last bit what the checkpoint has.

    Raises
    ------
    Interrupted
        When it was stopped.
    MlmdError
        A folder of another run, forces that are not finite.
    """
    switch = job.config.switch
    settings = Settings(
        "langevin",
        kelvin(switch.temperature),
        step=femtoseconds(switch.step),
        friction=1 / femtoseconds(friction_time),
        seed=seed,
    )
    moved_by = interaction(job.config.networks, weights is not None)
    moving = prepare(with_shares(moved_by, start), settings)
    used = np.zeros(len(moving)) if weights is None else weights
    physics = {
        "switch": {**job.motion, "friction_time": friction_time, "seed": seed},
        "start": {"structure": digest(moving.positions, moving.get_momenta(), moving.cell.array)},
        "excitation": {"weights": digest(used), "course": repr(course)},
        "networks": moved_by.files,
    }
    record = Record(folder, moving, physics)
    if not record.checkpoint.exists():
        record.forget()
    system = make_system(moving, moved_by.elements, weights=used, shares=moved_by.shares(moving))
    dynamics = Dynamics(system, forces_of(moved_by), settings, record, course)
    frame = steps_of(switch.frame, switch)
    saved = max(1, steps_of(switch.checkpoint, switch) // frame) * frame
    dynamics.run(Plan(steps_of(time, switch), frame, frame, saved), report, stop)
    return _end(moving, record)


def _end(start: ase.Atoms, record: Record) -> ase.Atoms:
    atoms: dict[str, Any] = record.read()["atoms"]
    end = start.copy()
    end.positions = atoms["positions"] + atoms["images"] @ start.cell.array
    end.set_momenta(atoms["momenta"])
    return end
