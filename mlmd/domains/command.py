"""``mlmd domains``: error against the thickness of the buffers, or time against the number of domains."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from .. import units
from ..errors import InputError
from ..perf.cli import Guard

if TYPE_CHECKING:
    from ..config import DomainSettings
    from ..problem import Problem
    from .scaling import Scaling
    from .study import BufferError


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``domains`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def domains(
        input_file: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="What to cut.", show_default=False)],
        buffers: Annotated[
            str | None,
            typer.Option(help='Such as "2,4,6" (bohr) or "2 angstrom, 3 angstrom".', show_default=False),
        ] = None,
        scaling: Annotated[
            bool, typer.Option("--scaling", help="Time rows of 1, 2, 4 and 8 copies of the cell instead.")
        ] = False,
        rounds: Annotated[int, typer.Option(help="Samples of each time, for --scaling.", min=1)] = 3,
        out: Annotated[Path | None, typer.Option(help="Run folder (default: INPUT_out).", show_default=False)] = None,
    ) -> None:
        """Cut INPUT.toml into domains, as [domains] says, and compare with the undivided calculation.

        Prints the error of energy and forces for each buffer (default: that of [domains]). domains.json goes to the
        run folder, with --scaling domains_scaling.json.
        """
        console = Console(stderr=True)
        with guard(console):
            _domains(console, input_file, buffers, scaling, rounds, out)


def _domains(
    console: Console, input_file: Path, buffers: str | None, scaling: bool, rounds: int, out: Path | None
) -> None:
    from ..io.atomic import make_folder, write_text
    from ..io.folder import RunFolder
    from ..problem import read_problem
    from ..run import default_folder

    problem = read_problem(input_file)
    settings = _settings(problem)
    if scaling and buffers is not None:
        raise InputError(input_file, "--scaling", "is given together with --buffers", "keep one of the two")
    thicknesses = [settings.buffer] if buffers is None else parse_buffers(buffers)
    folder = RunFolder(out or default_folder(input_file))
    file = folder.domains_scaling if scaling else folder.domains
    with problem.blame():
        if scaling:
            record, table = _scaling(problem, settings, rounds, console)
        else:
            record, table = _study(problem, settings, thicknesses, console)
    make_folder(folder.path)
    write_text(file, json.dumps(record, indent=1) + "\n")
    shown = Console()
    shown.print(table)
    shown.print(f"report: {file}", markup=False, highlight=False, soft_wrap=True)


def _settings(problem: Problem) -> DomainSettings:
    """``[domains]`` of a problem that can be divided."""
    config = problem.config
    if config.domains is None:
        remedy = 'add it, such as\n[domains]\ndivisions = [1, 1, 2]\nbuffer = "5 bohr"'
        raise InputError(problem.path, "[domains]", "is missing", remedy)
    return config.domains


def parse_buffers(text: str) -> list[float]:
    """Thicknesses in bohr from a list with commas.

    Raises
    ------
    InputError
        An item that is no length, or below 0.

    Examples
    --------
    >>> [round(b, 3) for b in parse_buffers("2, 1 angstrom")]
    [2.0, 1.89]
    """
    return [_length(item.strip()) for item in text.split(",")]


def _length(text: str) -> float:
    try:
        value: float = units.parse(_number_or(text), kind="length")
    except ValueError as error:
        raise InputError("mlmd domains", "--buffers", str(error), 'write lengths such as "2,4,6"') from error
    if not 0.0 <= value < float("inf"):
        raise InputError("mlmd domains", "--buffers", f"has {text}", "give lengths of 0 or more")
    return value


def _number_or(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _study(
    problem: Problem, settings: DomainSettings, buffers: list[float], console: Console
) -> tuple[dict[str, Any], Table]:
    from ..progress import Progress
    from .study import buffer_errors, check_buffers

    config, atoms, shape = problem.config, problem.atoms, problem.shape
    check_buffers(config, settings, atoms, shape, buffers)
    progress = Progress(console)
    progress.note(f"{problem.config.title or problem.path.name}: {len(atoms)} atoms, {_by(shape)} points")
    solving = partial(progress.ground_state, config.ground_state.max_iterations)
    rows = list(buffer_errors(config, settings, atoms, shape, buffers, solving))
    record = {"divisions": list(settings.divisions), "atoms": len(atoms), "shape": list(shape)}
    return record | {"buffers": [asdict(row) for row in rows]}, error_table(rows, settings)


def _scaling(
    problem: Problem, settings: DomainSettings, rounds: int, console: Console
) -> tuple[dict[str, Any], Table]:
    from ..progress import Progress
    from .scaling import ITERATIONS, measure_scaling

    note = Progress(console).note
    measured = measure_scaling(problem.config, settings, problem.atoms, problem.shape, rounds, note)
    record = {"buffer": settings.buffer, "iterations": ITERATIONS, "exponent": measured.exponent}
    return record | asdict(measured), scaling_table(measured)


def error_table(rows: list[BufferError], settings: DomainSettings) -> Table:
    """The errors, a buffer in each row."""
    table = Table(box=box.SIMPLE, title=f"{_by(settings.divisions)} domains against the undivided calculation")
    for name in ("buffer\nbohr", "box\npoints", "energy\nmHa/atom", "force\nHa/bohr", "density", "steps", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row.buffer:.2f}",
            _by(row.box),
            f"{1e3 * row.energy_error:+.3f}",
            f"{row.force_error:.1e}",
            f"{row.density_error:.1e}",
            str(row.iterations),
            f"{row.seconds:.1f}",
        )
    return table


def scaling_table(measured: Scaling) -> Table:
    """The times, a number of domains in each row, and the exponent."""
    from .scaling import ITERATIONS

    table = Table(box=box.SIMPLE, title=f"{ITERATIONS} iterations: seconds go as domains^{measured.exponent:.3f}")
    for name in ("domains", "processor s", "s/domain"):
        table.add_column(name, justify="right", no_wrap=True)
    for count, seconds in zip(measured.domains, measured.seconds, strict=True):
        table.add_row(str(count), f"{seconds:.2f}", f"{seconds / count:.3f}")
    return table


def _by(numbers: tuple[int, int, int]) -> str:
    return " x ".join(map(str, numbers))
