"""What `mlmd scaling` found: measured here and projected, apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel

from .machines import Machine
from .model import Rate, Roofs
from .network import Message, Network
from .series import Projected, Series

MEASURED, PROJECTED, PUBLISHED = "measured here", "projected", "published"


class Check(NamedTuple):
    """Time of a step on one rank, measured and by the model; a size that was held out took no part in the fit."""

    label: str
    held_out: bool
    measured: float
    predicted: float

    @property
    def error(self) -> float:
        """Of the model, relative."""
        return self.predicted / self.measured - 1.0


class Beside(NamedTuple):
    """Several ranks here beside one: seconds of a step, efficiency with quartiles, messages counted and by formula."""

    label: str
    ranks: int
    measured: float
    predicted: float | None
    efficiency: tuple[float, float, float]
    predicted_efficiency: float | None
    counted: Sequence[Message]
    formula: Sequence[Message]


class Curve(NamedTuple):
    """A projected series; ``memory`` is what the busiest rank holds in each run, bytes."""

    series: Series
    runs: Sequence[Projected]
    memory: Sequence[float]


class Kernel(NamedTuple):
    """Operations per second of a part of a step on the other machine, projected and published."""

    part: str
    projected: float
    published: float


class TimeToSolution(NamedTuple):
    """Seconds per electron (or atom) and step, and whether that is measured, projected or published.

    ``weights`` are those of a neural network, ``ranks`` how many took part; None where there are none, or not printed.
    """

    work: str
    machine: str
    source: str
    quantity: float
    seconds: float
    weights: int | None = None
    ranks: int | None = None


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes
    ----------
    kind, workload : str
        ``"weak"`` or ``"strong"``, and what scales.
    quantity, step, steps : str, str, int
        What is simulated (``"electron"``), what a step is called, and how many are in an MD step.
    here : str
        This machine.
    roofs : Roofs
        What one of its ranks can do.
    network : Network or None
        Fitted to messages here; None where none could be sent.
    rates : mapping
        Fitted cost of the parts.
    checks, beside : sequence
        Model against measurements on one rank and on several.
    machine : Machine or None
        The machine that is projected to.
    kernels, curves, solutions : sequence
        Projected kernels and runs, and the times to solution.
    notes : list of str
        What was assumed or left out.
    """

    kind: str
    workload: str
    quantity: str
    step: str
    steps: int
    here: str
    roofs: Roofs
    network: Network | None
    rates: Mapping[str, Rate]
    checks: Sequence[Check]
    beside: Sequence[Beside]
    machine: Machine | None
    kernels: Sequence[Kernel]
    curves: Sequence[Curve]
    solutions: Sequence[TimeToSolution]
    notes: list[str] = field(default_factory=list)


def merged(messages: Sequence[Message]) -> list[Message]:
    """Messages alike put together, sorted.

    Examples
    --------
    >>> merged([Message("sum", 1, 8, 2), Message("sum", 0.5, 8, 2)])
    [Message(kind='sum', calls=1.5, nbytes=8, ranks=2)]
    """
    sums: dict[tuple[str, float, int], float] = {}
    for kind, calls, nbytes, ranks in messages:
        sums[kind, nbytes, ranks] = sums.get((kind, nbytes, ranks), 0.0) + calls
    return [Message(kind, calls, nbytes, ranks) for (kind, nbytes, ranks), calls in sorted(sums.items())]


def as_json(thing: Any) -> Any:
    """A report as plain dicts, lists and numbers, with names for all fields.

    Examples
    --------
    >>> as_json(Check("a", True, 2.0, 1.0))
    {'label': 'a', 'held_out': True, 'measured': 2.0, 'predicted': 1.0, 'error': -0.5}
    """
    if is_dataclass(thing) and not isinstance(thing, type):
        return {name: as_json(getattr(thing, name)) for name in thing.__dataclass_fields__}
    if isinstance(thing, BaseModel):
        return thing.model_dump()
    if isinstance(thing, tuple) and hasattr(thing, "_asdict"):
        derived = {name: getattr(thing, name) for name, kind in vars(type(thing)).items() if isinstance(kind, property)}
        return as_json(thing._asdict() | derived)
    if isinstance(thing, Mapping):
        return {str(key): as_json(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [as_json(value) for value in thing]
    return thing
