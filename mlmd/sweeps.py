"""What ``mlmd sweep`` and ``mlmd report`` do: input checked, results in a folder, a page of them."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from .errors import InputError
from .interrupt import Interrupted, StopSignals
from .io.atomic import write_text
from .io.input import parse, read_text
from .perf.sweep.config import Sweep
from .perf.sweep.folder import Folder
from .perf.sweep.run import Outcome, counts, run_sweep


def sweep(
    console: Console, file: Path, out: Path | None = None, force: bool = False, retry: bool = False
) -> tuple[Outcome, Path]:
    """Do the sweep of a file, or what is left of it.

    Parameters
    ----------
    console : rich.console.Console
        Where progress is shown.
    file : Path
        The input, TOML.
    out : Path, optional
        Where the results go; by default here, with the name of the input and ``_out``.
    force : bool
        Forget what is in that folder.
    retry : bool
        Do rows again that are not ok.

    Returns
    -------
    outcome : Outcome
        The rows.
    folder : Path
        Where they are.

    Raises
    ------
    InputError
        When the input is wrong.
    MlmdError
        When the folder holds another sweep, or cannot be written.
    Interrupted
        When the user stopped it.
    """
    if force and retry:
        raise InputError(file, "--retry", "is given together with --force", "keep one of the two")
    text = read_text(file)
    wanted = parse(Sweep, text, file)
    folder = out or Path(f"{file.stem}_out")
    with StopSignals() as stop:
        outcome = run_sweep(wanted, text, Folder(folder), console, lambda: stop.requested, force, retry)
    if outcome.stopped:
        raise Interrupted(f"stopped after {len(outcome.rows)} of {outcome.total} rows; the same command goes on")
    return outcome, folder


def summary(outcome: Outcome, folder: Path) -> str:
    """What to tell at the end.

    Examples
    --------
    >>> summary(Outcome([], 0, 0, False), Path("out"))
    '0 rows, 0 of them new; none ok. Results: out/sweep.csv; the page: mlmd report out'
    """
    found = counts(outcome.rows)
    named = ", ".join(f"{number} {status}" for status, number in sorted(found.items())) or "none ok"
    new = len(outcome.rows) - outcome.before
    return (
        f"{len(outcome.rows)} rows, {new} of them new; {named}. "
        f"Results: {folder}/sweep.csv; the page: mlmd report {folder}"
    )


def report(folders: list[Path], out: Path | None = None) -> Path:
    """Write the page of some sweeps.

    Parameters
    ----------
    folders : list of Path
        Folders of sweeps, those of several machines together.
    out : Path, optional
        The page; by default ``report.html`` in the first folder.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    MlmdError
        When a folder holds no rows, or the page cannot be written.
    """
    from .perf.report.page import make_page

    page = out or folders[0] / "report.html"
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(page, "--out", "is not a name of a page", "let it end in .html")
    write_text(page, make_page([Folder(folder) for folder in folders]))
    return page
