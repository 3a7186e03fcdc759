"""The commands ``mlmd tune`` and ``mlmd wisdom``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from ..backends import MlmdError, PlanError

if TYPE_CHECKING:
    from .problem import Problem
    from .tuner import Tuned
    from .wisdom import Entry, Item

Guard = Callable[[Console], AbstractContextManager[None]]
INTERRUPTED = 130
WIDTH_OF_FILES = 140  # characters of a line when the output is no terminal
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

WisdomFile = Annotated[
    Path | None,
    typer.Option("--wisdom", help="Wisdom file (default: MLMD_WISDOM, else in ~/.cache/mlmd).", show_default=False),
]
FilesFrom = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Wisdom files.", show_default=False)]
KernelName = Annotated[str, typer.Option("--kernel", help="Only entries of this kernel.")]
BackendName = Annotated[str, typer.Option("--backend", help="Only entries of this backend.")]


def use_wisdom(path: Path | None) -> None:
    """Let the plans of this process, and of those that it starts, go by another wisdom file."""
    if path is not None:
        os.environ["MLMD_WISDOM"] = str(path)


def add_commands(app: typer.Typer, guard: Guard) -> None:
    """Add ``tune`` and ``wisdom`` to a command line.

    Parameters
    ----------
    app : typer.Typer
        The command line.
    guard : callable
        Given a console, a context that turns errors into messages and exit codes.
    """
    app.command("tune")(_tune_command(guard))
    group = typer.Typer(help="Show and change what tuning has found.", no_args_is_help=True)
    for name, command in _wisdom_commands(guard).items():
        group.command(name)(command)
    app.add_typer(group, name="wisdom")


def _tune_command(guard: Guard) -> Callable[..., None]:
    def tune(
        kernels: Annotated[
            list[str] | None, typer.Argument(metavar="[KERNEL]...", help="Kernels (default: all).", show_default=False)
        ] = None,
        grid: Annotated[str, typer.Option(help="Grid points, such as 70,70,72.")] = "70,70,72",
        norb: Annotated[int, typer.Option(help="Orbitals.", min=1)] = 64,
        rank: Annotated[
            int | None, typer.Option(help="Columns of Q (default: as many as orbitals).", min=1, show_default=False)
        ] = None,
        dtype: Annotated[str, typer.Option(help="complex64 or complex128.")] = "complex64",
        mode: Annotated[str, typer.Option(help="Arithmetic of nlp_prop (default: that of the dtype).")] = "",
        method: Annotated[str, typer.Option(help="Method of hartree.")] = "multigrid",
        threads: Annotated[
            int | None, typer.Option(help="Threads (default: OMP_NUM_THREADS, else all).", min=1, show_default=False)
        ] = None,
        backend: Annotated[str, typer.Option(help="Backends, joined by commas; 'all' that work here.")] = "all",
        budget: Annotated[str, typer.Option(help="Time for a kernel on a backend, such as 60s or 2m.")] = "60s",
        effort: Annotated[str, typer.Option(help="measure, or patient: every candidate.")] = "measure",
        log: Annotated[
            Path | None, typer.Option(help="Log of trials (default: trials.jsonl beside the wisdom).", dir_okay=False)
        ] = None,
        resume: Annotated[bool, typer.Option("--resume", help="Go on with a tuning that was stopped.")] = False,
        wisdom: WisdomFile = None,
        export_t4: Annotated[
            Path | None, typer.Option("--export-t4", help="Write all trials as T4 results (JSON).", dir_okay=False)
        ] = None,
    ) -> None:
        """Find the fastest configuration of kernels for a problem size, and keep it as wisdom.

        Every candidate is checked against the reference before it is timed. Ctrl-C stops; the same command with
        --resume goes on.
        """
        console = Console(stderr=True)
        with guard(console):
            from .problem import KERNELS, make_problem
            from .wisdom import default_path

            shape, seconds = parse_grid(grid), parse_seconds(budget)
            problems = [
                make_problem(
                    kernel, shape, norb, dtype, threads, rank, {"nlp_prop": mode, "hartree": method}.get(kernel, "")
                )
                for kernel in kernels or KERNELS
            ]
            session = Session(problems, _backends(backend), seconds, effort, wisdom or default_path(), log, resume)
            session.run(console)
            if export_t4 is not None:
                session.export(export_t4)
            _report(session)

    return tune


class Session:
    """One ``mlmd tune``: problems on backends, one after the other, each kept as soon as it is decided."""

    def __init__(
        self,
        problems: Sequence[Problem],
        backends: Sequence[str],
        budget: float,
        effort: str,
        wisdom: Path,
        log: Path | None,
        resume: bool,
    ) -> None:
        from .tuner import SEARCHES

        if effort not in SEARCHES:
            raise PlanError(f"--effort is '{effort}'; give one of {', '.join(SEARCHES)}")
        self.problems, self.backends, self.budget, self.effort = problems, backends, budget, effort
        self.wisdom, self.log, self.resume = wisdom, log or wisdom.with_name("trials.jsonl"), resume
        self.tuned: list[tuple[Problem, str, Tuned]] = []
        self.notes: list[str] = []

    def run(self, console: Console) -> None:
        """Tune them all, with progress on a terminal."""
        from .wisdom import add

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
            for problem in self.problems:
                for backend in self.backends:
                    title = f"{problem.kernel} on {backend}"
                    task = bars.add_task(title, total=1.0)

                    def show(what: str, part: float, task: Any = task, title: str = title) -> None:
                        bars.update(task, description=f"{title}: {what}", completed=part)

                    if tuned := self._one(problem, backend, show, console):
                        add(self.wisdom, [tuned.entry])
                        self.tuned.append((problem, backend, tuned))
                    bars.remove_task(task)

    def _one(
        self, problem: Problem, backend: str, show: Callable[[str, float], None], console: Console
    ) -> Tuned | None:
        from .model import ensure
        from .space import make_space
        from .tuner import tune_problem

        def warn(text: str) -> None:
            console.print(f"warning: {text}", markup=False, highlight=False, soft_wrap=True)

        try:
            ensure(self.wisdom, backend, problem)
            if len(make_space(problem, backend)) == 1:
                self.notes.append(f"{problem.kernel} on {backend}: nothing to tune, it has no knobs there")
                return None
            return tune_problem(problem, backend, self.budget, self.effort, self.log, self.resume, show=show, warn=warn)
        except KeyboardInterrupt:
            console.print(
                f"stopped: the trials are in {self.log}; the same command with --resume goes on", markup=False
            )
            raise typer.Exit(INTERRUPTED) from None
        except MlmdError as error:
            if len(self.problems) * len(self.backends) == 1:
                raise
            self.notes.append(f"{problem.kernel} on {backend} left out: {error}")
            return None

    def export(self, path: Path) -> None:
        """Write the trials of these tunings as T4 results."""
        from .t4 import export
        from .trials import read

        keys = [tuned.entry.key for _, _, tuned in self.tuned]
        last = {}
        for section in read(self.log).sections:
            if any(all(section.header.get(k) == v for k, v in vars(key).items()) for key in keys):
                last[tuple(section.header[k] for k in vars(keys[0]))] = section
        count = export(path, last.values())
        self.notes.append(f"{count} T4 results: {path}")


def _report(session: Session) -> None:
    """The table at the end, and where things went."""
    console = Console()
    console = Console(width=None if console.is_terminal else WIDTH_OF_FILES)
    table = Table(title=f"tuned, {session.budget:g} s each", title_justify="left")
    for name in ("kernel", "backend", "default", "tuned", "ratio", "95 %", "configuration", "trials"):
        table.add_column(name, justify="left" if name in ("kernel", "backend", "configuration") else "right")
    for problem, backend, tuned in session.tuned:
        found = tuned.decision
        table.add_row(
            f"{problem.kernel} {problem.mode}".strip(),
            backend,
            milliseconds(found.default_seconds),
            milliseconds(found.seconds),
            f"{found.ratio.value:.3f}",
            f"{found.ratio.low:.3f}-{found.ratio.high:.3f}",
            configuration(dict(found.candidate)),
            f"{found.trials} of {len(tuned.space)}",
        )
    if session.tuned:
        console.print(table)
    refused = [
        f"{problem.kernel} on {backend}: {configuration(dict(candidate))} refused: {reason}"
        for problem, backend, tuned in session.tuned
        for candidate, reason in tuned.decision.refused.items()
    ]
    for line in (*refused, *session.notes, f"trials: {session.log}", f"wisdom: {session.wisdom}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _wisdom_commands(guard: Guard) -> dict[str, Callable[..., None]]:
    def show(wisdom: WisdomFile = None, kernel: KernelName = "", backend: BackendName = "") -> None:
        """Print the entries, and the lines that do not hold."""
        with guard(Console(stderr=True)):
            from .wisdom import default_path, read

            known = read(wisdom or default_path())
            console = Console()
            console = Console(width=None if console.is_terminal else WIDTH_OF_FILES)
            console.print(_table([e for e in known.entries if _wanted(e, kernel, backend)]))
            others = len(known.items) - len(known.entries)
            notes = [f"{others} entries of another kind"] if others else []
            for line in (*notes, *(f"refused: {line}" for line in known.refused), f"wisdom: {known.path}"):
                console.print(line, markup=False, highlight=False, soft_wrap=True)

    def export(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to.", show_default=False)],
        wisdom: WisdomFile = None,
        kernel: KernelName = "",
        backend: BackendName = "",
    ) -> None:
        """Write the entries that hold into another file."""
        with guard(Console(stderr=True)):
            from .wisdom import add, default_path, read

            items = [item for item in read(wisdom or default_path()).items if _wanted(item, kernel, backend)]
            add(file, items)
            _say(f"{len(items)} entries: {file}")

    def merge(files: FilesFrom, wisdom: WisdomFile = None) -> None:
        """Take entries of other files in; of two for the same problem the one with the larger gain stays."""
        with guard(Console(stderr=True)):
            from .wisdom import WisdomError, add, better, default_path, read

            for file in files:
                if not file.is_file():
                    raise WisdomError(f"{file}: there is no such file; name a wisdom file")
                there = read(file)
                add(wisdom or default_path(), there.items, better)
                for line in there.refused:
                    _say(f"refused: {line}")
                _say(f"{len(there.items)} entries of {file} taken in")

    def forget(
        wisdom: WisdomFile = None,
        kernel: KernelName = "",
        backend: BackendName = "",
        everything: Annotated[bool, typer.Option("--all", help="All entries.")] = False,
    ) -> None:
        """Remove entries."""
        with guard(Console(stderr=True)):
            from .wisdom import default_path
            from .wisdom import forget as remove

            if not (kernel or backend or everything):
                raise PlanError("name what to forget with --kernel or --backend, or give --all")
            path = wisdom or default_path()
            _say(f"{remove(path, lambda item: _wanted(item, kernel, backend))} entries forgotten: {path}")

    return {"show": show, "export": export, "merge": merge, "forget": forget}


def _wanted(item: Item, kernel: str, backend: str) -> bool:
    fields = item if isinstance(item, dict) else vars(item.key)
    return (not kernel or fields["kernel"] == kernel) and (not backend or fields.get("backend") == backend)


def _table(entries: Sequence[Entry]) -> Table:
    from .lookup import grid

    table = Table()
    for name in ("kernel", "backend", "size", "threads", "tuned", "default", "gain", "configuration", "build", "date"):
        table.add_column(name)
    for entry in entries:
        key = entry.key
        about = " ".join(filter(None, (key.kernel, key.mode, key.dtype)))
        times = (milliseconds(entry.seconds), milliseconds(entry.default_seconds), f"{entry.gain:.2f}")
        place = (about, key.backend, grid(key), str(key.threads))
        table.add_row(*place, *times, configuration(entry.tuning), key.build, entry.date)
    return table


def _backends(text: str) -> list[str]:
    """Names from the command line; ``all`` are those that work here, but for the plain reference."""
    from ..backends import get, names

    if text != "all":
        return [name.strip() for name in text.split(",")]
    return [name for name in names() if name != "reference" and get(name).status().works]


def _say(text: str) -> None:
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def parse_grid(text: str) -> tuple[int, int, int]:
    """Grid points from text.

    Raises
    ------
    PlanError
        If it is not three numbers.

    Examples
    --------
    >>> parse_grid("70,70,72"), parse_grid("32x32x32")
    ((70, 70, 72), (32, 32, 32))
    """
    parts = re.fullmatch(r"\s*(\d+)\s*[,x]\s*(\d+)\s*[,x]\s*(\d+)\s*", text)
    if parts is None:
        raise PlanError(f"--grid is '{text}'; give three numbers, such as 70,70,72")
    x, y, z = map(int, parts.groups())
    return x, y, z


def parse_seconds(text: str) -> float:
    """A time from text.

    Raises
    ------
    PlanError
        If it is none, or not above zero.

    Examples
    --------
    >>> parse_seconds("60s"), parse_seconds("1.5m"), parse_seconds("20")
    (60.0, 90.0, 20.0)
    """
    parts = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*(s|m|min|h|)\s*", text)
    if parts is None or float(parts[1]) == 0.0:
        raise PlanError(f"--budget is '{text}'; give a time above zero, such as 60s or 2m")
    return float(parts[1]) * UNITS[parts[2]]


def milliseconds(seconds: float) -> str:
    """A time for a table.

    Examples
    --------
    >>> milliseconds(0.0123456)
    '12.35 ms'
    """
    return f"{1e3 * seconds:.4g} ms"


def configuration(tuning: Any) -> str:
    """Knobs for a table.

    Examples
    --------
    >>> configuration({"block": 4, "isa": 2}), configuration({})
    ('block=4 isa=2', 'default')
    """
    return " ".join(f"{name}={value}" for name, value in tuning.items()) or "default"
