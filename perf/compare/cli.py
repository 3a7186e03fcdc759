"""The command ``mlmd perf compare``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...backends import MlmdError, PlanError
from ...backends.atomic import replace_file
from ..cli import WIDTH_OF_FILES, Guard, Threads, calm_threads, parse_shape, wanted_threads

EXIT_SLOWER = 1
UNITS = {"": 1.0, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


def make_app(guard: Guard) -> typer.Typer:
    """The command ``perf``.

    Parameters
    ----------
    guard : callable
        Given a console, a context that turns errors into messages and exit codes.

    Returns
    -------
    typer.Typer
    """
    app = typer.Typer(help="Keep performance from slipping.", no_args_is_help=True)

    @app.callback()
    def common() -> None:
        """Keep performance from slipping."""

    @app.command()
    def compare(
        base: Annotated[str, typer.Argument(metavar="BASE", help="Revision, or folder with a build.")],
        head: Annotated[str, typer.Argument(metavar="HEAD", help="Revision, or folder with a build.")],
        kernel: Annotated[
            list[str] | None, typer.Option(help="Only this kernel; may be repeated.", show_default=False)
        ] = None,
        shape: Annotated[str | None, typer.Option(help="Grid points of all cases.", show_default=False)] = None,
        norb: Annotated[int | None, typer.Option(help="Orbitals of all cases.", min=1, show_default=False)] = None,
        dtype: Annotated[str | None, typer.Option(help="complex64 or complex128.", show_default=False)] = None,
        backend: Annotated[str | None, typer.Option(help="Backend of all cases.", show_default=False)] = None,
        cases: Annotated[
            Path | None, typer.Option(help="TOML file with cases instead of the suite.", show_default=False)
        ] = None,
        threads: Threads = None,
        tolerance: Annotated[str, typer.Option(help="Slowdown that is accepted.")] = "3%",
        budget: Annotated[str, typer.Option(help="Time to measure, building aside.")] = "60s",
        repo: Annotated[Path, typer.Option(help="Checkout that revisions are of.")] = Path(),
        json: Annotated[Path | None, typer.Option("--json", help="Write all times there.", show_default=False)] = None,
        markdown: Annotated[Path | None, typer.Option(help="Write a comment for a pull request there.")] = None,
    ) -> None:
        """Tell whether HEAD is slower than BASE.

        Exit code 1 if a slowdown beyond the tolerance is proven, 2 if something is wrong with the input or a build,
        else 0: also if the machine is too unsteady to tell, which is then said.
        """
        console = Console(stderr=True)
        with guard(console):
            calm_threads()
            from .builds import find_build
            from .cases import read_cases, select
            from .gate import QUADS
            from .gate import compare as run
            from .launches import launcher
            from .report import heading, shown, to_json
            from .report import markdown as comment

            if cases is not None and (kernel or shape or norb or dtype or backend):
                raise PlanError("--cases is given together with options that change the suite; put them into the file")
            grid = None if shape is None else parse_shape(shape)
            chosen = (
                read_cases(cases)
                if cases
                else select(kernel or (), shape=grid, norb=norb, dtype=dtype, backend=backend)
            )
            limit, seconds, team = fraction(tolerance), duration(budget), wanted_threads(threads)
            for path in filter(None, (json, markdown)):
                _check_folder(path)

            def tell(text: str) -> None:
                console.print(text, markup=False, highlight=False, soft_wrap=True)

            sides = find_build(base, "BASE", repo, tell), find_build(head, "HEAD", repo, tell)
            found = run(sides, chosen, launcher(sides, team, QUADS), team, limit, seconds, console)
            out = Console()
            Console(width=None if out.is_terminal else WIDTH_OF_FILES).print(shown(found))
            if json is not None:
                _write(json, to_json(found))
            if markdown is not None:
                _write(markdown, comment(found))
            if found.verdict == "undecided":
                tell(f"warning: {heading(found)}")
        if found.verdict == "slower":
            raise typer.Exit(EXIT_SLOWER)

    return app


def fraction(text: str) -> float:
    """A fraction, which may be given in percent.

    Raises
    ------
    PlanError
        If it is none.

    Examples
    --------
    >>> fraction("3%"), fraction("0.03")
    (0.03, 0.03)
    """
    match = re.fullmatch(r"\s*([0-9.]+)\s*(%?)\s*", text)
    try:
        return float(match[1]) / (100.0 if match[2] else 1.0) if match else float("")
    except ValueError:
        raise PlanError(f"--tolerance is '{text}'; give a fraction such as 0.03 or a percentage such as 3%") from None


def duration(text: str) -> float:
    """Seconds, from a time such as 60s or 2min.

    Raises
    ------
    PlanError
        If it is none.

    Examples
    --------
    >>> duration("60s"), duration("2min"), duration("1.5")
    (60.0, 120.0, 1.5)
    """
    match = re.fullmatch(r"\s*([0-9.]+)\s*([a-z]*)\s*", text)
    try:
        return float(match[1]) * UNITS[match[2]] if match else float("")
    except (ValueError, KeyError):
        raise PlanError(f"--budget is '{text}'; give a time such as 60s or 2min") from None


def _check_folder(path: Path) -> None:
    """Refuse a file that cannot be written before anything is measured for it."""
    if not path.absolute().parent.is_dir():
        raise MlmdError(f"{path} cannot be written: there is no folder {path.absolute().parent}; make it first")


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise MlmdError(f"{path} cannot be written ({error.strerror}); name a file in a folder of yours") from None
