"""The candidates for a problem: all values of the knobs of a kernel on a backend, less those that make no sense there.

A candidate is the tuple of its knobs that differ from their defaults, in the order of the knobs; ``()`` is the default.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .. import kernels
from ..backends import Backend
from ..kernels.knobs import Knob, Value
from .problem import Problem

Candidate = tuple[tuple[str, int | str], ...]
DEFAULT: Candidate = ()
SETS = ("v2", "v3", "v4", "v4bf16", "amx")
BF16_SETS = ("v4bf16", "amx")


@dataclass(frozen=True)
class Space:
    """Values of knobs, the default of each first.

    Examples
    --------
    >>> space = Space({"block": (0, 4), "schedule": ("static", "dynamic")})
    >>> [dict(candidate) for candidate in space]
    [{}, {'block': 4}, {'schedule': 'dynamic'}, {'block': 4, 'schedule': 'dynamic'}]
    """

    values: Mapping[str, tuple[int | str, ...]]

    def __iter__(self) -> Iterator[Candidate]:
        """The default, then candidates that differ from it in one knob, in two, ..."""
        found = (self.candidate(dict(zip(self.values, row, strict=True))) for row in self._rows())
        return iter(sorted(found, key=len))

    def __len__(self) -> int:
        size = 1
        for values in self.values.values():
            size *= len(values)
        return size

    def _rows(self) -> Iterator[tuple[int | str, ...]]:
        return itertools.product(*self.values.values())

    def candidate(self, settings: Mapping[str, int | str]) -> Candidate:
        """The candidate with these settings; knobs that are not named have their default."""
        return tuple(
            (name, settings[name])
            for name, values in self.values.items()
            if name in settings and settings[name] != values[0]
        )

    def full(self, candidate: Candidate) -> dict[str, int | str]:
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
        return [
            self.candidate(full | {name: value})
            for name, values in self.values.items()
            for value in values
            if value != full[name]
        ]

    def digest(self) -> str:
        """A short hash of the values."""
        return hashlib.sha256(json.dumps(dict(self.values)).encode()).hexdigest()[:8]


def make_space(problem: Problem, backend: str | Backend) -> Space:
    """The space of a kernel on a backend.

    Raises
    ------
    BackendUnavailable
        If there is no such backend.
    """
    plan = getattr(kernels, problem.kernel)
    found = {knob.name: sensible(knob, problem) for knob in plan.knobs(backend)}
    return Space({name: values for name, values in found.items() if len(values) > 1})


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
