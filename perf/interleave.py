"""Rivals timed in interleaved rounds A, B, C, A, B, C, ...: what disturbs the machine disturbs all of them alike.

Only ratios within a round mean much on a shared machine.  The ratio to the baseline is the median over the rounds of
(time of the rival) / (time of the baseline in the same round); its interval comes from drawing rounds with replacement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..backends import PlanError

DEFAULT_ROUNDS, LEAST_ROUNDS = 7, 5
SAMPLE_SECONDS = 2e-3  # a sample repeats a short call until it takes about this long
SETTLE_SECONDS = 5e-3  # idle threads spin for a while after a call and would slow the next rival
SPINNING = ("numpy", "OpenBLAS")  # their threads spin for 2^28 cycles; so long a pause after every rival cools caches
SPIN_SECONDS = 0.15
RESAMPLES, CONFIDENCE = 2000, 0.95


@dataclass(frozen=True)
class Timing:
    """Seconds per call of one rival, one sample for each round.

    Examples
    --------
    >>> timing = Timing("a", (3.0, 1.0, 2.0, 5.0, 4.0))
    >>> timing.median, timing.quartiles
    (3.0, (2.0, 4.0))
    """

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median, seconds."""
        return float(np.median(self.seconds))

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile, seconds."""
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float(low), float(high)


@dataclass(frozen=True)
class Ratio:
    """Median of the ratios of the rounds, with a bootstrap interval of 95 %."""

    value: float
    low: float
    high: float


def ratio(timing: Timing, baseline: Timing) -> Ratio:
    """How many times the baseline's time a rival takes.

    Parameters
    ----------
    timing, baseline : Timing
        Of the same rounds.

    Returns
    -------
    Ratio

    Examples
    --------
    >>> a, b = Timing("a", (2.0, 4.0, 6.0, 2.0, 4.0)), Timing("b", (1.0, 2.0, 3.0, 1.0, 2.0))
    >>> ratio(a, b)
    Ratio(value=2.0, low=2.0, high=2.0)
    """
    logs = np.log(np.asarray(timing.seconds) / np.asarray(baseline.seconds))
    drawn = np.random.default_rng(0).integers(0, len(logs), (RESAMPLES, len(logs)))
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(np.median(logs[drawn], axis=1), (tail, 1.0 - tail))
    value, low, high = (float(np.round(np.exp(x), 12)) for x in (np.median(logs), low, high))
    return Ratio(value, low, high)


def interleave(
    rivals: Mapping[str, Callable[[], Any]],
    rounds: int = DEFAULT_ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
    console: Console | None = None,
    settle: float = SETTLE_SECONDS,
) -> dict[str, Timing]:
    """Time rivals in interleaved rounds.

    Each is called once or twice beforehand, which compiles what is compiled when first used and tells how often a short
    call must be repeated in a sample.  Nothing is restored between calls: a rival that works in place must keep its
    numbers in range by itself, as unitary operators do.

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

        repeats = {}
        for name, call in rivals.items():
            show(f"warm-up: {name}")
            repeats[name] = _repeats(call, clock)
            done()
        for _ in range(rounds):
            for name, call in rivals.items():
                show(name)
                time.sleep(settle)
                samples[name].append(_sample(call, repeats[name], clock))
                if settle and name.startswith(SPINNING):
                    time.sleep(SPIN_SECONDS)
                done()
    return {name: Timing(name, tuple(seconds)) for name, seconds in samples.items()}


def _sample(call: Callable[[], Any], repeats: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


def _repeats(call: Callable[[], Any], clock: Callable[[], float]) -> int:
    """Calls in one sample; a first call that is long enough is not repeated here."""
    seconds = _sample(call, 1, clock)
    if seconds < 50 * SAMPLE_SECONDS:
        seconds = _sample(call, 1, clock)
    return max(1, round(SAMPLE_SECONDS / max(seconds, 1e-7)))
