"""A tuning from its problem to its wisdom entry: space, strategy, log, decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..backends import Backend, get
from . import trials
from .key import Key, make_key
from .live import Live
from .problem import Problem
from .runner import Bench, Decision, Show, tune
from .search import STRATEGIES
from .space import Space, make_space
from .trials import Log, Recorder, Section, TrialsError, mismatch
from .wisdom import Entry, new_entry

BUDGETS = {"measure": 3.0, "patient": 60.0}  # seconds that an effort may take in a plan
SEARCHES = {"measure": "usual", "patient": "exhaustive"}


@dataclass(frozen=True)
class Tuned:
    """The end of a tuning, and what goes to wisdom.

    Attributes
    ----------
    entry : Entry
        For wisdom.
    decision : Decision
        What the runner says.
    space : Space
        What it chose from.
    """

    entry: Entry
    decision: Decision
    space: Space


def tune_problem(
    problem: Problem,
    backend: str | Backend,
    budget: float,
    effort: str = "measure",
    log: Path | None = None,
    resume: bool = False,
    show: Show = lambda what, part: None,
    live: Callable[[Problem, Backend], Bench] = Live,
    warn: Callable[[str], None] = lambda text: None,
) -> Tuned:
    """Find the best configuration of a problem on a backend; wisdom is not written.

    Parameters
    ----------
    problem : Problem
        What to tune.
    backend : str or Backend
        Where.
    budget : float
        Seconds.
    effort : str
        ``"measure"`` or ``"patient"``.
    log : Path, optional
        Where trials are written.
    resume : bool
        Whether to go on with the last tuning of this problem in the log.
    show : callable
        Told what is done, and the part of the budget that is gone.
    live : callable
        Makes the bench; tests give their own.
    warn : callable
        Told of lines of the log that do not hold.

    Returns
    -------
    Tuned

    Raises
    ------
    GateError
        If the default itself is wrong or cannot run.
    TrialsError
        If the log cannot be read or written, or does not match.
    """
    there = get(backend)
    key, space = make_key(problem, there), make_space(problem, there)
    header = make_header(problem, key, space, budget, SEARCHES[effort])
    section = find_section(trials.read(log), header, warn) if log and resume else None
    recorder = Recorder(log, header, lambda: live(problem, there), section)
    decision = tune(recorder, STRATEGIES[SEARCHES[effort]](space, 0), budget, show)
    if section is None or section.decision is None:
        recorder.close(decision)
    entry = new_entry(key, dict(decision.candidate), decision.seconds, decision.default_seconds, decision.trials)
    return Tuned(entry, decision, space)


def make_header(problem: Problem, key: Key, space: Space, budget: float, search: str) -> dict[str, Any]:
    """What must be the same for a tuning to go on."""
    values, idle = ({name: list(row) for name, row in rows.items()} for rows in (space.values, space.idle))
    frame = {"spacing": list(problem.spacing), "boundary": list(problem.boundary)}
    return asdict(key) | frame | {"space": values, "idle": idle, "budget": budget, "search": search}


def find_section(log: Log, header: dict[str, Any], warn: Callable[[str], None]) -> Section | None:
    """The last section of a log that can go on; None if it has none about this problem.

    Raises
    ------
    TrialsError
        If the last one about this problem was made under other conditions.
    """
    for line in log.refused:
        warn(f"{line}; left out")
    about = ("kernel", "backend", "dtype", "mode", "nx", "ny", "nz", "norb", "rank")
    mine = [s for s in log.sections if all(s.header.get(name) == header[name] for name in about)]
    if not mine:
        return None
    if differing := mismatch(header, mine[-1].header):
        raise TrialsError(
            f"{log.path}: section {mine[-1].name} of {mine[-1].date} does not match: {differing}; "
            "tune without --resume, or under the same conditions"
        )
    return mine[-1]


def replay(section: Section) -> Decision:
    """The decision that the recorded trials lead to, without the machine.

    Raises
    ------
    TrialsError
        If the section ends before it, or goes another way than this version would.
    """
    recorder = Recorder(None, section.header, None, section)
    return tune(recorder, STRATEGIES[section.header["search"]](section.space, 0), section.header["budget"])
