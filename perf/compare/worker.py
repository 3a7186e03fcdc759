"""The worker: one process that loads the builds side by side and times them in palindromes, A A' B B A' A and the like.

It reads an `Order` from standard input and answers with a line of JSON for each thing that happens, so that whoever
started it knows what was going on if it dies.  A palindrome holds the pairs A B B A: what drifts evenly, such as the
clock rate of a warming processor, cancels.  Its order changes from one to the next, so that every build is preceded
by every other equally often.

A call during which the system took the processor away from one of the threads (an involuntary context switch) says
more about the neighbours than about the kernel; it is left out of its sample as long as undisturbed ones remain.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from ...backends import MlmdError
from .cases import Arrays, Call, Case, make_call
from .sides import Side, make_twin
from .verdict import SIDES

SAMPLE_SECONDS = 3e-3  # a sample repeats a short call for about this long
LEAST_CALLS, MOST_DISTURBED = 3, 12  # calls in a sample; disturbed calls after which a sample goes on without

try:
    from resource import RUSAGE_SELF, getrusage
except ModuleNotFoundError:  # no Unix: nothing is known about disturbances

    def switches() -> int:
        """Involuntary context switches of this process so far."""
        return 0

else:

    def switches() -> int:
        """Involuntary context switches of this process so far."""
        return getrusage(RUSAGE_SELF).ru_nivcsw


@dataclass(frozen=True)
class Order:
    """What one launch of the worker is to do.

    Attributes
    ----------
    base, head : str
        Folders that hold the packages.
    scratch : str
        An empty folder for their twins.
    cases : list of Case
        What to time, as `asdict` makes of them.
    threads : int
        Threads of the calls.
    quads : int
        Palindromes of each case.
    number : int
        Launches before this one; the order of the builds depends on it.
    """

    base: str
    head: str
    scratch: str
    cases: list[dict[str, Any]]
    threads: int
    quads: int
    number: int


def palindromes(first: int, count: int) -> Iterator[tuple[str, ...]]:
    """Orders of the samples, starting with that of the given number.

    Examples
    --------
    >>> next(palindromes(0, 1))
    ('base', 'base again', 'head', 'head', 'base again', 'base')
    """
    orders = list(itertools.permutations(SIDES))
    turns = [orders[k] for k in (0, 3, 4, 5, 2, 1)]  # of three in a row each side has each place once
    for number in range(first, first + count):
        there = turns[number % len(turns)]
        yield (*there, *reversed(there))


def sample(call: Call, calls: int, clock: Callable[[], float], disturbed: Callable[[], int]) -> float:
    """Median seconds of some undisturbed calls, or of all if hardly any are.

    Examples
    --------
    >>> times = iter([0.0, 1.0, 1.0, 9.0, 9.0, 11.0])  # three calls: 1, 8 and 2 seconds
    >>> events = iter([0, 0, 0, 1, 1, 1])  # the second one was disturbed
    >>> sample(lambda: None, 2, lambda: next(times), lambda: next(events))
    1.5
    """
    calm: list[float] = []
    rest: list[float] = []
    while len(calm) < calls and len(rest) < MOST_DISTURBED:
        before = disturbed()
        start = clock()
        call()
        seconds = clock() - start
        (calm if disturbed() == before else rest).append(seconds)
    return median(calm or rest)


class Launch:
    """One launch: the builds, loaded, and what it says.

    Parameters
    ----------
    order : Order
        What to do.
    out : file
        Where the answers go.
    """

    def __init__(self, order: Order, out: TextIO) -> None:
        self.order = order
        self.out = out
        folders = {name: order.head if name == "head" else order.base for name in SIDES}
        self.sides = {
            name: Side(name, make_twin(Path(folder), Path(order.scratch, name.replace(" ", "_"))))
            for name, folder in folders.items()
        }
        self.builds: dict[str, Any] = {}
        turn = order.number % len(SIDES)
        self.names = SIDES[turn:] + SIDES[:turn]  # who gets memory first

    def run(self) -> None:
        """Load the builds and time all cases."""
        for name in self.names:
            self.say("load", side=name)
            with self.sides[name].current():
                self.builds[name] = self.sides[name].load()
        for number, fields in enumerate(self.order.cases):
            try:
                self.time(number, Case(**fields | {"shape": tuple(fields["shape"])}))
            except LeftOut as reason:
                self.say("left out", case=number, reason=str(reason))
            gc.collect()

    def time(self, number: int, case: Case) -> None:
        """Time one case."""
        threads, calls, seconds = self.order.threads, {}, []
        arrays = self.as_side("base", number, lambda build: Arrays(case, build, threads))
        for name in self.names:
            calls[name], first = self.as_side(
                name, number, lambda build: warmed(make_call(case, build, arrays, threads))
            )
            seconds.append(first)
        count = max(LEAST_CALLS, round(SAMPLE_SECONDS / min(seconds)))
        quads = []
        gc.disable()
        for sides in palindromes(self.order.number * self.order.quads, self.order.quads):
            times: dict[str, list[float]] = {name: [] for name in SIDES}
            for name in sides:
                with self.sides[name].current():
                    times[name].append(sample(calls[name], count, time.perf_counter, switches))
            quads.append(times)
        gc.enable()
        self.say("times", case=number, quads=quads)

    def as_side(self, name: str, number: int, work: Callable[[Any], Any]) -> Any:
        """Let one build do something.

        Raises
        ------
        LeftOut
            If it cannot.
        """
        self.say("case", case=number, side=name)
        with self.sides[name].current():
            try:
                return work(self.builds[name])
            except Exception as error:  # whatever a build raises, which may be of any age
                raise LeftOut(f"{name.upper()} cannot: {error}") from error

    def say(self, event: str, **more: Any) -> None:
        """Write one line."""
        self.out.write(json.dumps({"event": event, **more}) + "\n")
        self.out.flush()


class LeftOut(MlmdError):
    """A build cannot do a case."""


def warmed(call: Call) -> tuple[Call, float]:
    """The call, called twice, and the seconds of the second."""
    call()
    start = time.perf_counter()
    call()
    return call, max(time.perf_counter() - start, 1e-6)


def order_text(order: Order) -> str:
    """The order as the worker reads it."""
    return json.dumps(asdict(order))


def main() -> None:
    """Do what standard input asks for; whatever the builds print goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    Launch(Order(**json.load(sys.stdin)), out).run()


if __name__ == "__main__":
    main()
