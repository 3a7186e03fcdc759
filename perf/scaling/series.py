"""Weak and strong scaling of any workload: a workload says what one rank does and sends, the model how long it takes.

A workload is a function that gives `Series`; `mlmd.scaling.dcmesh` is one. Another one, such as molecular dynamics with
neural networks (atoms in place of electrons), brings its own and uses all that is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .model import Load, Rates, Roofs, seconds
from .network import Message, Network, message_seconds


class Case(NamedTuple):
    """A run: its ranks, what it simulates (electrons, atoms), and for the busiest rank work and messages of a step.

    ``memory`` is what that rank holds, bytes.
    """

    ranks: int
    quantity: float
    load: Load
    messages: Sequence[Message]
    memory: float = 0.0


class Point(NamedTuple):
    """A published run; None where it is not printed. Seconds are those of a step."""

    ranks: int
    efficiency: float | None = None
    seconds: float | None = None


class Series(NamedTuple):
    """A curve: runs from the smallest number of ranks, the reference, to the largest, and what was published."""

    label: str
    cases: Sequence[Case]
    published: Sequence[Point] = ()


class Projected(NamedTuple):
    """Time of a step: seconds of compute and of messages, efficiency relative to the first run of the series."""

    ranks: int
    quantity: float
    compute: float
    messages: float
    efficiency: float

    @property
    def seconds(self) -> float:
        """Of a step."""
        return self.compute + self.messages

    @property
    def time_to_solution(self) -> float:
        """Seconds per electron (or atom) and step."""
        return self.seconds / self.quantity


def project(series: Series, rates: Rates, roofs: Roofs, network: Network) -> list[Projected]:
    """Times of the runs of a series.

    The efficiency is the speed for each rank, quantity / (seconds ranks), divided by that of the first run: with a
    quantity that grows with the ranks the weak, with a constant one the strong efficiency.

    Examples
    --------
    >>> from mlmd.perf.scaling.model import Rate, Roofs, Work
    >>> cases = [Case(ranks, 8.0, {"x": Work(1, 0.0, 8e9 / ranks)}, []) for ranks in (1, 2)]
    >>> rates = {"x": Rate(1.0, 1.0, 0.0)}
    >>> halved = project(Series("made up", cases), rates, Roofs(1e12, 1e9), Network(1e-6, 1e9))
    >>> [(run.seconds, round(run.efficiency, 3)) for run in halved]
    [(9.0, 1.0), (5.0, 0.9)]
    """
    runs: list[Projected] = []
    for case in series.cases:
        compute = seconds(case.load, rates, roofs)
        sent = sum(message_seconds(message, network) for message in case.messages)
        speed = case.quantity / (compute + sent) / case.ranks
        first = runs[0] if runs else None
        reference = first.quantity / first.seconds / first.ranks if first else speed
        runs.append(Projected(case.ranks, case.quantity, compute, sent, speed / reference))
    return runs
