"""Rivals timed in interleaved rounds A, B, C, A, B, C, ...: what disturbs the machine disturbs all of them alike.

What a ratio of such times is says `mlmd.tuning.timing`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..backends import PlanError
from ..tuning.timing import SETTLE_SECONDS, Timing, repeats, sample

DEFAULT_ROUNDS, LEAST_ROUNDS = 7, 5
SPINNING = ("numpy", "OpenBLAS")  # their threads spin for 2^28 cycles; so long a pause after every rival cools caches
SPIN_SECONDS = 0.15


def interleave(
    rivals: Mapping[str, Callable[[], Any]],
    rounds: int = DEFAULT_ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
    console: Console | None = None,
    settle: float = SETTLE_SECONDS,
) -> dict[str, Timing]:
    """Time rivals in interleaved rounds.

    Each is called beforehand, which compiles what is compiled when first used and tells how often a short call must be
    repeated in a sample; of these repetitions the first is not timed.  Nothing is restored between calls: a rival that
    works in place must keep its numbers in range by itself, as unitary operators do.

    Parameters
    ----------
    rivals : mapping of str to callable
        The calls, in the order of a round.
    rounds : int
        Rounds, five or more.
    clock : callable
        Seconds now; tests give their own.
    console : rich.console.Console, optional
        Where progress is shown, if it is a terminal.
    settle : float
        Seconds of rest before each sample.

    Returns
    -------
    dict of str to Timing
        In the order of ``rivals``.

    Raises
    ------
    PlanError
        For fewer than five rounds.

    Examples
    --------
    >>> times = interleave({"short": lambda: sum(range(10)), "long": lambda: sum(range(9999))}, rounds=5)
    >>> [len(timing.seconds) for timing in times.values()]
    [5, 5]
    """
    if rounds < LEAST_ROUNDS:
        raise PlanError(f"rounds is {rounds}; give {LEAST_ROUNDS} or more: the median of fewer means little")
    samples: dict[str, list[float]] = {name: [] for name in rivals}
    quiet = console is None or not console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=quiet, transient=True) as bars:
        task = bars.add_task("warm-up", total=(rounds + 1) * len(rivals))

        def show(name: str) -> None:
            bars.update(task, description=name)

        def done() -> None:
            bars.advance(task)

        times = {}
        for name, call in rivals.items():
            show(f"warm-up: {name}")
            times[name] = repeats(call, clock)
            done()
        for _ in range(rounds):
            for name, call in rivals.items():
                show(name)
                time.sleep(settle)
                samples[name].append(sample(call, times[name], clock))
                if settle and name.startswith(SPINNING):
                    time.sleep(SPIN_SECONDS)
                done()
    return {name: Timing(name, tuple(seconds)) for name, seconds in samples.items()}
