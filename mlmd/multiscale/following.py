"""What ``mlmd topology`` does: follow the polarisation through a trajectory and write what was seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import ase
import numpy as np
from rich.console import Console
from rich.progress import Progress

from ..errors import InputError, MlmdError
from ..io.atomic import make_folder, write_bytes, write_text
from .cells import Cells
from .exports import write_dump, write_fields
from .files import frames_of
from .film import draw_film
from .history import Observation, as_csv, observation
from .numbers import signless
from .pictures import draw_charges, draw_maps
from .polarisation import ChargeSet, polar_layers, polarisation
from .topology import Array, charge_density


@dataclass
class Followed:
    """Cells of the reference, a row for each frame, and the polarisation of the frames that are kept."""

    reference: ase.Atoms
    cells: Cells
    rows: list[Observation] = field(default_factory=list)
    kept: list[tuple[Observation, Array]] = field(default_factory=list)

    @property
    def sides(self) -> tuple[float, float]:
        """Of a cell along x and y, Angstrom."""
        x, y = (self.reference.cell.lengths() / self.cells.shape)[:2].tolist()
        return x, y

    def mean_layer(self, P: Array) -> Array:
        """Mean (nx, ny, 3) of the polar layers of a polarisation."""
        return P[:, :, polar_layers(self.cells)].mean(axis=2)


def follow(
    trajectory: Path, reference: Path, charges: ChargeSet, every: int = 1, average: int = 1, keep: bool = False
) -> Followed:
    """Observe the frames of a trajectory.

    Parameters
    ----------
    trajectory, reference : path
        Files that ASE reads; of the reference the first frame.
    charges : str
        See :func:`mlmd.multiscale.polarisation.polarisation`.
    every : int
        From one frame to the next that is taken.
    average : int
        A row is that of the mean polarisation of so many frames, up to its own; the first rows of as many as there are.
    keep : bool
        Keep the polarisation of all frames, not only of the first and the last.

    Returns
    -------
    Followed

    Raises
    ------
    InputError
        A file or a frame that cannot be followed: which, and why.
    """
    first = next(frames_of(reference))
    with _blamed(reference, "first frame", "give the structure that was built, with --reference"):
        found = Followed(first, Cells(first))
    recent: deque[Array] = deque(maxlen=average)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=None)
        for number, frame in enumerate(frames_of(trajectory, every)):
            with _blamed(trajectory, f"frame {number * every}", "give the structure it began with, with --reference"):
                recent.append(polarisation(found.cells, frame, charges))
                P = np.mean(recent, axis=0)
                row = observation(found.cells, P, number * every, float(frame.info.get("time_fs", np.nan)))
            found.rows.append(row)
            found.kept[1 if not keep else len(found.kept) :] = [(row, P)]
            progress.advance(task)
    return found


@contextmanager
def _blamed(file: Path, place: str, remedy: str) -> Iterator[None]:
    """Say in which file and where an error is."""
    try:
        yield
    except MlmdError as error:
        raise InputError(file, place, str(error), remedy) from error


def write_results(out: Path, found: Followed, name: str, film: bool = False) -> None:
    """Write table and pictures, and a film if its frames were kept.

    Parameters
    ----------
    out : path
        Folder.
    found : Followed
        What was seen.
    name : str
        Of the trajectory, for the pictures.
    film : bool
        Draw ``film.gif``.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    make_folder(out)
    write_text(out / "topology.csv", as_csv(found.rows))
    write_bytes(out / "charge.png", draw_charges({name: found.rows}))
    frames = [(row, found.mean_layer(P)) for row, P in found.kept]
    ends = [frames[0], frames[-1]][: len(frames)]
    maps = [(f"frame {row.frame}, Q = {signless(row.charge)}", P) for row, P in ends]
    write_bytes(out / "maps.png", draw_maps(maps, found.sides))
    if film:
        write_bytes(out / "film.gif", draw_film(frames, found.sides))


def write_exports(out: Path, found: Followed, trajectory: Path, every: int = 1) -> None:
    """Write ``fields.xdmf`` (ParaView) and ``ovito.dump`` (OVITO).

    Parameters
    ----------
    out : path
        Folder.
    found : Followed
        With the polarisation of all frames.
    trajectory : path
        For the positions.
    every : int
        As it was followed.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    polar = polar_layers(found.cells)
    edges = [np.linspace(0, L, n + 1) for L, n in zip(found.reference.cell.lengths(), found.cells.shape, strict=True)]
    fields = [P for _, P in found.kept]
    charges = [np.stack([_density(P[:, :, k], polar[k]) for k in range(P.shape[2])], axis=2) for P in fields]
    times = [row.time_fs if np.isfinite(row.time_fs) else row.frame for row, _ in found.kept]
    write_fields(out / "fields.xdmf", times, {"polarisation": fields, "topological_charge": charges}, edges)
    write_dump(out / "ovito.dump", _with_polarisation(found, trajectory, every))


def _density(P: Array, polar: bool) -> Array:
    return charge_density(P) if polar else np.zeros(P.shape[:2])


def _with_polarisation(found: Followed, trajectory: Path, every: int) -> Iterator[ase.Atoms]:
    """Frames whose atoms carry the polarisation of their cell."""
    for frame, (row, P) in zip(frames_of(trajectory, every), found.kept, strict=True):
        frame.arrays["polarisation"] = P[tuple(found.cells.of_atoms.T)]
        frame.info.setdefault("step", row.frame)
        yield frame
