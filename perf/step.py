"""Report on a whole time step of an application: time per part, distance from the roofs, peers beside it.

The application hands in the step as a callable with a `PartClock` in it; nothing of it is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console

from ..kernels.plan import Plan
from ..tuning.inputs import random_waves
from .bench_kinetic import reading_pass, scaling_pass
from .cases import REDUCTIONS, arithmetic_roof
from .interleave import interleave
from .parts import Part, PartClock
from .record import Record, make_row
from .roofs import Roofs, measure

STEP, SCALE, READ = "whole step", "roof: psi in place", "roof: read of psi"
ORDER = ("kin", "loc", "nlp", "density", "current", "hartree", "xc")


@dataclass(frozen=True)
class StepWork:
    """A step of an application.

    Attributes
    ----------
    advance : callable
        Does `steps` steps.
    steps : int
        How many.
    clock : PartClock
        Runs in the parts of the step.
    plans : sequence of Plan
        The plans in it.
    electrons : float
        Electrons that move.
    problem : dict
        Shape, norb, dtype, threads and what else describes it.
    """

    advance: Callable[[], Any]
    steps: int
    clock: PartClock
    plans: Sequence[Plan]
    electrons: float
    problem: dict[str, Any]


def time_step(work: StepWork, rounds: int, command: str, console: Console | None = None) -> Record:
    """Time the steps, part by part, in rounds with passes over psi.

    Parameters
    ----------
    work : StepWork
        The step.
    rounds : int
        Interleaved rounds.
    command : str
        The command line that asked for it.
    console : rich.console.Console, optional
        Where progress is shown.

    Returns
    -------
    Record
        With the parts in ``extra["parts"]``: seconds per step, calls per step, fraction of the nearest roof.
    """
    p = work.problem
    psi = random_waves((*p["shape"], p["norb"]), p["dtype"])
    samples: list[dict[str, Part]] = []

    def steps() -> None:
        work.clock.take()
        work.advance()
        samples.append(work.clock.take())

    roofs = measure(p["threads"], psi.nbytes)
    calls = {STEP: steps, SCALE: scaling_pass(psi, p["threads"]), READ: reading_pass(psi, p["threads"])}
    times = interleave(calls, rounds, console=console)
    rates = {"in place": 2 * psi.nbytes / times[SCALE].median, "read": psi.nbytes / times[READ].median}
    seconds = times[STEP].median / work.steps
    extra = {
        "parts": _parts(samples[-rounds:], work, seconds, rates, roofs),
        "electrons": work.electrons,
        "seconds_per_step": seconds,
        "seconds_per_electron_step": seconds / work.electrons,
        "steps": work.steps,
    }
    rows = [make_row(timing, times[STEP]) for timing in times.values()]
    return Record("step", command, p, STEP, rows, roofs, extra=extra)


def _parts(
    samples: list[dict[str, Part]], work: StepWork, whole: float, rates: dict[str, float], roofs: Roofs
) -> list[dict[str, Any]]:
    """Medians over the samples, per step; what no part accounts for is the rest."""
    names = sorted({name for sample in samples for name in sample}, key=lambda name: (*ORDER, name).index(name))
    peaks = {peak for plan in work.plans if (peak := arithmetic_roof(plan, roofs))}
    found = []
    for name in names:
        parts = [sample.get(name, Part()) for sample in samples]
        mean = {key: median(asdict(part)[key] for part in parts) / work.steps for key in asdict(Part())}
        bound = "read" if name in REDUCTIONS else "in place"
        least = {bound: mean["nbytes"] / rates[bound]}
        if name == "nlp" and len(peaks) == 1:
            ((mode, rate),) = peaks
            least[mode] = mean["flops"] / rate
        roof = max(least, key=lambda key: least[key])
        fraction = least[roof] / mean["seconds"] if mean["nbytes"] else None
        found.append({"part": name, **mean, "roof": roof if mean["nbytes"] else "", "fraction": fraction})
    rest = max(0.0, whole - float(np.sum([part["seconds"] for part in found])))
    found.append({"part": "rest", **asdict(Part(seconds=rest)), "roof": "", "fraction": None})
    return found
