"""The command ``mlmd``.

Exit codes: 0 done, 1 a slowdown is proven (`mlmd perf compare`), 2 something in the input or on the machine is wrong
(one message says what), 130 stopped by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from . import __version__
from .backends import local_rank
from .domains.command import add_command as add_domains
from .errors import MlmdError
from .interrupt import EXIT_CODE, Interrupted
from .multiscale.commands import add_commands as add_multiscale
from .multiscale.switch_command import add_command as add_scan
from .multiscale.switch_command import asks_for_switch, run_switch
from .nnqmd.cli import make_app as make_nn_app
from .perf.cli import DEFAULT_ROUNDS, Json, Rounds, Threads, command_line, make_app, report
from .perf.compare.cli import make_app as make_perf_app
from .scaling.command import add_command as add_scaling
from .spectra.command import add_command as add_spectrum
from .tuning.cli import WisdomFile, add_commands, use_wisdom

if TYPE_CHECKING:
    from .crew import Crew

EXIT_BAD_INPUT = 2

app = typer.Typer(
    name="mlmd",
    help="Light-matter dynamics of quantum materials.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help names sections of the input, [precision], which rich would take for styles
)


class Precision(str, Enum):
    """Floating-point type of the orbitals in real time, or as `mlmd precision` planned it."""

    fp32 = "fp32"
    fp64 = "fp64"
    planned = "planned"


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
    out: Annotated[Path | None, typer.Option(help="Run folder (default: INPUT_out).", show_default=False)] = None,
    backend: Annotated[
        str | None, typer.Option(help="Backend of the kernels, see 'mlmd devices'.", show_default=False)
    ] = None,
    precision: Annotated[Precision | None, typer.Option(help="Precision in real time.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the checkpoint in the run folder.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace results that are in the run folder.")] = False,
    wisdom: WisdomFile = None,
) -> None:
    """Compute the ground state of INPUT.toml and put it under light.

    The run folder receives run.h5, summary.json, pictures and a checkpoint.

    Ctrl-C once writes the checkpoint and ends; the same command with --resume goes on.
    'mpirun -n 4 mlmd run INPUT.toml' shares out the work of the light among 4 ranks (with [domains] of the
    ground state too), see [parallel].

    With a section [texture] it is a photo-switching: the texture is prepared, local cells of it go through the light,
    and it moves on; a stopped one goes on with the same command.
    """
    from .crew import find_crew, leading

    console = Console(stderr=True, quiet=local_rank() > 0)
    with _plain_errors(console):
        if asks_for_switch(input_file):
            use_wisdom(wisdom)
            run_switch(console, input_file, out, backend, precision.value if precision else None, force)
            return
        crew = find_crew()
    if crew is not None and crew.rank > 0:
        raise typer.Exit(crew.follow())
    with leading(crew):
        with _plain_errors(console):
            use_wisdom(wisdom)
            summary, folder = _run(console, input_file, out, backend, precision, resume, force, crew)
        from .tables import summary_table

        Console().print(summary_table(summary, folder))


@app.command()
def precision(
    input_file: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="What to plan for.", show_default=False)],
    observable: Annotated[
        str | None,
        typer.Option(help="n_exc, polarization, J, energy or norm (default: of [precision]).", show_default=False),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Largest error allowed (default: of [precision]).", show_default=False)
    ] = None,
    sentinel: Annotated[
        int | None,
        typer.Option(help="Steps between two sentinels (default: of [precision]).", show_default=False),
    ] = None,
    window: Annotated[int, typer.Option(help="Steps of the pilot window.", min=50)] = 200,
    out: Annotated[Path | None, typer.Option(help="Run folder (default: INPUT_out).", show_default=False)] = None,
    backend: Annotated[
        str | None, typer.Option(help="Backend of the kernels, see 'mlmd devices'.", show_default=False)
    ] = None,
) -> None:
    """Choose the cheapest precision that keeps an observable of INPUT.toml within a budget.

    Each part of a step is lowered alone beside an FP64 run, what is chosen is run together, and the plan is kept in the
    wisdom file; 'mlmd run INPUT.toml --precision planned' takes it from there. precision.json and precision.png go to
    the run folder.
    """
    console = Console(stderr=True)
    with _plain_errors(console):
        _plan(console, input_file, observable, budget, sentinel, window, out, backend)


@app.command()
def compare(
    dir_a: Annotated[Path, typer.Argument(metavar="DIR_A", help="Folder of the run to judge.", show_default=False)],
    dir_b: Annotated[Path, typer.Argument(metavar="DIR_B", help="Folder of the reference.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Picture, PNG (default: A_vs_B.png).", show_default=False)] = None,
) -> None:
    """Compare two finished runs of the same problem, for instance the shadow with the exact mode.

    Prints how far A is from the reference B and draws n_exc(t) and J(t) of both.
    """
    console = Console(stderr=True)
    with _plain_errors(console):
        _compare(console, dir_a, dir_b, out)


@app.command()
def devices() -> None:
    """Show what this machine has and which backends work on it."""
    from .tables import backend_table, machine_table

    console = Console()
    with _plain_errors(Console(stderr=True)):
        console.print(machine_table())
        console.print(backend_table())


@app.command()
def sweep(
    sweep_file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="What to time.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder (default: SWEEP_out).", show_default=False)] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the sweep that is in the folder.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Do rows again that are not ok.")] = False,
) -> None:
    """Time kernels over backends, sizes and modes, as SWEEP.toml says.

    Every row is on the disk as soon as it is known: after Ctrl-C or a crash the same command goes on. A backend that
    crashes, hangs or is not here becomes a row that says so.
    """
    console = Console(stderr=True)
    with _plain_errors(console):
        from .sweeps import summary
        from .sweeps import sweep as do_sweep

        outcome, folder = do_sweep(console, sweep_file, out, force, retry)
        _say(Console(), "sweep", summary(outcome, folder))


@app.command("report")
def write_report(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of sweeps.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Page (default: DIR/report.html).", show_default=False)] = None,
) -> None:
    """Make one page of the sweeps in DIR...: roofline, scaling, accuracy, portability, tables.

    Sweeps of several machines on one page show how portable the performance is.
    """
    with _plain_errors(Console(stderr=True)):
        from .sweeps import report as make_report

        _say(Console(), "page", str(make_report(folders, out)))


@app.command()
def embed(
    prefix: Annotated[bool, typer.Option("--prefix", help="Folder with include, lib and share.")] = False,
    cflags: Annotated[bool, typer.Option("--cflags", help="Flags for compilers.")] = False,
    libs: Annotated[bool, typer.Option("--libs", help="Flags for the linker.")] = False,
    pkgconfig: Annotated[bool, typer.Option("--pkgconfig", help="Folder for PKG_CONFIG_PATH.")] = False,
    cmake: Annotated[bool, typer.Option("--cmake", help="Folder for mlmd_kernels_DIR.")] = False,
    fortran: Annotated[bool, typer.Option("--fortran", help="Source of the Fortran module.")] = False,
) -> None:
    """Tell where the kernels are for programs in C, C++ and Fortran.

    A line for each thing asked for; without options all of them with their names.
    """
    from .embed import PARTS

    asked = {
        "prefix": prefix,
        "cflags": cflags,
        "libs": libs,
        "pkgconfig": pkgconfig,
        "cmake": cmake,
        "fortran": fortran,
    }
    with _plain_errors(Console(stderr=True)):
        for name, find in PARTS.items():
            if asked[name] or not any(asked.values()):
                typer.echo(find() if asked[name] else f"{name:10} {find()}")


def _run(
    console: Console,
    input_file: Path,
    out: Path | None,
    backend: str | None,
    precision: Precision | None,
    resume: bool,
    force: bool,
    crew: Crew | None,
) -> tuple[dict[str, Any], Path]:
    """Do what ``mlmd run`` is asked to and return the summary and the run folder."""
    # Imported here: `mlmd --help` and `mlmd devices` need neither ASE nor Matplotlib.
    from .crew import Leader
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
    progress = Progress(console)
    engine = default_engine() if crew is None else Leader(crew, progress.note)
    job = Run(problem, RunFolder(folder), engine, progress, resume, force)
    return job.execute(), folder


def _plan(
    console: Console,
    input_file: Path,
    observable: str | None,
    budget: float | None,
    sentinel: int | None,
    window: int,
    out: Path | None,
    backend: str | None,
) -> None:
    """Do what ``mlmd precision`` is asked to."""
    from .engine import default_engine
    from .io.folder import RunFolder
    from .precision.command import plan_precision, with_precision
    from .problem import read_problem
    from .run import default_folder
    from .tables import front_table, plan_table, precision_table

    problem, allowed = with_precision(read_problem(input_file, backend), observable, budget, sentinel)
    folder = RunFolder(out or default_folder(input_file))
    report, wisdom = plan_precision(problem, folder, default_engine(), console, allowed, window)
    shown, wanted = Console(), problem.config.precision
    shown.print(precision_table(report))
    shown.print("The fastest assignments for their error (predicted):")
    shown.print(front_table(report))
    shown.print(plan_table(report))
    lines = (
        f"picture: {folder.precision_plot}; report: {folder.precision}; plan: {wisdom}",
        f"To use it: mlmd run {input_file} --precision planned, with this in the input:",
        f'[precision]\nobservable = "{wanted.observable}"\nbudget = {allowed:g}\nsentinel = {wanted.sentinel}',
    )
    for line in lines:
        shown.print(line, markup=False, highlight=False, soft_wrap=True)


def _compare(console: Console, dir_a: Path, dir_b: Path, out: Path | None) -> None:
    """Do what ``mlmd compare`` is asked to."""
    from .compare import compare as compare_runs
    from .errors import InputError
    from .io.atomic import write_bytes
    from .io.record import read_record
    from .plots import draw_comparison
    from .tables import comparison_table

    picture = out or Path(f"{dir_a.resolve().name}_vs_{dir_b.resolve().name}.png")
    if picture.suffix.lower() != ".png":
        raise InputError(picture, "--out", "is not a name of a PNG picture", "let it end in .png")
    comparison = compare_runs(read_record(dir_a), read_record(dir_b))
    for warning in comparison.warnings:
        _say(console, "warning", warning)
    for note in comparison.notes:
        _say(console, "note", note)
    write_bytes(picture, draw_comparison(comparison))
    shown = Console()
    shown.print(comparison_table(comparison))
    shown.print("Differences are relative to B; those of n_exc(t) and J(t) to its largest value over time.")
    shown.print(f"picture: {picture}", markup=False, highlight=False, soft_wrap=True)


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
        _stop(console, "stopped", "by Ctrl-C", EXIT_CODE)


def _stop(console: Console, word: str, text: str, code: int) -> NoReturn:
    _say(console, word, text)
    raise typer.Exit(code)


def _say(console: Console, word: str, text: str) -> None:
    console.print(f"{word}: {text}", markup=False, highlight=False, soft_wrap=True)


_bench = make_app(_plain_errors)
app.add_typer(_bench, name="bench")
add_commands(app, _plain_errors)
add_spectrum(app, _plain_errors)
add_scaling(app, _plain_errors)
add_domains(app, _plain_errors)
add_multiscale(app, _plain_errors)
add_scan(app, _plain_errors)
app.add_typer(make_perf_app(_plain_errors), name="perf")
app.add_typer(make_nn_app(_plain_errors), name="nn")


@_bench.command("step")
def bench_step(
    input_file: Annotated[
        Path, typer.Argument(metavar="[INPUT.toml]", help="The problem; it is timed in the middle of its pulse.")
    ] = Path("examples/pto_pulse.toml"),
    norb: Annotated[
        int | None,
        typer.Option(help="Orbitals to propagate, all full (default: the occupied ones).", min=1, show_default=False),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="Backend of the kernels, see 'mlmd devices'.", show_default=False)
    ] = None,
    precision: Annotated[Precision | None, typer.Option(help="Precision in real time.", show_default=False)] = None,
    threads: Threads = None,
    steps: Annotated[
        int | None,
        typer.Option(help="Steps in one sample (default: those between two observations).", min=1, show_default=False),
    ] = None,
    rounds: Rounds = DEFAULT_ROUNDS,
    wisdom: WisdomFile = None,
    json: Json = None,
) -> None:
    """Time a whole step of INPUT.toml, part by part, beside the steps of other codes."""
    console = Console(stderr=True)
    with _plain_errors(console):
        use_wisdom(wisdom)
        from .bench_step import step_work
        from .perf.step import time_step
        from .problem import read_problem

        kind = precision.value if precision else None
        problem = read_problem(input_file, backend, kind)
        work = step_work(problem, norb, threads, steps or problem.config.output.every, console)
        options = {"norb": norb, "backend": backend, "precision": kind, "threads": threads, "steps": steps}
        line = command_line(f"step {input_file.as_posix()}", **options, rounds=rounds)
        report(time_step(work, rounds, line, console), json)
