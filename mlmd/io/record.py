"""A finished run, read back from its run folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from .. import units
from ..config import Config
from ..errors import InputError
from .folder import RunFolder
from .input import explain
from .series import Series

_SECTIONS = ("series", "system", "ground_state", "timings", "versions")


@dataclass(frozen=True)
class Record:
    """What a finished run was asked and what it observed, atomic units.

    Attributes
    ----------
    folder : Path
        The run folder.
    config : Config
        The input as it was understood.
    series : Series
        The observations.
    numbers, positions, lengths : ndarray
        Atomic numbers (natoms,), positions (natoms, 3) and edges of the cell (3,) in bohr.
    shape : tuple of int
        Grid points along x, y, z.
    electrons : float
        Electrons in the cell.
    seconds : float
        Wall-clock seconds of the propagation per electron and step.
    version : str
        Version of MLMD that made it.
    """

    folder: Path
    config: Config
    series: Series
    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    lengths: NDArray[np.float64]
    shape: tuple[int, ...]
    electrons: float
    seconds: float
    version: str

    @property
    def label(self) -> str:
        """Mode, precision, backend and time step."""
        dynamics = self.config.dynamics
        dt = units.from_atomic(dynamics.dt, "as", "time")
        return f"{dynamics.mode}, {dynamics.precision_label}, {dynamics.backend}, dt = {dt:.4g} as"


def read_record(path: Path) -> Record:
    """Read a finished run.

    Parameters
    ----------
    path : Path
        Its run folder.

    Returns
    -------
    Record
        What it holds.

    Raises
    ------
    InputError
        When it is not a run folder, the run is not finished, or ``run.h5`` cannot be read.
    """
    folder = RunFolder(path)
    try:
        if not folder.run.exists():
            raise _refusal(folder)
        with h5py.File(folder.run, "r") as file:
            if file.attrs.get("format") != "mlmd run":
                raise ValueError("it is not the result of a run")
            return _read(path, file)
    except ValidationError as error:
        key, problem = explain(error, {})
        raise _unreadable(folder, f"another version of mlmd made it: {key} {problem}") from error
    except (OSError, RuntimeError, LookupError, ValueError, TypeError) as error:
        raise _unreadable(folder, " ".join(str(error).split())) from error


def _read(path: Path, file: h5py.File) -> Record:
    """Return the content of an open ``run.h5``."""
    series, system, ground_state, timings, versions = (file[name] for name in _SECTIONS)
    settings: dict[str, Any] = json.loads(file["input/settings"].asstr()[()])
    occupations = ground_state["occupations"][()]
    return Record(
        folder=path,
        config=Config.model_validate(settings),
        series=Series.read(series),
        numbers=system["atomic_numbers"][()],
        positions=system["positions"][()],
        lengths=system["lengths"][()],
        shape=tuple(int(n) for n in system["grid_shape"][()]),
        electrons=float(ground_state["weights"][()] @ occupations.sum(axis=1)),
        seconds=float(timings["per_electron_step"][()]),
        version=str(versions.attrs["mlmd"]),
    )


def _refusal(folder: RunFolder) -> InputError:
    """Return the error for a folder without results."""
    if folder.checkpoint.exists() or folder.ground_state.exists():
        remedy = "finish it with 'mlmd run' and --resume"
        return InputError(folder.path, "", "holds an unfinished run", remedy)
    remedy = "give the folder that 'mlmd run' wrote to"
    return InputError(folder.path, "", f"is not a run folder: there is no {folder.run.name} in it", remedy)


def _unreadable(folder: RunFolder, reason: str) -> InputError:
    return InputError(folder.path, "", f"{folder.run.name} cannot be read ({reason})", "do the run again")
