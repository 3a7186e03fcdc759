"""The candidates for a problem: all values of the knobs of a kernel on a backend, less those that make no sense there.

A candidate is the tuple of its knobs that differ from their defaults, in the order of the knobs; ``()`` is the default.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .. import kernels
from ..backends import Backend
from ..kernels.knobs import Knob, Value
from .problem import Problem

Candidate = tuple[tuple[str, Value], ...]
DEFAULT: Candidate = ()
SETS = ("v2", "v3", "v4", "v4bf16", "amx")
BF16_SETS = ("v4bf16", "amx")
IDLE = {"solver=fft": ("isa", "block")}


@dataclass(frozen=True)
class Space:
    """Values of knobs, the default of each first, and which of them matter.

    Attributes
    ----------
    values : mapping
        Knob -> values.
    idle : mapping
        ``"knob=value"`` -> knobs that change nothing where that knob has that value; there they stay at their default.

    Examples
    --------
    >>> space = Space({"block": (0, 4), "schedule": ("static", "dynamic")})
    >>> [dict(candidate) for candidate in space]
    [{}, {'schedule': 'dynamic'}, {'block': 4}, {'block': 4, 'schedule': 'dynamic'}]
    """

    values: Mapping[str, Sequence[Value]]
    idle: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Candidate]:
        """The default, then candidates that differ from it in one knob, in two, ..."""
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @cached_property
    def _all(self) -> list[Candidate]:
        rows = itertools.product(*self.values.values())
        found = dict.fromkeys(self.candidate(dict(zip(self.values, row, strict=True))) for row in rows)
        return sorted(found, key=len)

    def candidate(self, settings: Mapping[str, Value]) -> Candidate:
        """The candidate with these settings; knobs that are not named, or are idle, have their default.

        Examples
        --------
        >>> Space({"solver": ("own", "fft"), "block": (0, 4)}, {"solver=fft": ("block",)}).candidate(
        ...     {"solver": "fft", "block": 4}
        ... )
        (('solver', 'fft'),)
        """
        idle = {name for item in settings.items() for name in self.idle.get("{}={}".format(*item), ())}
        return tuple(
            (name, settings[name])
            for name, values in self.values.items()
            if name in settings and name not in idle and settings[name] != values[0]
        )

    def full(self, candidate: Candidate) -> dict[str, Value]:
        """The value of each knob."""
        return {name: values[0] for name, values in self.values.items()} | dict(candidate)

    def neighbours(self, candidate: Candidate) -> list[Candidate]:
        """Candidates that differ in one knob.

        Examples
        --------
        >>> Space({"block": (0, 4), "isa": (0, 2)}).neighbours((("block", 4),))
        [(), (('block', 4), ('isa', 2))]
        """
        full = self.full(candidate)
        changed = (self.candidate(full | {name: value}) for name, values in self.values.items() for value in values)
        return [found for found in dict.fromkeys(changed) if found != candidate]


def make_space(problem: Problem, backend: str | Backend) -> Space:
    """The space of a kernel on a backend.

    Raises
    ------
    BackendUnavailable
        If there is no such backend.
    """
    plan = getattr(kernels, problem.kernel)
    found = {knob.name: sensible(knob, problem) for knob in plan.knobs(backend)}
    values = {name: values for name, values in found.items() if len(values) > 1}
    return Space(values, {item: idle for item, idle in IDLE.items() if item.partition("=")[0] in values})


def sensible(knob: Knob, problem: Problem) -> tuple[Value, ...]:
    """Values of a knob worth a try for a problem: the default, and those that change something.

    Examples
    --------
    >>> from mlmd.kernels.knobs import THREADS
    >>> from mlmd.tuning.problem import make_problem
    >>> sensible(THREADS, make_problem("density", (8, 8, 8), threads=6))
    (0, 1, 2, 4)
    """
    default = knob.values[0]
    if knob.name == "threads":
        return (default, *(2**k for k in range(problem.threads.bit_length()) if 2**k < problem.threads))
    if knob.name == "isa":
        return (default, *(value for value in knob.values[1:] if value in lower_sets(problem)))
    idle = (
        (knob.name == "schedule" and problem.threads == 1)
        or (problem.kernel == "hartree" and problem.mode != "multigrid")
        or (knob.name == "form" and problem.mode.startswith("bf16"))
    )
    return (default,) if idle else tuple(knob.values)


def lower_sets(problem: Problem) -> tuple[str, ...]:
    """Instruction sets below the one that this processor would take; bf16 units matter to bf16 products only."""
    from .. import _cpu

    best = str(_cpu.isa())
    if best in BF16_SETS and not problem.mode.startswith("bf16"):
        best = "v4"
    if best not in SETS or problem.mode == "fft":
        return ()
    return SETS[: SETS.index(best)]
