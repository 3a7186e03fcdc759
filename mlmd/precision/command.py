"""What ``mlmd precision`` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.status import Status

from ..engine import Engine
from ..errors import InputError
from ..interrupt import Interrupted, StopSignals
from ..io.atomic import make_folder, write_bytes, write_text
from ..io.folder import RunFolder
from ..plots import draw_pareto
from ..problem import Problem
from ..progress import Progress
from ..run import Run
from ..sections import with_keys
from .observables import NORMS
from .plan import check_plannable, keep_plan
from .planning import Report, make_plan


def plan_precision(
    problem: Problem, folder: RunFolder, engine: Engine, console: Console, budget: float, window: int
) -> tuple[Report, Path]:
    """Make a plan and keep it: in the wisdom file, and with its report and picture in the run folder.

    Parameters
    ----------
    problem : Problem
        Its ``[precision]`` says what is planned for.
    folder : RunFolder
        Where the ground state is, or comes to be.
    engine : Engine
        Gives the ground state.
    console : rich.console.Console
        Where the progress is shown.
    budget : float
        Largest error allowed at the end of the run.
    window : int
        Steps of the pilot window.

    Returns
    -------
    Report, Path
        The plan with all that led to it, and the wisdom file.

    Raises
    ------
    InputError
        When the physics refuses the input or a file cannot be written.
    Interrupted
        After SIGINT or SIGTERM; the ground state is kept.
    """
    check_plannable(problem)
    wanted = problem.config.precision
    with problem.blame():
        engine.check(problem.config, problem.atoms, problem.shape)
    make_folder(folder.path)
    progress = Progress(console)
    progress.note(problem.headline)
    with StopSignals() as stop:
        ground_state = Run(problem, folder, engine, progress).ground_state(stop)
        with problem.blame(), _steps(console, progress, stop) as step:
            report = make_plan(
                problem.config, ground_state, wanted.observable, budget, wanted.sentinel, window, step
            )
    write_text(folder.precision, json.dumps(report.to_json(), indent=1) + "\n")
    title = problem.config.title or problem.path.name
    write_bytes(folder.precision_plot, draw_pareto(report, title))
    return report, keep_plan(problem, report.plan)


@contextmanager
def _steps(console: Console, progress: Progress, stop: StopSignals) -> Iterator[Callable[[str], None]]:
    """Tell what is being done: on a terminal in one line that changes, else line by line."""
    status = Status("pilot", console=console)

    def step(what: str) -> None:
        if stop.requested:
            raise Interrupted("stopped during the pilot: the ground state is kept; run again to start the pilot anew")
        if console.is_terminal:
            status.update(what)
        else:
            progress.note(what)

    if not console.is_terminal:
        yield step
        return
    with status:
        yield step


def with_precision(
    problem: Problem, observable: str | None, budget: float | None, sentinel: int | None
) -> tuple[Problem, float]:
    """A problem with the options of the command in place of the keys of ``[precision]``, and the budget.

    Raises
    ------
    InputError
        When an option is out of range, or no budget is given.
    """
    given = problem.config.precision
    if observable is not None and observable not in NORMS:
        raise InputError(problem.path, "--observable", f"'{observable}' is not known", f"use {', '.join(NORMS)}")
    if budget is not None and not 0.0 < budget < float("inf"):
        raise InputError(problem.path, "--budget", f"is {budget:g}", "give a number above zero")
    if sentinel is not None and sentinel < 1:
        raise InputError(problem.path, "--sentinel", f"is {sentinel}", "give 1 or more")
    if (budget := budget or given.budget) is None:
        raise InputError(problem.path, "[precision] budget", "is missing", "give it there, or as --budget 1e-3")
    config = with_keys(problem.config, "precision", observable=observable, budget=budget, sentinel=sentinel)
    return replace(problem, config=config), budget
