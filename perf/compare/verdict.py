"""What the times of a case prove.

BASE is timed as two copies.  The ratio of the copies is the self-check: they are the same code, so that a difference
beyond the tolerance, proven, means that this machine makes differences of its own, and nothing is concluded from them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .cases import Case
from .intervals import Interval, interval

SIDES = ("base", "base again", "head")
SLOWER, FASTER, SAME, OPEN, UNDECIDED = "slower", "faster", "same", "open", "undecided"
Quad = Mapping[str, Sequence[float]]  # side -> its two samples, seconds per call


@dataclass
class Result:
    """Times of one case, and what they prove.

    Attributes
    ----------
    case : Case
        What was timed.
    launches : list of lists of quads
        Seconds per call, for each launch of the worker.
    verdict : str
        ``"slower"``, ``"faster"``, ``"same"`` (not slower by more than the tolerance), ``"open"`` (not known well
        enough) or ``"undecided"`` (the self-check failed); ``""`` before the first look.
    ratio, self_check : Interval or None
        HEAD over BASE, and a copy of BASE over the other.
    """

    case: Case
    launches: list[list[Quad]] = field(default_factory=list)
    verdict: str = ""
    ratio: Interval | None = None
    self_check: Interval | None = None

    @property
    def settled(self) -> bool:
        """Whether more launches would not change anything."""
        return self.verdict in (SLOWER, FASTER, SAME)

    def look(self, tolerance: float, error: float) -> None:
        """Judge by the launches so far, with intervals that miss with the given chance."""
        self.ratio = interval([[head_log(quad) for quad in launch] for launch in self.launches], error)
        self.self_check = interval([[copy_log(quad) for quad in launch] for launch in self.launches], error)
        self.verdict = judge(self.ratio, self.self_check, tolerance)


def judge(ratio: Interval, self_check: Interval, tolerance: float) -> str:
    """The verdict.

    Parameters
    ----------
    ratio, self_check : Interval
        HEAD over BASE, and a copy of BASE over the other.
    tolerance : float
        Slowdown that is accepted, such as 0.03.

    Examples
    --------
    >>> same = Interval(1.0, 0.99, 1.01)
    >>> judge(Interval(1.08, 1.05, 1.11), same, 0.03), judge(Interval(1.02, 1.0, 1.04), same, 0.03)
    ('slower', 'open')
    >>> judge(Interval(1.08, 1.05, 1.11), Interval(0.93, 0.9, 0.95), 0.03)
    'undecided'
    """
    limit = 1.0 + tolerance
    if self_check.low > limit or self_check.high < 1.0 / limit:
        return UNDECIDED
    if ratio.low > limit:
        return SLOWER
    if ratio.high < 1.0:
        return FASTER
    return SAME if ratio.high <= limit else OPEN


def head_log(quad: Quad) -> float:
    """Log-ratio of HEAD to the mean of the copies of BASE; what drifts evenly cancels.

    Examples
    --------
    >>> round(head_log({"base": (1.0, 2.0), "base again": (1.0, 2.0), "head": (1.1, 2.2)}), 4)  # ln 1.1
    0.0953
    """
    base, again, head = (_mean_log(quad[side]) for side in SIDES)
    return head - 0.5 * (base + again)


def copy_log(quad: Quad) -> float:
    """Log-ratio of one copy of BASE to the other."""
    return _mean_log(quad["base again"]) - _mean_log(quad["base"])


def _mean_log(seconds: Sequence[float]) -> float:
    return sum(map(math.log, seconds)) / len(seconds)
