"""Error of a divided ground state against the undivided one as the buffers grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ..dcmesh.domains import divided_ground_state, partition
from ..dcmesh.parallel import ALONE, Line
from ..dcmesh.qxmd import ground_state
from ..dcmesh.qxmd.cell import prepare

if TYPE_CHECKING:
    import ase

    from ..config import Config, DomainSettings
    from ..dcmesh.domains import DividedState
    from ..dcmesh.qxmd import GroundState

Report = Callable[[int, float, float], None]
Solving = Callable[[str], AbstractContextManager[Report]]


@dataclass(frozen=True)
class BufferError:
    """One row of the study, atomic units.

    Attributes
    ----------
    buffer
        Thickness on the grid, rounded up to whole points.
    box
        Points of the box of a domain along x, y, z.
    energy_error
        Divided minus undivided total energy per atom, Ha.
    force_error
        Largest component of the difference of forces, Ha/bohr.
    density_error
        Integral of |n_divided - n_undivided| per electron.
    iterations, seconds
        Of the divided calculation.
    """

    buffer: float
    box: tuple[int, int, int]
    energy_error: float
    force_error: float
    density_error: float
    iterations: int
    seconds: float


def check_buffers(
    config: Config, domains: DomainSettings, atoms: ase.Atoms, shape: tuple[int, int, int], buffers: Sequence[float]
) -> None:
    """Refuse what cannot be cut before any work is done.

    Raises
    ------
    PartitionError
        Divisions or a buffer that do not fit the grid, see `mlmd.dcmesh.domains.partition`.
    """
    settings = config.ground_state
    grid = prepare(atoms, shape, settings.xc, settings.pseudopotentials or None).grid
    for buffer in buffers:
        partition(grid, domains.divisions, buffer)


def buffer_errors(
    config: Config,
    domains: DomainSettings,
    atoms: ase.Atoms,
    shape: tuple[int, int, int],
    buffers: Sequence[float],
    solving: Solving,
) -> Iterator[BufferError]:
    """Solve undivided once, then divided for each buffer in bohr.

    Parameters
    ----------
    config, domains, atoms, shape
        The problem; its ``[ground_state]`` with smearing, Gamma only.
    buffers
        Thicknesses.
    solving
        Is told what is solved for, and gives what hears of each iteration.
    """
    with solving("undivided") as report:
        whole = _undivided(config, atoms, shape, report)
    forces = whole.forces()
    for buffer in buffers:
        start = perf_counter()
        with solving(f"buffer {buffer:.3g} bohr") as report:
            parts = divided(config, domains, atoms, shape, buffer, report)
        yield _compare(parts, whole, parts.forces() - forces, perf_counter() - start)


def _undivided(config: Config, atoms: ase.Atoms, shape: tuple[int, int, int], report: Report) -> GroundState:
    settings = config.ground_state
    return ground_state(
        atoms,
        shape,
        **settings.arguments(),
        seed=config.run.seed,
        progress=report,
    )


def divided(
    config: Config,
    domains: DomainSettings,
    atoms: ase.Atoms,
    shape: tuple[int, int, int],
    buffer: float,
    report: Report,
    line: Line = ALONE.domains,
) -> DividedState:
    """Solve box by box with buffers of a thickness in bohr; ranks may share out the boxes."""
    settings = config.ground_state
    return divided_ground_state(
        atoms,
        shape,
        domains.divisions,
        buffer,
        **settings.arguments(),
        seed=config.run.seed,
        threads=config.dynamics.threads,
        progress=report,
        line=line,
    )


def _compare(parts: DividedState, whole: GroundState, difference: np.ndarray, seconds: float) -> BufferError:
    box, atoms = parts.domains[0].box, len(whole.atoms)
    thickness = max(b * h for b, h in zip(box.buffer, whole.grid.spacing, strict=True))
    moved = float(np.abs(parts.density - whole.density).sum() * whole.grid.dv)
    return BufferError(
        buffer=thickness,
        box=box.grid.shape,
        energy_error=(parts.energy["total"] - whole.energy["total"]) / atoms,
        force_error=float(np.abs(difference).max()),
        density_error=moved / whole.electrons,
        iterations=parts.iterations,
        seconds=seconds,
    )
