"""A photo-switching by ``mlmd run``, and by ``mlmd scan`` over fluences and seeds, shared out over processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..backends import launched_ranks, local_rank
from ..errors import InputError
from ..nnqmd.packages import require
from ..perf.cli import Guard
from .numbers import signless

if TYPE_CHECKING:
    from ..sections import Section
    from .job import Job
    from .outcome import Outcome


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``scan`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def scan(
        input_file: Annotated[
            Path, typer.Argument(metavar="INPUT.toml", help="A photo-switching.", show_default=False)
        ],
        fluences: Annotated[
            str | None,
            typer.Option(help="In mJ/cm2, such as 1,2,4 (default: of [laser]).", show_default=False),
        ] = None,
        seeds: Annotated[
            str | None, typer.Option(help="Such as 0,1,2 (default: of [switch]).", show_default=False)
        ] = None,
        workers: Annotated[int, typer.Option(min=1, help="Processes; under mpirun its ranks.")] = 2,
        out: Annotated[Path | None, typer.Option(help="Run folder (default: INPUT_scan).", show_default=False)] = None,
        force: Annotated[bool, typer.Option("--force", help="Forget what is in the folder.")] = False,
    ) -> None:
        """Tell over fluences and seeds which pulse switches the texture of INPUT.toml.

        A stopped command goes on where it was. 'mpirun -n 4 mlmd scan ...' has three ranks work and one hand out work.
        """
        console = Console(stderr=True, quiet=local_rank() > 0)
        with guard(console):
            require()
            from .ensemble import workers as ensemble_of
            from .job import read_job
            from .photoswitch import Photoswitch, forget

            job = _asked(read_job(input_file, out or Path(f"{input_file.stem}_scan")), fluences, seeds)
            with ensemble_of(workers) as ensemble:
                if ensemble is None:
                    return
                if force:
                    forget(job)
                found = Photoswitch(job, console, ensemble).run()
            show(found, job)


def asks_for_switch(path: Path) -> bool:
    """Whether an input file asks for a photo-switching: whether it has a section ``[texture]``."""
    from ..io.input import read_text

    return any(line.strip().startswith("[texture]") for line in read_text(path).splitlines())


def run_switch(
    console: Console, input_file: Path, out: Path | None, backend: str | None, precision: str | None, force: bool
) -> None:
    """Do what ``mlmd run`` is asked to with a photo-switching.

    Raises
    ------
    MlmdError
        What an input, a file or the numbers have against it.
    Interrupted
        When it was stopped; the same command goes on.
    """
    from ..run import default_folder
    from .job import read_job
    from .photoswitch import Photoswitch, forget

    if launched_ranks() > 1:
        raise InputError(input_file, "mpirun", "is not for a photo-switching by 'mlmd run'", "take 'mlmd scan'")
    require()
    job = read_job(input_file, out or default_folder(input_file), backend, precision)
    if force:
        forget(job)
    show(Photoswitch(job, console).run(), job)


def _asked(job: Job, fluences: str | None, seeds: str | None) -> Job:
    """A job with other fluences and seeds."""
    from dataclasses import replace

    changes: dict[str, Section] = {}
    if fluences is not None:
        values = [f"{one} mJ/cm2" for one in _numbers(fluences, "--fluences")]
        changes["laser"] = _revised(job.config.laser, "--fluences", fluences=values)
    if seeds is not None:
        numbers = [int(one) for one in _numbers(seeds, "--seeds")]
        changes["switch"] = _revised(job.config.switch, "--seeds", seeds=numbers)
    return replace(job, config=job.config.model_copy(update=changes))


def _revised(section: Section, option: str, **changes: Any) -> Section:
    """A section with some keys changed, checked."""
    from pydantic import ValidationError

    from ..io.input import explain

    data = {**section.model_dump(), **changes}
    try:
        return type(section).model_validate(data)
    except ValidationError as error:
        raise InputError("mlmd scan", option, " ".join(explain(error, data, type(section)))) from error


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(one) for one in text.split(",")]
    except ValueError as error:
        raise InputError("mlmd scan", option, f"'{text}' is no list of numbers", "write 1,2,4") from error


def show(found: Outcome, job: Job) -> None:
    """Print what became of the texture."""
    table = Table(title=job.config.title or None)
    columns = ("mJ/cm²", "seed", "electrons", "weight", "Q before", "Q after", "change", "switched")
    for column in columns:
        table.add_column(column, justify="right")
    for one in found.verdicts:
        table.add_row(
            f"{one.fluence_mJ_per_cm2:.4g}" if one.fluence_mJ_per_cm2 else "dark",
            str(one.seed),
            f"{one.electrons:.4f}",
            f"{one.weight:.3f}",
            signless(one.charge_before),
            signless(one.charge_after),
            f"{one.largest_change:.2f}",
            "yes" if one.switched else "no",
        )
    console = Console()
    console.print(table)
    console.print(f"written: {job.folder}", soft_wrap=True, highlight=False)
