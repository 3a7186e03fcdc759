"""What a dynamics leaves: a table, a trajectory, and a checkpoint that says how much of both was there when."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
from ase import units
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

from ...errors import CheckpointError, InputError
from ...io.atomic import cannot_write, make_folder
from ...io.checkpoint import State, new_sealed, open_sealed, read_state, write_state
from .integrators import Integrator
from .particles import Particles, System

KIND = "checkpoint of molecular dynamics"


@dataclass(frozen=True)
class Observables:
    """One row of the table; pressure and volume are NaN where an axis is not periodic."""

    step: int
    time_fs: float
    potential_eV: float
    kinetic_eV: float
    total_eV: float
    conserved_eV: float
    temperature_K: float
    pressure_GPa: float
    volume_A3: float
    a_A: float
    b_A: float
    c_A: float


def digest(*arrays: NDArray) -> str:
    """SHA-256 of what is in arrays."""
    content = hashlib.sha256()
    for array in arrays:
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def observe(system: System, integrator: Integrator, degrees: int) -> Observables:
    """Observables of all atoms; a collective call.

    Parameters
    ----------
    system : System
        With energy and virial.
    integrator : Integrator
        For what is conserved.
    degrees : int
        Degrees of freedom n of T = 2 K / (n k).
    """
    kinetic = system.kinetic()
    energy = 0.5 * float(np.trace(kinetic))
    total = system.energy + energy
    lengths = np.linalg.norm(system.cell, axis=1)
    volume = system.volume if system.periodic.all() else np.nan
    return Observables(
        step=system.step,
        time_fs=system.time / units.fs,
        potential_eV=system.energy,
        kinetic_eV=energy,
        total_eV=total,
        conserved_eV=total + integrator.reservoir(system),
        temperature_K=2 * energy / (degrees * units.kB),
        pressure_GPa=float(np.trace(kinetic - system.virial)) / 3 / volume / units.GPa,
        volume_A3=volume,
        a_A=float(lengths[0]),
        b_A=float(lengths[1]),
        c_A=float(lengths[2]),
    )


class Appended:
    """A file that grows at its end by whole pieces.

    Parameters
    ----------
    path : path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> file = Appended(Path(tempfile.mkdtemp()) / "table.csv")
    >>> file.append("first"), file.append("second"), file.cut(5), file.path.read_text()
    (5, 11, None, 'first')
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        """In bytes."""
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, text: str) -> int:
        """Add a piece, or nothing where the disk has no room for all of it; returns the new size."""
        size = self.size
        try:
            with self.path.open("ab") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.cut(size)
            raise cannot_write(self.path, error) from error
        return self.size

    def cut(self, size: int) -> None:
        """Forget what stands after so many bytes.

        Raises
        ------
        InputError
            A file that is shorter.
        """
        if self.size < size:
            raise InputError(
                self.path, "", f"has {self.size} bytes, {size} were written", "put it back, or start anew with --force"
            )
        if self.path.exists():
            os.truncate(self.path, size)


class Record:
    """The folder of a dynamics.

    Parameters
    ----------
    folder : path
        It may be there already.
    start : ase.Atoms
        Structure at the start, for elements and arrays that do not change.
    physics : mapping
        What fixes the numbers of the run.
    """

    def __init__(self, folder: Path, start: ase.Atoms, physics: State) -> None:
        self.folder, self._start, self._physics = folder, start, physics
        self.table = Appended(folder / "observables.csv")
        self.trajectory = Appended(folder / "trajectory.xyz")
        self.checkpoint = folder / "checkpoint.h5"

    def forget(self) -> None:
        """Remove the files of an earlier run."""
        for path in (self.checkpoint, self.table.path, self.trajectory.path):
            path.unlink(missing_ok=True)

    def begin(self) -> None:
        """Begin the table.

        Raises
        ------
        InputError
            Where there are files of that name already.
        """
        make_folder(self.folder)
        for file in (self.table, self.trajectory):
            if file.size:
                raise InputError(
                    file.path, "", "is there, and no checkpoint with it", "choose another folder with --out, or --force"
                )
        self.table.append(",".join(Observables.__annotations__) + "\n")

    def add_row(self, row: Observables) -> None:
        """Append to the table."""
        self.table.append(",".join(repr(value) for value in asdict(row).values()) + "\n")

    def add_frame(self, system: System, everything: Particles) -> None:
        """Append to the trajectory: positions (not wrapped), momenta, energy and forces, which ASE and OVITO read."""
        frame = self._start.copy()
        frame.set_cell(np.where(self._start.cell.any(axis=1)[:, None], system.cell, 0.0))
        frame.set_positions(everything.positions + everything.images @ system.cell)
        frame.set_momenta(everything.momenta)
        frame.info.update(step=system.step, time_fs=system.time / units.fs)
        frame.calc = SinglePointCalculator(frame, energy=system.energy, forces=everything.forces)
        text = io.StringIO()
        ase.io.write(text, frame, format="extxyz", parallel=False)
        self.trajectory.append(text.getvalue())

    def save(self, system: System, everything: Particles, integrator: Integrator) -> None:
        """Write the checkpoint."""
        with new_sealed(self.checkpoint, KIND, self._physics) as file:
            state = {
                "step": system.step,
                "energy": system.energy,
                "virial": system.virial,
                "cell": system.cell,
                "home_cell": system.home_cell,
                "atoms": {name: value for name, value in vars(everything).items()},
                "integrator": integrator.state(),
                "sizes": {"table": self.table.size, "trajectory": self.trajectory.size},
            }
            write_state(file.create_group("state"), state)

    def read(self) -> dict[str, Any]:
        """State of the checkpoint.

        Raises
        ------
        CheckpointError
            When it is damaged, of another run, or written by a version of MLMD that kept other things of an atom.
        """
        with open_sealed(self.checkpoint, KIND, self._physics) as file:
            state = read_state(file["state"])
        if state["atoms"].keys() != {one.name for one in fields(Particles)}:
            remedy = "go on with that one, or start anew with --force"
            raise CheckpointError(self.checkpoint, "", "was written by another version of MLMD", remedy)
        return state

    def cut(self, sizes: dict[str, int]) -> None:
        """Bring table and trajectory back to where they were at the checkpoint."""
        self.table.cut(sizes["table"])
        self.trajectory.cut(sizes["trajectory"])


def restore(system: System, integrator: Integrator, state: dict[str, Any]) -> None:
    """Take up the state of a checkpoint; each rank takes some of the atoms, which move home with the next list."""
    ranks = system.ranks
    system.particles = Particles(**state["atoms"]).rows(np.arange(ranks.rank, system.atoms, ranks.size))
    system.cell, system.home_cell, system.virial = state["cell"], state["home_cell"], state["virial"]
    system.step, system.energy = int(state["step"]), float(state["energy"])
    integrator.restore(state["integrator"])
