"""Second stage: local cells of the crystal go through the pulse by DC-MESH, and lifted electrons come back."""

from __future__ import annotations

import json
from dataclasses import dataclass

import ase
import numpy as np
from ase.units import Bohr, Hartree

from ..config import Config, System
from ..engine import default_engine
from ..errors import InputError
from ..io.atomic import make_folder, write_bytes, write_text
from ..io.folder import RunFolder
from ..io.record import read_record
from ..problem import Problem, check_backend, grid_shape
from ..progress import Progress
from ..run import Run
from .carriers import weight
from .crystal import SITES
from .job import Job, millijoules
from .local_cells import LocalCells, at_atoms, local_cells
from .topology import Array


@dataclass(frozen=True)
class Excited:
    """What the light left in a local cell.

    Parameters
    ----------
    electrons : float
        Lifted, in the cell: mean from the end of the pulse to that of the run.
    energy : float
        Absorbed by the cell, in eV.
    """

    electrons: float
    energy: float


def find_cells(job: Job, atoms: ase.Atoms) -> LocalCells:
    """Local cells of the crystal that ``[domains]`` asks for."""
    asked = job.config.domains
    light = job.config.laser.polarization
    return local_cells(atoms, job.ideal, asked.cells, asked.local_cells, asked.tolerance * Bohr, light)


def problem_of(job: Job, cell: ase.Atoms, fluence: float) -> Problem:
    """The problem of DC-MESH that a local cell under a pulse is.

    Parameters
    ----------
    job : Job
        For ``[grid]``, ``[ground_state]``, ``[laser]``, ``[dynamics]`` and ``[output]``.
    cell : ase.Atoms
        The local cell, in Angstrom.
    fluence : float
        Of the pulse, atomic units.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        A pulse that is not over when the run is.
    """
    asked, pulse = job.config, job.config.laser.pulse(fluence)
    if pulse.duration > asked.dynamics.n_steps * asked.dynamics.dt:
        raise InputError(job.path, "[laser] duration", "is longer than the run of [dynamics]", "raise [dynamics] time")
    rows = [
        (symbol, *place)
        for symbol, place in zip(cell.get_chemical_symbols(), cell.get_scaled_positions().tolist(), strict=True)
    ]
    config = Config(
        title=f"local cell, {millijoules(fluence):.4g} mJ/cm2",
        system=System(cell=tuple(cell.cell.lengths() / Bohr), atoms=rows),
        grid=asked.grid,
        ground_state=asked.ground_state,
        laser=pulse,
        dynamics=asked.dynamics,
        output=asked.output,
    )
    return Problem(job.path, "", config, cell, grid_shape(asked.grid, cell))


def check(job: Job) -> None:
    """Raise for what DC-MESH has against the input, as far as can be told without computing.

    Parameters
    ----------
    job : Job
        What to do.

    Raises
    ------
    InputError
        With the key that is wrong.
    """
    a, c = job.lattice
    cell = ase.Atoms("PbTiO3", SITES * [a, a, c], cell=[a, a, c], pbc=True)
    problem = problem_of(job, cell, job.fluences[-1])
    check_backend(problem.config.dynamics.backend, job.path, "[dynamics] backend")
    with problem.blame():
        default_engine().check(problem.config, cell, problem.shape)


def shine(job: Job, cells: LocalCells, number: int, fluence: float, progress: Progress) -> Excited:
    """Take a local cell through a pulse; goes on with what its folder has.

    Parameters
    ----------
    job : Job
        What to do.
    cells : LocalCells
        The local cells.
    number : int
        Which of them.
    fluence : float
        Of the pulse, atomic units.
    progress : Progress
        Where to report.

    Returns
    -------
    Excited
    """
    problem = problem_of(job, cells.cell(number), fluence)
    folder = RunFolder(job.light(number, fluence))
    known = folder.path.parent / folder.ground_state.name
    if not folder.is_finished():
        make_folder(folder.path)
        if known.exists() and not folder.ground_state.exists():
            write_bytes(folder.ground_state, known.read_bytes())
        Run(problem, folder, default_engine(), progress, resume=folder.checkpoint.exists()).execute()
        if not known.exists():
            write_bytes(known, folder.ground_state.read_bytes())
    return _read(job, folder, problem)


def _read(job: Job, folder: RunFolder, problem: Problem) -> Excited:
    record = read_record(folder.path)
    there, here = record.config, problem.config
    same = record.shape == problem.shape and np.allclose(record.positions, problem.atoms.positions / Bohr, atol=1e-9)
    if not same or any(getattr(there, part) != getattr(here, part) for part in ("ground_state", "laser", "dynamics")):
        raise InputError(folder.path, "", "holds a run of another cell, grid or pulse", "start anew with --force")
    after = record.series["time"] >= job.config.laser.duration
    total = record.series["energy/total"]
    return Excited(float(record.series["n_exc"][after].mean()), float(total[after].mean() - total[0]) * Hartree)


@dataclass(frozen=True)
class Illuminated:
    """The crystal after a pulse.

    Attributes
    ----------
    electrons : array (nx, ny, nz)
        Lifted in a formula unit of each domain.
    energy : float
        Absorbed, in eV per atom, mean over the crystal.
    weights : array (atoms,)
        Of the excited state.
    """

    electrons: Array
    energy: float
    weights: Array


def gather(job: Job, atoms: ase.Atoms, cells: LocalCells, found: list[Excited], fluence: float) -> Illuminated:
    """Give what came back from the local cells to the domains and the atoms, and keep it.

    Parameters
    ----------
    job : Job
        For n_XS and the folder.
    atoms : ase.Atoms
        The crystal.
    cells : LocalCells
        Its local cells.
    found : list of Excited
        One of each.
    fluence : float
        Of the pulse, atomic units.

    Returns
    -------
    Illuminated
    """
    electrons = cells.of_domains(np.array([one.electrons for one in found]))
    energy = float(cells.of_domains(np.array([one.energy for one in found])).mean()) / 5
    weights = weight(at_atoms(electrons, atoms, job.config.crystal.cells), job.config.networks.electrons)
    report = {
        "fluence_mJ_per_cm2": millijoules(fluence),
        "local_cells": [
            {"domain": n, "electrons": e.electrons, "energy_eV": e.energy}
            for n, e in zip(cells.chosen, found, strict=True)
        ],
        "largest_distance_A": float(cells.distance.max()),
        "electrons_of_domains": electrons.tolist(),
        "weights": {"least": float(weights.min()), "mean": float(weights.mean()), "most": float(weights.max())},
    }
    make_folder(job.excitation(fluence).parent)
    write_text(job.excitation(fluence), json.dumps(report, indent=1))
    return Illuminated(electrons, energy, weights)
