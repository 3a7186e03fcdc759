"""First stage: the texture is built, relaxes, and is brought to its temperature in the dark."""

from __future__ import annotations

from collections.abc import Callable

import ase
from ase.optimize import FIRE

from ..interrupt import Interrupted
from ..io.checkpoint import new_sealed, open_sealed
from .files import write_structures
from .job import Job
from .motion import Report, move
from .networks import calculator, interaction, with_shares

KIND = "relaxed texture"


def relax(job: Job, report: Callable[[int, float], None], stop: Callable[[], bool]) -> ase.Atoms:
    """Relax the texture in the cell of ``[crystal]``, or take what is there.

    Parameters
    ----------
    job : Job
        What to relax.
    report : callable
        Told the iteration and the largest force in eV/Angstrom.
    stop : callable
        Whether to stop.

    Returns
    -------
    ase.Atoms
        With the array ``cell``; a local minimum near the texture, which may have another topology.

    Raises
    ------
    CheckpointError
        A file of another texture.
    Interrupted
        When it was stopped.
    """
    atoms, settings = job.crystal(), job.config.prepare
    if not job.relaxed.exists():
        write_structures(job.texture, [atoms])
        moving = with_shares(interaction(job.config.networks), atoms)
        moving.calc = calculator(job.config.networks)
        fire = FIRE(moving, logfile=None)
        for _ in fire.irun(fmax=settings.force, steps=settings.iterations):
            if stop():
                raise Interrupted("stopped while the texture relaxed")
            report(fire.nsteps, float((moving.get_forces() ** 2).sum(axis=1).max() ** 0.5))
        with new_sealed(job.relaxed, KIND, job.texture_physics) as file:
            file["positions"] = moving.positions
    with open_sealed(job.relaxed, KIND, job.texture_physics) as file:
        atoms.positions = file["positions"][()]
    write_structures(job.folder / "relaxed.extxyz", [atoms])
    return atoms


def thermalise(job: Job, relaxed: ase.Atoms, seed: int, report: Report, stop: Callable[[], bool]) -> ase.Atoms:
    """Let the relaxed texture move until it has the temperature of ``[switch]``.

    Parameters
    ----------
    job : Job
        For how long.
    relaxed : ase.Atoms
        From :func:`relax`.
    seed : int
        Of velocities and noise.
    report, stop : callable
        See :func:`mlmd.multiscale.motion.move`.

    Returns
    -------
    ase.Atoms
        With velocities.
    """
    folder, settings = job.prepared(seed), job.config.prepare
    return move(job, folder, relaxed, settings.time, settings.friction_time, seed, report=report, stop=stop)
