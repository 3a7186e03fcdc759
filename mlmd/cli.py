"""The command ``mlmd``.

Exit codes: 0 done, 2 something in the input or on the machine is wrong (one message says what),
130 stopped by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from . import __version__
from .errors import MlmdError
from .interrupt import EXIT_CODE, Interrupted

EXIT_BAD_INPUT = 2

app = typer.Typer(
    name="mlmd",
    help="Light-matter dynamics of quantum materials.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Precision(str, Enum):
    """Floating-point type of the orbitals in real time."""

    fp32 = "fp32"
    fp64 = "fp64"


def main() -> None:
    """Run the command line; the entry point of the program ``mlmd``."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mlmd {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Light-matter dynamics of quantum materials."""


@app.command()
def run(
    input_file: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="What to compute.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Run folder  [default: NAME_out]", show_default=False)] = None,
    backend: Annotated[
        str | None, typer.Option(help="Backend of the kernels, see 'mlmd devices'.", show_default=False)
    ] = None,
    precision: Annotated[Precision | None, typer.Option(help="Precision in real time.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the checkpoint in the run folder.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace results that are in the run folder.")] = False,
) -> None:
    """Compute the ground state of INPUT.toml and put it under light.

    The run folder receives run.h5, summary.json, pictures and a checkpoint. Ctrl-C once writes the checkpoint
    and ends; the same command with --resume goes on.
    """
    console = Console(stderr=True)
    with _plain_errors(console):
        summary, folder = _run(console, input_file, out, backend, precision, resume, force)
    _print_summary(summary, folder)


@app.command()
def devices() -> None:
    """Show what this machine has and which backends work on it."""
    from . import backends

    console = Console()
    with _plain_errors(Console(stderr=True)):
        machine = backends.describe()
        facts = Table.grid(padding=(0, 2))
        facts.add_row("CPU", machine.cpu)
        facts.add_row("instruction sets", " ".join(machine.instruction_sets) or "none that matter here")
        facts.add_row("threads", str(machine.threads))
        facts.add_row("GPUs", "\n".join(machine.gpus) or "none found")
        table = Table("backend", "status", "what it is", "reason", title="Backends", title_justify="left")
        for name in backends.names():
            backend = backends.get(name)
            status = backend.status()
            word = "[green]works[/]" if status.works else "[red]not here[/]"
            table.add_row(name, word, backend.summary, "" if status.works else status.reason)
        console.print(facts)
        console.print(table)


def _run(
    console: Console,
    input_file: Path,
    out: Path | None,
    backend: str | None,
    precision: Precision | None,
    resume: bool,
    force: bool,
) -> tuple[dict[str, Any], Path]:
    """Do what ``mlmd run`` is asked to and return the summary and the run folder."""
    # Imported here: `mlmd --help` and `mlmd devices` need neither ASE nor Matplotlib.
    from .engine import default_engine
    from .errors import InputError
    from .io.folder import RunFolder
    from .problem import read_problem
    from .progress import Progress
    from .run import Run, default_folder

    if resume and force:
        raise InputError(input_file, "--resume", "is given together with --force", "keep one of the two")
    problem = read_problem(input_file, backend, precision.value if precision else None)
    folder = out or default_folder(input_file)
    job = Run(problem, RunFolder(folder), default_engine(), Progress(console), resume, force)
    return job.execute(), folder


@contextmanager
def _plain_errors(console: Console) -> Iterator[None]:
    """Turn errors into one message and an exit code, and warnings into lines."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _say(console, "warning", str(message))
            yield
    except MlmdError as error:
        _stop(console, "error", str(error), EXIT_BAD_INPUT)
    except Interrupted as error:
        _stop(console, "stopped", str(error).removeprefix("stopped "), EXIT_CODE)
    except KeyboardInterrupt:
        _stop(console, "stopped", "before the run began", EXIT_CODE)


def _stop(console: Console, word: str, text: str, code: int) -> NoReturn:
    _say(console, word, text)
    raise typer.Exit(code)


def _say(console: Console, word: str, text: str) -> None:
    console.print(f"{word}: {text}", markup=False, highlight=False, soft_wrap=True)


def _print_summary(summary: dict[str, Any], folder: Path) -> None:
    """Print the main figures of a finished run."""
    table = Table.grid(padding=(0, 2))
    table.add_row("excited electrons", f"{summary['n_exc']:.6g} of {summary['electrons']}")
    table.add_row("energy absorbed", f"{summary['energy_absorbed_hartree']:.6g} Ha")
    table.add_row("norm deviation", f"{summary['norm_deviation']:.1e}")
    table.add_row("time simulated", f"{summary['time_fs']:.4g} fs in {summary['steps']} steps")
    table.add_row("speed", f"{summary['s_per_electron_step']:.2e} s/(electron*step)")
    table.add_row("results", str(folder))
    Console().print(table)
