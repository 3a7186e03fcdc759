"""The comparison: launches of the worker until each case is settled or the budget is spent.

The times are looked at after 8, 12, 18, 27, ...  launches, and once more when the budget ends.  A settled case is not
timed any more, which leaves the budget to the others.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ...backends import MlmdError, PlanError, describe
from ..record import environment, versions
from .builds import Build
from .cases import Case
from .intervals import error_share
from .launches import Launcher
from .verdict import SLOWER, UNDECIDED, Result

FORMAT = 1
FIRST_LOOK, GROWTH = 8, 1.5
QUADS = 3  # palindromes of a case in a launch; two launches have all six orders
TOLERANCE, BUDGET = 0.03, 60.0


@dataclass
class Comparison:
    """What was compared, how, and what came out.

    Attributes
    ----------
    base, head : Build
        The sides.
    tolerance, budget : float
        Slowdown that is accepted; seconds that were allowed.
    threads : int
        Threads of the calls.
    results : list of Result
        A case each.
    notes : list of str
        What was left out, and why.
    launches : int
        Launches of the worker.
    looks : int
        Times that intervals were taken.
    seconds : float
        How long it took, without building.
    machine, versions, environment, date
        Where and when.
    """

    base: Build
    head: Build
    tolerance: float
    budget: float
    threads: int
    results: list[Result]
    notes: list[str] = field(default_factory=list)
    launches: int = 0
    looks: int = 0
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=lambda: asdict(describe()) | {"system": platform.system()})
    versions: dict[str, str] = field(default_factory=versions)
    environment: dict[str, str] = field(default_factory=environment)
    date: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    format: int = FORMAT

    @property
    def verdict(self) -> str:
        """``"slower"`` if that is proven of a case, ``"undecided"`` if a self-check failed, else ``"passed"``."""
        found = {result.verdict for result in self.results}
        return next((verdict for verdict in (SLOWER, UNDECIDED) if verdict in found), "passed")


def compare(
    sides: tuple[Build, Build],
    cases: Sequence[Case],
    launch: Launcher,
    threads: int,
    tolerance: float = TOLERANCE,
    budget: float = BUDGET,
    console: Console | None = None,
    clock: Callable[[], float] | None = None,
) -> Comparison:
    """Time the cases on both builds until what they prove is known, or the budget is spent.

    Parameters
    ----------
    sides : tuple of 2 Build
        BASE and HEAD.
    cases : sequence of Case
        What to time.
    launch : callable
        Lets a fresh worker time some cases: `launches.launcher`.
    threads : int
        Threads of the calls.
    tolerance : float
        Slowdown that is accepted, such as 0.03.
    budget : float
        Seconds.  The first look is taken even if it comes later.
    console : rich.console.Console, optional
        Where progress is shown, if it is a terminal.
    clock : callable, optional
        Seconds now; tests give their own.

    Returns
    -------
    Comparison

    Raises
    ------
    MlmdError
        If the builds have no case in common, or the worker dies.
    PlanError
        If tolerance or budget make no sense.
    """
    if not 0.0 <= tolerance < 10.0:
        raise PlanError(f"tolerance is {tolerance}; give a fraction such as 0.03, or a percentage such as 3%")
    if not budget > 0.0:
        raise PlanError(f"budget is {budget} s; give a time above zero")
    found = Comparison(*sides, tolerance, budget, threads, [Result(case) for case in cases])
    clock = clock or monotonic
    start, next_look = clock(), FIRST_LOOK
    with _progress(console) as bars:
        task = bars.add_task("", total=budget)
        while any(not result.settled for result in found.results):
            late = clock() - start > budget
            if found.launches == next_look or (late and found.launches > FIRST_LOOK):
                _look(found)
                next_look = round(GROWTH * next_look)
            if late and found.looks:
                break
            waiting = sum(not result.settled for result in found.results)
            text = f"launch {found.launches + 1}, {waiting} of {len(found.results)} cases"
            bars.update(task, completed=min(clock() - start, budget), description=text)
            _launch(found, launch)
    found.seconds = clock() - start
    return found


def _launch(found: Comparison, launch: Launcher) -> None:
    """One more launch for the cases that are not settled; those that a build cannot do leave."""
    waiting = [result for result in found.results if not result.settled]
    times = launch([result.case for result in waiting], found.launches)
    found.launches += 1
    for number, reason in sorted(times.left_out.items()):
        found.results.remove(waiting[number])
        found.notes.append(f"{waiting[number].case.name} left out: {reason}")
    if not found.results:
        raise MlmdError(f"there is nothing to compare: {'; '.join(found.notes)}")
    for number, quads in times.quads.items():
        waiting[number].launches.append(quads)


def _look(found: Comparison) -> None:
    found.looks += 1
    for result in found.results:
        if not result.settled:
            result.look(found.tolerance, error_share(len(found.results), found.looks))


def _progress(console: Console | None) -> Progress:
    quiet = console is None or not console.is_terminal
    return Progress(
        TextColumn("comparing: {task.description}"), BarColumn(), console=console, disable=quiet, transient=True
    )
