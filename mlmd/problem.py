"""The problem that an input file poses, checked as far as can be without computing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.units import Bohr
from scipy.fft import next_fast_len

from . import __version__, backends, units
from .config import Config, Grid, Kick
from .dcmesh.errors import (
    ConvergenceError,
    DecompositionError,
    GridError,
    LightError,
    OccupationError,
    PartitionError,
    PseudopotentialError,
    TimeStepError,
)
from .domains.checks import check_division
from .engine import light
from .errors import BackendUnavailable, InputError, MlmdError
from .illumination import check_maxwell
from .io.input import read_input
from .io.structure import read_structure
from .sections import with_keys

_REFUSALS = (
    PseudopotentialError,
    OccupationError,
    GridError,
    TimeStepError,
    ConvergenceError,
    DecompositionError,
    LightError,
    BackendUnavailable,
)
_GROUND_STATE_PARTS = ("mlmd", "system", "grid", "ground_state", "run")


@dataclass(frozen=True)
class Problem:
    """One input file with all that follows from it directly.

    Attributes
    ----------
    path : Path
        The input file.
    text : str
        Its content.
    config : Config
        Its content, validated, with the options of the command line taken in.
    atoms : ase.Atoms
        The structure.
    shape : tuple of int
        Grid points along x, y, z.
    """

    path: Path
    text: str
    config: Config
    atoms: Atoms
    shape: tuple[int, int, int]

    @cached_property
    def physics(self) -> dict[str, Any]:
        """All that fixes the numbers of the run except its length; for checkpoints."""
        dynamics = self.config.dynamics
        return {
            "mlmd": {"version": __version__},
            "system": {
                "elements": self.atoms.get_chemical_symbols(),
                "positions": self.atoms.positions.tolist(),
                "cell": self.atoms.cell.lengths().tolist(),
            },
            "grid": {"shape": list(self.shape)},
            "ground_state": self.config.ground_state.model_dump(mode="json"),
            "laser": self.config.laser.model_dump(mode="json"),
            "dynamics": {key: getattr(dynamics, key) for key in ("dt", "mode", "hartree", "scissor", "precision")},
            "run": {"seed": self.config.run.seed},
        } | self._domains | self._moving_physics | self._maxwell

    @property
    def _domains(self) -> dict[str, Any]:
        """The section ``[domains]``, if there is one."""
        settings = self.config.domains
        return {"domains": settings.model_dump(mode="json")} if settings else {}

    @property
    def _moving_physics(self) -> dict[str, Any]:
        nuclei = self.config.nuclei
        return {} if nuclei.motion == "fixed" else {"nuclei": nuclei.model_dump(mode="json")}

    @property
    def _maxwell(self) -> dict[str, Any]:
        """The section ``[maxwell]``, if there is one."""
        settings = self.config.maxwell
        return {"maxwell": settings.model_dump(mode="json", exclude={"density_of"})} if settings else {}

    @property
    def cells(self) -> int:
        """How many copies of the structure are propagated."""
        return self.config.maxwell.domains if self.config.maxwell else 1

    @property
    def headline(self) -> str:
        """One line that says what is computed."""
        dynamics = self.config.dynamics
        points = " x ".join(map(str, self.shape))
        return (
            f"{self.config.title or self.path.name}: {len(self.atoms)} atoms, {points} points; "
            f"{dynamics.n_steps} steps of {units.from_atomic(dynamics.dt, 'as', 'time'):.4g} as, "
            f"{dynamics.mode}, {dynamics.precision_label}, backend {dynamics.backend}"
        )

    @property
    def ground_state_physics(self) -> dict[str, Any]:
        """The part of the physics that fixes the ground state."""
        return {part: self.physics[part] for part in _GROUND_STATE_PARTS} | self._domains

    @contextmanager
    def blame(self) -> Iterator[None]:
        """Turn errors of the physics inside the block into errors about this file and its keys.

        Raises
        ------
        InputError
            When the physics refuses something that the file asked for.
        """
        try:
            yield
        except _REFUSALS as error:
            raise InputError(self.path, self._key_of(error), str(error)) from error
        except MemoryError as error:
            problem = f"a grid of {self.shape} points needs more memory than there is"
            raise InputError(self.path, self._grid_key, problem, "take a coarser grid or fewer bands") from error

    @property
    def _grid_key(self) -> str:
        return "[grid] shape" if self.config.grid.shape else "[grid] spacing"

    def _key_of(self, error: MlmdError) -> str:
        """Return the key of the input that an error of the physics is about."""
        match error:
            case PseudopotentialError():
                named = bool(self.config.ground_state.pseudopotentials)
                listed = "atoms" if self.config.system.atoms else "structure"
                return "[ground_state] pseudopotentials" if named else f"[system] {listed}"
            case OccupationError():
                return "[ground_state] smearing"
            case PartitionError():
                return "[domains]"
            case GridError():
                return self._grid_key
            case TimeStepError():
                return "[dynamics] dt"
            case DecompositionError():
                return "[parallel]"
            case LightError():
                return error.key
            case BackendUnavailable():
                return "[dynamics] backend"
        return "[ground_state] max_iterations"


def read_problem(path: Path, backend: str | None = None, precision: str | None = None) -> Problem:
    """Read an input file and check all that can be checked without computing.

    Parameters
    ----------
    path : Path
        The input file.
    backend, precision : str, optional
        Replace the keys of ``[dynamics]``.

    Returns
    -------
    Problem
        The problem.

    Raises
    ------
    InputError
        When something in the file, the structure file or the options is wrong.
    """
    config, text = read_input(path)
    config = with_keys(config, "dynamics", backend=backend, precision=precision)
    check_backend(config.dynamics.backend, path, "--backend" if backend else "[dynamics] backend")
    _check_light(config, path)
    check_division(config, path)
    check_maxwell(config, path)
    atoms = read_structure(config.system, path)
    return Problem(path, text, config, atoms, grid_shape(config.grid, atoms))


def grid_shape(grid: Grid, atoms: Atoms) -> tuple[int, int, int]:
    """Return the number of grid points along each axis.

    A spacing is an upper limit: the number of points is the next one whose prime factors are
    small, which Fourier transforms like.

    Parameters
    ----------
    grid : Grid
        The section ``[grid]``.
    atoms : ase.Atoms
        The structure.

    Returns
    -------
    tuple of int
        Points along x, y, z.

    Examples
    --------
    >>> grid_shape(Grid(spacing="0.13 angstrom"), Atoms("He", cell=[3.9, 3.9, 4.15]))
    (30, 30, 32)
    """
    if grid.shape is not None:
        return grid.shape
    if grid.spacing is None:
        raise AssertionError("validated: one of the two is given")
    x, y, z = (
        next_fast_len(max(3, math.ceil(length / Bohr / grid.spacing * (1 - 1e-9))), real=True)
        for length in np.asarray(atoms.cell.lengths())
    )
    return int(x), int(y), int(z)


def check_backend(name: str, path: Path, key: str) -> None:
    """Raise unless the backend is known and works here.

    Parameters
    ----------
    name : str
        Such as ``cpu``.
    path : Path
        The input file.
    key : str
        Who asked for it.

    Raises
    ------
    InputError
        Otherwise.
    """
    try:
        status = backends.get(name).status()
    except BackendUnavailable as error:
        raise InputError(path, key, str(error)) from error
    if not status.works:
        raise InputError(path, key, f"backend '{name}' does not work here: {status.reason}")


def _check_light(config: Config, path: Path) -> None:
    """Raise when the light is still on, or not yet, at the end of the run."""
    dynamics = config.dynamics
    end = light(config.laser).duration
    length = dynamics.n_steps * dynamics.dt
    if end <= length * (1 + 1e-9):
        return
    raise InputError(
        path,
        "[laser] start" if isinstance(config.laser, Kick) else "[laser] duration",
        f"the light ends at {units.from_atomic(end, 'fs', 'time'):.4g} fs, "
        f"later than the run ({units.from_atomic(length, 'fs', 'time'):.4g} fs)",
        f"raise [dynamics] {'steps' if dynamics.steps else 'time'} "
        f"({math.ceil(end / dynamics.dt)} steps are enough) or let the light end earlier",
    )
