"""Where the time of a step goes: plans are wrapped from outside for a benchmark, so that the product is not slowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..kernels.plan import Plan

_UNTIMED = frozenset(("flops", "bytes", "load", "state", "restore", "set", "set_middle", "peierls"))


@dataclass
class Part:
    """Sums over the calls of one part."""

    seconds: float = 0.0
    calls: int = 0
    nbytes: float = 0.0
    flops: float = 0.0


@dataclass
class PartClock:
    """Time, calls and traffic by part.

    Examples
    --------
    >>> clock = PartClock()
    >>> clock.timed("sum", sum)([1, 2])
    3
    >>> clock.take()["sum"].calls, clock.take()
    (1, {})
    """

    now: Callable[[], float] = time.perf_counter
    finish: Callable[[], None] = lambda: None  # on a device: waits until the work is done
    parts: dict[str, Part] = field(default_factory=dict)

    def timed(self, name: str, call: Callable[..., Any], plan: Plan | None = None) -> Callable[..., Any]:
        """The callable, with its calls counted under a name."""

        def wrapped(*arguments: Any, **named: Any) -> Any:
            start = self.now()
            result = call(*arguments, **named)
            self.finish()
            part = self.parts.setdefault(name, Part())
            part.seconds += self.now() - start
            part.calls += 1
            if plan is not None:
                part.nbytes += plan.bytes()
                part.flops += plan.flops()
            return result

        return wrapped

    def take(self) -> dict[str, Part]:
        """The sums so far; counting starts anew."""
        taken, self.parts = self.parts, {}
        return taken


class TimedPlan:
    """Stands for a plan: the same attributes and calls, but the clock runs while it works."""

    def __init__(self, plan: Plan, name: str, clock: PartClock) -> None:
        self._plan, self._name, self._clock = plan, name, clock
        self._call = clock.timed(name, plan, plan)  # type: ignore[arg-type]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the plan."""
        return self._call(*arguments, **named)

    def __getattr__(self, attribute: str) -> Any:
        """Attribute of the plan; its working methods are timed."""
        value = getattr(self._plan, attribute)
        if callable(value) and attribute not in _UNTIMED and not attribute.startswith(("_", "check_")):
            return self._clock.timed(self._name, value, self._plan)
        return value


def instrument(owner: Any, clock: PartClock, package: str, names: dict[str, str]) -> list[Plan]:
    """Put a timed stand-in in the place of every plan that an object holds, itself or through its parts.

    Parameters
    ----------
    owner : object
        What holds the plans.
    clock : PartClock
        What counts.
    package : str
        Only objects of classes of this package are looked into.
    names : dict
        Class of the plan -> name of the part; other plans go by their class.

    Returns
    -------
    list of Plan
        The plans that were found.
    """
    found: list[Plan] = []
    seen: set[int] = set()

    def stand_in(value: Any) -> Any:
        if isinstance(value, Plan):
            found.append(value)
            kind = type(value).__name__
            return TimedPlan(value, names.get(kind, kind.lower()), clock)
        if isinstance(value, list):
            value[:] = [stand_in(item) for item in value]
        elif type(value).__module__.startswith(package) and hasattr(value, "__dict__"):
            visit(value)
        return value

    def visit(holder: Any) -> None:
        if id(holder) in seen:
            return
        seen.add(id(holder))
        for attribute, value in list(vars(holder).items()):
            replaced = stand_in(value)
            if replaced is not value:
                setattr(holder, attribute, replaced)

    visit(owner)
    return found
