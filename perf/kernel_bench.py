"""Runs the benchmarks of kernels and makes their records."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console

from ..tuning.cli import configuration
from ..tuning.timing import Timing
from .bench_kinetic import TABLE3, table3_rivals
from .cases import Case, Problem, arithmetic_roof, make_case
from .interleave import interleave
from .record import Record, Row, make_row
from .roofs import Roofs, measure

OTHER_WAYS = ("kin_prop", "hartree")  # peers reach the result with other operations than the plan


def time_kernel(problem: Problem, rounds: int, command: str, console: Console | None = None) -> Record:
    """Time a kernel and its rivals.

    Parameters
    ----------
    problem : Problem
        What to compute.
    rounds : int
        Interleaved rounds.
    command : str
        The command line that asked for it.
    console : rich.console.Console, optional
        Where progress is shown.

    Returns
    -------
    Record

    Raises
    ------
    MlmdError
        If something in it cannot be computed here.
    """
    case = make_case(problem)
    roofs = measure(problem.threads, problem.nbytes)
    times = interleave(case.calls, rounds, console=console)
    rows = [_row(case, timing, times, roofs) for timing in times.values()]
    tuned = [f"{name} runs as tuned: {configuration(p.tuning)}" for name, p in case.plans.items() if p.tuning]
    return Record(problem.kernel, command, _plain(problem), case.baseline, rows, roofs, [*case.notes, *tuned])


def time_table3(problem: Problem, rounds: int, command: str, console: Console | None = None) -> Record:
    """Time the four forms of kin_prop that the paper's Table 3 compares."""
    calls = table3_rivals(problem.shape, problem.norb, problem.dtype, problem.threads)
    missing = [name for name in TABLE3 if name not in calls]
    notes = [f"row {name} left out: it needs Numba (pip install 'mlmd[numba]')" for name in missing]
    times = interleave(calls, rounds, console=console)
    baseline = next(iter(times))
    rows = [make_row(timing, times[baseline]) for timing in times.values()]
    return Record("table3", command, _plain(problem), baseline, rows, None, notes)


def _plain(problem: Problem) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(problem).items()}


def _row(case: Case, timing: Timing, times: dict[str, Timing], roofs: Roofs) -> Row:
    """The row of a rival; peers that do the same work are counted with the operations of the baseline."""
    if timing.name == case.roof_row:
        return make_row(timing, times[case.baseline], nbytes=_roof_bytes(case))
    if timing.name not in case.plans and case.problem.kernel in OTHER_WAYS:
        return make_row(timing, times[case.baseline])
    plan = case.plans.get(timing.name, case.plans[case.baseline])
    nearest: dict[str, tuple[float, float]] = {}
    if case.roof_row in times:
        nearest[case.roof] = (plan.bytes(), _roof_bytes(case) / times[case.roof_row].median)
    if peak := arithmetic_roof(plan, roofs):
        nearest[peak[0]] = (plan.flops(), peak[1])
    return make_row(timing, times[case.baseline], plan.flops(), plan.bytes(), nearest)


def _roof_bytes(case: Case) -> int:
    return case.problem.nbytes * (1 if case.roof == "read" else 2)
