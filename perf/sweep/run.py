"""A sweep: problem after problem, all backends side by side on each, every row on the disk as soon as it is known.

Each backend lives in a process of its own (`worker`), so that one that crashes or hangs costs a row and no more.  On a
problem they take turns, a sample each in every round, as in ``mlmd bench``: what disturbs the machine hits them all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ...backends import MlmdError, describe
from ..cases import RANKED, REDUCTIONS, dtype_of, peak_of
from ..interleave import SETTLE_SECONDS, Timing
from ..record import environment, make_row, versions
from .config import Job, Sweep, jobs, threads_of
from .folder import FORMAT, Folder, difference
from .p3 import p3_table
from .pool import Pool, Stopped, plain
from .table import OK, Row, Table, key_of, read
from .worker import ROOF, Answer

PEAK_SECONDS = 300.0


class Outcome(NamedTuple):
    """What a sweep came to."""

    rows: list[Row]
    before: int
    total: int
    stopped: bool


def run_sweep(
    sweep: Sweep,
    text: str,
    folder: Folder,
    console: Console,
    stopped: Callable[[], bool] = lambda: False,
    force: bool = False,
    retry: bool = False,
) -> Outcome:
    """Do a sweep, or what is left of it.

    Parameters
    ----------
    sweep : Sweep
        What to do.
    text : str
        The file that says so; a copy of it stays with the results.
    folder : Folder
        Where the results are.
    console : rich.console.Console
        Where progress is shown: a bar on a terminal, else a line for each problem.
    stopped : callable
        Whether the user wants to stop; asked several times a second.
    force : bool
        Forget what is in the folder.
    retry : bool
        Do rows again that are not ok.

    Returns
    -------
    Outcome

    Raises
    ------
    MlmdError
        If the folder holds a sweep of another input, machine or build, or cannot be written.
    """
    with folder.held():
        if force:
            folder.clear()
        return _done(sweep, text, folder, console, stopped, retry)


def _done(
    sweep: Sweep, text: str, folder: Folder, console: Console, stopped: Callable[[], bool], retry: bool
) -> Outcome:
    """The sweep in a folder that is its own."""
    if folder.table.exists() and not folder.machine.exists():
        raise MlmdError(f"{folder.path} has a sweep.csv without its machine.json; give another --out, or --force")
    total = len(list(jobs(sweep))) * len(sweep.sweep.backends)
    before = len(read(folder.table)) if folder.table.exists() else 0
    with Pool(threads_of(sweep), stopped) as pool:
        try:
            with console.status("backends and roofs of this machine"):
                machine = _agreed(sweep, text, folder, pool)
            with Table(folder.table, (lambda row: row.status != OK) if retry else None) as table:
                state = _State(sweep, pool, machine, table, console)
                if table.torn:
                    state.say(f"note: the last line of {folder.table} was cut off; that row is done again")
                before = len(table.rows)
                state.go()
            ended = False
        except Stopped:
            ended = True
    rows = read(folder.table) if folder.table.exists() else []
    if rows:
        folder.write(folder.portability, p3_table(rows))
    return Outcome(rows, before, total, ended)


def _agreed(sweep: Sweep, text: str, folder: Folder, pool: Pool) -> dict[str, Any]:
    """What ``machine.json`` says, written now or found to fit what is here and asked for."""
    machine = _machine(sweep, pool)
    known = folder.read_machine()
    if known is None:
        machine |= _peaks(pool, machine, max(job.problem.nbytes for job in jobs(sweep)))
        folder.write(folder.question, text)
        folder.write(folder.machine, json.dumps(machine, indent=1) + "\n")
        return machine
    if changed := difference(known, machine):
        raise MlmdError(
            f"{folder.path} holds another sweep: {changed}; give another --out, or --force to start again there"
        )
    return known


def _machine(sweep: Sweep, pool: Pool) -> dict[str, Any]:
    """What the results depend on, and what describes the machine."""
    about, roof = describe(), pool.hello(ROOF)
    isa = roof.get("isa", "")
    threads = threads_of(sweep)
    kernels = [kernel for kernel, modes in sweep.kernels if modes]
    backends = {name: _described(pool.hello(name)) for name in sweep.sweep.backends}
    return {
        "format": FORMAT,
        "date": _now(),
        "sweep": sweep.model_dump(mode="json", exclude={"title"}),
        "title": sweep.title,
        "cpu": about.cpu,
        "isa": isa,
        "threads": threads,
        "platform": f"{about.cpu}{f' ({isa})' if isa else ''}, {threads} thread{'s' * (threads > 1)}",
        "backends": backends,
        "builds": {
            name: pool.ask(name, "builds", 60.0, kernels=kernels).get("builds", {})
            for name, answer in backends.items()
            if answer["status"] == OK
        },
        "versions": versions(),
        "environment": environment(),
        "machine": asdict(about),
    }


def _described(hello: Answer) -> Answer:
    return {key: plain(value) if isinstance(value, str) else value for key, value in hello.items()}


def _peaks(pool: Pool, machine: dict[str, Any], nbytes: int) -> dict[str, Any]:
    """Roofs of the host and of devices with memory of their own, for arrays as large as the largest problem."""
    size = {"threads": machine["threads"], "nbytes": nbytes}
    roofs = pool.ask(ROOF, "peaks", PEAK_SECONDS, **size)
    devices = {
        name: pool.ask(name, "peaks", PEAK_SECONDS, **size)
        for name, about in machine["backends"].items()
        if about["status"] == OK and not about["processor"]
    }
    return {"roofs": roofs, "devices": devices}


@dataclass
class _Case:
    """A backend that takes part in the rounds of a problem."""

    answer: Answer
    seconds: list[float] = field(default_factory=list)
    pass_seconds: list[float] = field(default_factory=list)


class _State:
    """A sweep that is running."""

    def __init__(self, sweep: Sweep, pool: Pool, machine: dict[str, Any], table: Table, console: Console) -> None:
        self.sweep, self.pool, self.machine, self.table, self.console = sweep, pool, machine, table, console
        self.jobs = list(jobs(sweep))

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def go(self) -> None:
        """Do all jobs.

        Raises
        ------
        Stopped
            If the user wants to stop.
        """
        done = {row.key for row in self.table.rows}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        quiet = not self.console.is_terminal
        with Progress(*columns, console=self.console, disable=quiet, transient=True) as bars:
            task = bars.add_task("", total=len(self.jobs) * len(self.sweep.sweep.backends), completed=len(done))
            for number, job in enumerate(self.jobs, 1):
                left = [name for name in self.sweep.sweep.backends if key_of(job, name) not in done]
                if not left:
                    continue
                bars.update(task, description=str(job))
                rows = self.rows_of(job, left)
                self.table.append(rows)
                bars.advance(task, len(rows))
                if quiet:
                    self.say(f"{number}/{len(self.jobs)} {job}: {', '.join(map(brief, rows))}")

    def rows_of(self, job: Job, backends: list[str]) -> list[Row]:
        """The rows of a problem."""
        here = {name: self.machine["backends"][name] for name in backends}
        cases = {
            name: _Case(self.prepare(name, job) if about["status"] == OK else about) for name, about in here.items()
        }
        if any(case.answer["status"] == OK and here[name]["processor"] for name, case in cases.items()):
            cases[ROOF] = _Case(self.prepare(ROOF, job))
        self.take_samples(cases)
        for name, case in cases.items():
            if case.answer["status"] == OK:
                self.pool.ask(name, "release", self.sweep.limits.prepare)
        roof = cases.pop(ROOF, None)
        return [self.row(job, name, case, roof) for name, case in cases.items()]

    def prepare(self, name: str, job: Job) -> Answer:
        limits = self.sweep.limits
        problem = asdict(job.problem)
        return self.pool.ask(name, "prepare", limits.prepare, problem=problem, mode=job.mode, limit=limits.call)

    def take_samples(self, cases: dict[str, _Case]) -> None:
        """Rounds in which each takes a sample in turn; who fails is out."""
        patience = 5.0 + 3.0 * self.sweep.limits.call
        for _ in range(self.sweep.sweep.rounds):
            for name, case in cases.items():
                if case.answer["status"] != OK:
                    continue
                time.sleep(SETTLE_SECONDS)
                found = self.pool.ask(name, "sample", patience)
                if found["status"] != OK:
                    case.answer |= found
                    continue
                case.seconds.append(found["seconds"])
                if "pass_seconds" in found:
                    case.pass_seconds.append(found["pass_seconds"])

    def row(self, job: Job, name: str, case: _Case, roof: _Case | None) -> Row:
        """The row of one backend."""
        p, about, answer = job.problem, self.machine["backends"][name], case.answer
        own = about["status"] == OK and not about["processor"]
        values: dict[str, Any] = {
            "kernel": p.kernel,
            "backend": name,
            "platform": about["device"].partition(" (")[0] if own else self.machine["platform"],
            "device": about.get("device", ""),
            "mode": job.mode,
            "dtype": dtype_of(job.mode),
            **dict(zip(("nx", "ny", "nz"), p.shape, strict=True)),
            "norb": p.norb,
            "rank": p.rank,
            "threads": p.threads,
            "status": answer["status"],
            "reason": "" if answer["status"] == OK else plain(answer.get("reason", "")),
            "error": answer.get("error"),
            "checked": answer.get("checked", ""),
            "tuning": json.dumps(answer.get("tuning", {})),
            "build": self.machine["builds"].get(name, {}).get(p.kernel, ""),
            "date": _now(),
        }
        return Row(**values | (self.times(job, name, case, roof) if answer["status"] == OK else {}))

    def times(self, job: Job, name: str, case: _Case, roof: _Case | None) -> dict[str, Any]:
        """Median, rates and distance from the roofs."""
        timing, answer, kernel = Timing(name, tuple(case.seconds)), case.answer, job.problem.kernel
        nearest: dict[str, tuple[float, float]] = {}
        bandwidth = None
        if case.pass_seconds:
            bandwidth = answer["pass_bytes"] / Timing("", tuple(case.pass_seconds)).median
            nearest["copy"] = (answer["bytes"], bandwidth)
        elif roof is not None and roof.answer["status"] == OK:
            bandwidth = roof.answer["bytes"] / Timing("", tuple(roof.seconds)).median
            nearest["read" if kernel in REDUCTIONS else "in place"] = (answer["bytes"], bandwidth)
        own = self.machine["devices"].get(name, self.machine["roofs"])
        if kernel in RANKED and own["status"] == OK and (peak := peak_of(job.mode, own)):
            nearest[peak[0]] = (answer["flops"], peak[1])
        made = make_row(timing, timing, answer["flops"], answer["bytes"], nearest)
        return {
            "seconds": made.median,
            "low": made.low,
            "high": made.high,
            "rounds": len(timing.seconds),
            "gflops": made.gflops,
            "gbytes": made.gbytes,
            "roof": made.roof,
            "fraction": made.fraction,
            "pass_gbytes": None if bandwidth is None else bandwidth / 1e9,
            "samples": " ".join(f"{seconds:.6g}" for seconds in timing.seconds),
        }


def brief(row: Row) -> str:
    """A row in a few words.

    Examples
    --------
    >>> brief(Row("density", "cpu", "", "", "fp32", "complex64", 4, 4, 4, 2, 0, 1, "ok", seconds=0.0015))
    'cpu 1.5 ms'
    """
    return f"{row.backend} {1e3 * row.seconds:.3g} ms" if row.seconds is not None else f"{row.backend} {row.status}"


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows have which status."""
    found: dict[str, int] = {}
    for row in rows:
        found[row.status] = found.get(row.status, 0) + 1
    return found


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
