"""``mlmd nn label``: energies and forces of structures by QXMD, in the ground state or with electrons lifted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Field
from rich.console import Console
from rich.progress import Progress

from ..config import Grid, GroundStateSettings
from ..errors import InputError
from ..interrupt import Interrupted, StopSignals
from ..sections import Section
from .align_command import Guard

if TYPE_CHECKING:
    import ase

    from .dataset import Frames


class Electrons(Section):
    """``[electrons]``: how many are lifted across the gap, in each formula unit of ``atoms`` atoms."""

    excited: Annotated[float, Field(ge=0)] = 0.0
    atoms: Annotated[int, Field(ge=1)] = 5


class Labelling(Section):
    """Input of ``mlmd nn label``: sections ``[grid]`` and ``[ground_state]`` as in ``mlmd run``, and ``[electrons]``.

    Examples
    --------
    >>> Labelling.model_validate({"grid": {"spacing": "0.2 angstrom"}, "electrons": {"excited": 0.4}}).electrons.atoms
    5
    """

    title: str = ""
    grid: Grid
    ground_state: GroundStateSettings = GroundStateSettings()
    electrons: Electrons = Electrons()


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``label`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def label(
        settings_file: Annotated[Path, typer.Argument(metavar="SETTINGS.toml", help="Grid, ground state, electrons.")],
        structures: Annotated[Path, typer.Argument(metavar="STRUCTURES", help="Any file that ASE reads.")],
        out: Annotated[Path, typer.Option(help="Labelled structures, extended XYZ.", show_default=False)],
        force: Annotated[bool, typer.Option("--force", help="Forget what is in the file.")] = False,
    ) -> None:
        """Compute energies and forces of structures; a stopped command goes on where it was."""
        console = Console()
        with guard(Console(stderr=True)):
            from ..io.input import parse, read_text

            settings = parse(Labelling, read_text(settings_file), settings_file)
            _label(console, settings, structures, out, force)


def _label(console: Console, settings: Labelling, structures: Path, out: Path, force: bool) -> None:
    from .dataset import read_structures, write_frames

    frames = read_structures(structures)
    done = _done(out, frames, settings) if out.exists() and not force else []
    solver = Solver(settings)
    with StopSignals() as stop, Progress(console=console) as progress:
        task = progress.add_task("structures", total=len(frames), completed=len(done))
        for number, frame in enumerate(frames[len(done) :], len(done) + 1):
            if stop.requested:
                raise Interrupted(f"stopped after {len(done)} structures; the same command goes on")
            done.append(solver.solve(frame, f"structure {number} of {structures}"))
            write_frames(out, done)
            progress.advance(task)
    console.print(f"written: {out} ({len(done)} structures)", soft_wrap=True, highlight=False)


def _done(out: Path, frames: Frames, settings: Labelling) -> Frames:
    """Labelled structures of a stopped command, if they are its own."""
    from .alignment import common_structures
    from .dataset import read_frames

    done = read_frames(out)
    same = [pair for pair in common_structures(done, frames[: len(done)]) if pair[0] == pair[1]]
    if len(same) < len(done) or any(frame.info.get("labelling") != _key(settings) for frame in done):
        raise InputError(out, "", "holds other structures or settings", "choose another file with --out, or --force")
    return done


def _key(settings: Labelling) -> str:
    return settings.model_dump_json(exclude={"title"})


class Solver:
    """QXMD with the settings of an input, started from the structure before where only places changed."""

    def __init__(self, settings: Labelling) -> None:
        self.settings = settings
        self.calculators: dict[Any, Any] = {}

    def solve(self, frame: ase.Atoms, place: str) -> ase.Atoms:
        """Copy of a structure with energy (extrapolated to no smearing in the ground state) and forces.

        Parameters
        ----------
        frame : ase.Atoms
            Orthorhombic and periodic.
        place : str
            For messages.

        Returns
        -------
        ase.Atoms

        Raises
        ------
        InputError
            What QXMD refuses, with the structure named.
        """
        from ..errors import MlmdError
        from .dataset import labelled

        copy = frame.copy()
        copy.calc = self._calculator(frame)
        try:
            # the free energy is what the forces are the gradient of
            energy, forces = copy.get_potential_energy(force_consistent=True), copy.get_forces()
        except (MlmdError, ValueError) as error:
            raise InputError(place, "", str(error)) from error
        result = labelled(frame, energy=energy, forces=forces)
        result.info["labelling"] = _key(self.settings)
        return result

    def _calculator(self, frame: ase.Atoms) -> Any:
        from ase.units import Hartree

        from ..dcmesh.qxmd.calculator import QXMD
        from ..problem import grid_shape

        settings, shape = self.settings.ground_state, grid_shape(self.settings.grid, frame)
        key = (tuple(frame.numbers), shape, tuple(frame.cell.array.ravel()))
        if key not in self.calculators:
            self.calculators.clear()
            self.calculators[key] = QXMD(
                shape,
                **settings.arguments() | {"smearing": settings.smearing * Hartree},
                kpts=settings.kpoints,
                kpt_shift=settings.kpoint_shift,
                excited=self.settings.electrons.excited * len(frame) / self.settings.electrons.atoms,
            )
        return self.calculators[key]
