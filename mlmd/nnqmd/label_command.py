"""``mlmd nn label``: energies and forces of structures by QXMD, in the ground state or with electrons lifted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ..errors import InputError
from ..interrupt import Interrupted, StopSignals
from ..perf.cli import Guard

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from .dataset import Frames
    from .labelling import Labelling


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``label`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def label(
        settings_file: Annotated[Path, typer.Argument(metavar="SETTINGS.toml", help="Grid, ground state, electrons.")],
        structures: Annotated[Path, typer.Argument(metavar="STRUCTURES", help="Any file that ASE reads.")],
        out: Annotated[Path, typer.Option(help="Labelled structures, extended XYZ.", show_default=False)],
        onto: Annotated[
            str | None, typer.Option(help="Model of the ground state: labels are its own and what excitation changes.")
        ] = None,
        force: Annotated[bool, typer.Option("--force", help="Forget what is in the file.")] = False,
    ) -> None:
        """Compute energies and forces of structures; a stopped command goes on where it was."""
        console = Console()
        with guard(Console(stderr=True)):
            from ..io.input import parse, read_text
            from .labelling import Labelling

            settings = parse(Labelling, read_text(settings_file), settings_file)
            _label(console, settings, structures, out, onto, force)


def _label(console: Console, settings: Labelling, structures: Path, out: Path, onto: str | None, force: bool) -> None:
    from .dataset import read_structures, write_frames
    from .labelling import Solver, key_of

    frames, key = read_structures(structures), key_of(settings, onto or "")
    done = _done(out, frames, key) if out.exists() and not force else []
    solver = Solver(settings, None if onto is None else _model(onto))
    with StopSignals() as stop, Progress(console=console) as progress:
        task = progress.add_task("structures", total=len(frames), completed=len(done))
        for number, frame in enumerate(frames[len(done) :], len(done) + 1):
            if stop.requested:
                raise Interrupted(f"stopped after {len(done)} structures; the same command goes on")
            done.append(solver.solve(frame, f"structure {number} of {structures}"))
            done[-1].info["labelling"] = key
            write_frames(out, done)
            progress.advance(task)
    console.print(f"written: {out} ({len(done)} structures)", soft_wrap=True, highlight=False)


def _model(name: str) -> Calculator:
    from .packages import require

    require()
    from .calculator import NeuralNetwork
    from .shipped import find_model

    return NeuralNetwork(find_model(name))


def _done(out: Path, frames: Frames, key: str) -> Frames:
    """Labelled structures of a stopped command, if they are its own."""
    from .alignment import common_structures
    from .dataset import read_frames

    done = read_frames(out)
    same = [pair for pair in common_structures(done, frames[: len(done)]) if pair[0] == pair[1]]
    if len(same) < len(done) or any(frame.info.get("labelling") != key for frame in done):
        raise InputError(out, "", "holds other structures or settings", "choose another file with --out, or --force")
    return done
