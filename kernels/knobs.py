"""Knobs of a kernel: how it goes about its work, which changes its speed and not its results (but for rounding)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..backends import PlanError

Value: TypeAlias = int | str
Tuning: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True)
class Knob:
    """One thing that can be set.

    Attributes
    ----------
    name : str
        As plans take it in ``tuning=``.
    values : tuple
        Values worth a try, the default first.  Where they are numbers any whole number from 0 on will do, else these.
    meaning : str
        One line for users.
    """

    name: str
    values: tuple[Value, ...]
    meaning: str

    @property
    def default(self) -> Value:
        """The value where none is given."""
        return self.values[0]

    def checked(self, value: Value) -> Value:
        """The value, if it is one.

        Raises
        ------
        PlanError
            If it is not.

        Examples
        --------
        >>> Knob("block", (0, 64), "points").checked(32)
        32
        """
        if isinstance(self.default, str):
            if value not in self.values:
                raise PlanError(f"tuning {self.name} is {value!r}; give one of {', '.join(map(str, self.values))}")
        elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise PlanError(f"tuning {self.name} is {value!r}; give a whole number, 0 or more")
        return value


THREADS = Knob("threads", (0,), "threads of a call, fewer than the plan may use; 0: all of them")
ISA = Knob("isa", ("best", "v4bf16", "v4", "v3", "v2"), "instruction set")
SCHEDULE = Knob("schedule", ("static", "dynamic"), "equal shares for the threads, or the next piece to who is free")

TASK_POINTS = Knob("task_points", (0, 16, 64, 256, 1024), "grid points of a task; 0: by the memory that they take")


def checked_tuning(kernel: str, knobs: tuple[Knob, ...], tuning: Tuning | None) -> dict[str, Value]:
    """The knobs that differ from their defaults, checked.

    Raises
    ------
    PlanError
        For a knob that is not there, or a value that it does not take.

    Examples
    --------
    >>> checked_tuning("density", (ISA, SCHEDULE), {"isa": "v3", "schedule": "static"})
    {'isa': 'v3'}
    """
    by_name = {knob.name: knob for knob in knobs}
    made = {}
    for name, value in (tuning or {}).items():
        if name not in by_name:
            known = ", ".join(by_name) or "none here"
            raise PlanError(f"tuning of {kernel} has no '{name}' on this backend; known: {known}")
        if by_name[name].checked(value) != by_name[name].default:
            made[name] = value
    return made
