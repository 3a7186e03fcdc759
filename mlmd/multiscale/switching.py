"""Third stage: the crystal moves on under what the light left, and beside it in the dark."""

from __future__ import annotations

from collections.abc import Callable

import ase

from .carriers import Course
from .job import Job
from .light import Illuminated
from .motion import Report, femtoseconds, kelvin, move


def course_of(job: Job, light: Illuminated) -> Course:
    """How the lifted electrons and the heat of the lattice go on."""
    carriers = job.config.carriers
    return Course(
        lifetime=femtoseconds(carriers.lifetime),
        bath=kelvin(job.config.switch.temperature),
        heat=carriers.heat * light.energy,
        heat_loss=femtoseconds(carriers.heat_loss),
    )


def switch(
    job: Job,
    start: ase.Atoms,
    fluence: float,
    light: Illuminated | None,
    seed: int,
    report: Report,
    stop: Callable[[], bool],
) -> None:
    """Let the crystal move for the time of ``[switch]``; the record stays in its folder.

    Parameters
    ----------
    job : Job
        What to do.
    start : ase.Atoms
        The crystal when the light has passed, with velocities.
    fluence : float
        Of the pulse, 0 in the dark.
    light : Illuminated or None
        What it left; None in the dark.
    seed : int
        Of the noise, the same with and without light.
    report, stop : callable
        See :func:`mlmd.multiscale.motion.move`.
    """
    asked = job.config.switch
    weights, course = (None, None) if light is None else (light.weights, course_of(job, light))
    folder = job.switched(fluence, seed)
    move(job, folder, start, asked.time, asked.friction_time, seed, weights, course, report, stop)
