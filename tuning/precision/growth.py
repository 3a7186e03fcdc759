r"""How an error grows: the law :math:`e(n) = e(W)\,(n/W)^p` fitted over the W steps of a pilot window.

A rounding error that is made afresh in every step grows as n^(1/2), one that is made alike in every step as n, one in a
frequency or a growing amplitude as n^2.  p is fitted to the largest error so far and kept within [1, 2]: no error is
trusted to grow more slowly than the steps go on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

SLOWEST, FASTEST = 1.0, 2.0


@dataclass(frozen=True)
class Growth:
    """Error at the last of the steps of a window, and the power that it grows with."""

    error: float
    steps: int
    power: float

    def after(self, steps: int) -> float:
        """The error after so many steps, not less than in the window."""
        return self.error * max(1.0, steps / self.steps) ** self.power


def fit(steps: ArrayLike, errors: ArrayLike) -> Growth:
    """The law of errors that were measured at some steps.

    Parameters
    ----------
    steps : (n,) int
        Steps done, rising, above zero.
    errors : (n,) float
        Errors there.

    Examples
    --------
    >>> fit([10, 20, 40], [1e-6, 4e-6, 1.6e-5])
    Growth(error=1.6e-05, steps=40, power=2.0)
    >>> fit([10, 20, 40], [3e-6, 3e-6, 3e-6]).after(400)
    3e-05
    """
    n, largest = np.asarray(steps, float), np.maximum.accumulate(np.asarray(errors, float))
    known = largest > 0.0
    if known.sum() < 2:
        return Growth(float(largest[-1]), int(n[-1]), SLOWEST)
    power = float(np.polyfit(np.log(n[known]), np.log(largest[known]), 1)[0])
    return Growth(float(largest[-1]), int(n[-1]), float(np.round(np.clip(power, SLOWEST, FASTEST), 6)))
