"""Interval of a median log-ratio from launches of the worker.

Pairs of one launch share what that launch was dealt: the pages of its arrays, the addresses of its code.  They are not
independent draws, launches are.  So launches are what the bootstrap draws, each with all its pairs, and the median is
taken over the pairs drawn.

Launches are few, and the plain percentile interval of few draws is too short.  It is widened as Hesterberg does (The
American Statistician 69, 371 (2015)): its level is that of Student's t with n - 1 degrees of freedom and the unbiased
standard deviation, expressed in the normal distribution that the bootstrap imitates.

Several cases are looked at several times.  With a total error shared by Bonferroni's rule over the cases, and over
the looks in parts 1/2, 1/4, 1/8, ..., all intervals hold at once, however many looks there will be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

ERROR = 0.05  # the chance that any interval of a comparison misses, at either end
RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A ratio of times, HEAD over BASE, and the ends of its interval."""

    value: float
    low: float
    high: float


def error_share(cases: int, look: int, total: float = ERROR) -> float:
    """The part of the total error that one case may spend at one look; looks are counted from 1.

    Examples
    --------
    >>> error_share(cases=5, look=1), error_share(cases=5, look=2)
    (0.005, 0.0025)
    """
    return total / cases / 2**look


def widened(tail: float, launches: int) -> float:
    """Level of the bootstrap distribution that leaves out ``tail`` at one end, for so few launches.

    Examples
    --------
    >>> round(widened(0.025, 1000), 4), round(widened(0.025, 8), 5)
    (0.0248, 0.00574)
    """
    return float(ndtr(math.sqrt(launches / (launches - 1)) * stdtrit(launches - 1, tail)))


def interval(launches: Sequence[Sequence[float]], error: float, seed: int = 0) -> Interval:
    """Median ratio with its interval.

    Parameters
    ----------
    launches : sequence of sequences of float
        Log-ratios of the pairs, launch by launch, equally many in each; two launches or more.
    error : float
        Chance that the interval misses, both ends together.
    seed : int
        Of the draws.

    Returns
    -------
    Interval
        Of the ratio, not of its logarithm.

    Examples
    --------
    >>> quiet = [[0.0, 0.01, -0.01]] * 8
    >>> interval(quiet, 0.05).value
    1.0
    """
    logs = np.asarray(launches, float)
    count = len(logs)
    drawn = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    medians = np.median(logs[drawn].reshape(RESAMPLES, -1), axis=1)
    tail = widened(error / 2, count)
    low, high = np.quantile(medians, (tail, 1.0 - tail))
    return Interval(float(np.exp(np.median(logs))), float(np.exp(low)), float(np.exp(high)))
