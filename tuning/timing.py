"""Samples of the time of a call, and ratios of samples that were taken in the same rounds.

Only ratios within a round mean much on a shared machine.  The ratio to the baseline is the median over the rounds of
(time of the rival) / (time of the baseline in the same round); its interval comes from drawing rounds with replacement.
Neighbours who fill the shared cache for seconds change even these ratios, so that of many rounds only the calm ones,
in which all rivals together were quickest, give a ratio that is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

SAMPLE_SECONDS = 2e-3  # a sample repeats a short call until it takes about this long
SHORT_SECONDS, LONG_SECONDS = 5e-3, 0.1  # shorter calls are repeated in a sample; longer ones are tried once
SETTLE_SECONDS = 5e-3  # idle threads spin for a while after a call and would slow the next rival
CALM_SHARE, LEAST_CALM = 0.25, 10  # of the rounds; at least so many rounds
RESAMPLES, CONFIDENCE = 2000, 0.95

Rival = TypeVar("Rival", bound=Hashable)


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


def calm(samples: Mapping[Rival, Sequence[float]]) -> dict[Rival, Timing]:
    """Only the rounds in which all rivals together took the least time, relative to what each takes in the median.

    Parameters
    ----------
    samples : mapping of rivals to sequences of float
        Seconds per call, of the same rounds.

    Returns
    -------
    dict of rivals to Timing
        A quarter of the rounds, ten at least; all if there are fewer.

    Examples
    --------
    >>> kept = calm({"a": (1.0, 3.0) * 10, "b": (2.0, 4.0) * 10})
    >>> [set(timing.seconds) for timing in kept.values()]
    [{1.0}, {2.0}]
    """
    seconds = np.array(list(samples.values()))
    whole = np.sum(seconds / np.median(seconds, axis=1, keepdims=True), axis=0)
    kept = np.sort(np.argsort(whole, kind="stable")[: max(LEAST_CALM, round(CALM_SHARE * len(whole)))])
    return {rival: Timing(str(rival), tuple(found[k] for k in kept)) for rival, found in samples.items()}


def sample(call: Callable[[], Any], times: int, clock: Callable[[], float]) -> float:
    """Seconds per call of so many calls in a row; before several one more, which is not timed.

    That one finds threads asleep and data in the caches of whoever wrote them: several per cent of a short call.
    """
    if times > 1:
        call()
    start = clock()
    for _ in range(times):
        call()
    return (clock() - start) / times


def repeats(call: Callable[[], Any], clock: Callable[[], float]) -> int:
    """Calls in one sample; a first call that is long enough is not repeated here."""
    seconds = sample(call, 1, clock)
    if seconds < LONG_SECONDS:
        seconds = min(sample(call, 1, clock) for _ in range(3))
    return max(2 if seconds < SHORT_SECONDS else 1, round(SAMPLE_SECONDS / max(seconds, 1e-7)))
