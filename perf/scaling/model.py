r"""Cost model of the work of one rank: calls, and the time that the roofs of the machine allow, part by part.

.. math:: t = \sum_p \left( n_p\, a_p + \frac{1}{s_p} \max\left( \frac{F_p}{r_F}, \frac{B_p}{r_B} \right) \right)

A part p of a step makes n_p calls, does F_p operations and moves at least B_p bytes; the machine does r_F operations
and moves r_B bytes a second at most. Seconds of a call, a_p, and the share s_p of the nearer roof are fitted to runs on
this machine. On another machine the part gets the same share of the roof that is nearer there, but never more than all
of it (here small problems lie in a cache, which is faster than the memory), and calls take as long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from ...backends import PlanError


class Work(NamedTuple):
    """What a part does: calls, operations, least bytes."""

    calls: float
    flops: float
    nbytes: float


class Roofs(NamedTuple):
    """What a rank can do at most: operations and bytes per second."""

    flops: float
    bandwidth: float

    def least(self, work: Work) -> float:
        """Seconds that the roofs allow.

        Examples
        --------
        >>> Roofs(1e12, 1e10).least(Work(1, 1e9, 1e9))
        0.1
        """
        return max(work.flops / self.flops, work.nbytes / self.bandwidth)


class Sample(NamedTuple):
    """A part that was timed."""

    work: Work
    seconds: float


class Rate(NamedTuple):
    """What a part costs.

    Attributes
    ----------
    call : float
        Seconds of a call.
    share : float
        Of the nearer roof; infinite where the calls alone explain the times.
    error : float
        Largest relative error over the samples that were fitted.
    """

    call: float
    share: float
    error: float


Load = Mapping[str, Work]
Rates = Mapping[str, Rate]


def fit_rate(samples: Sequence[Sample], roofs: Roofs) -> Rate:
    """The rate that explains measured times best, relative to each; no coefficient is negative.

    Parameters
    ----------
    samples : sequence of Sample
        Of one part, at two sizes or more.
    roofs : Roofs
        Of the machine that was measured.

    Raises
    ------
    PlanError
        With samples of less than two sizes.

    Examples
    --------
    >>> roofs = Roofs(1e12, 2e10)
    >>> made = [Sample(Work(3, 0.0, size), 3e-6 + size / 1e10) for size in (1e4, 1e5, 1e6)]
    >>> rate = fit_rate(made, roofs)
    >>> [float(f"{number:.3g}") for number in (rate.call, rate.share)], rate.error < 1e-9
    ([1e-06, 0.5], True)
    """
    rows = np.array([[sample.work.calls, roofs.least(sample.work)] for sample in samples])
    if len({float(f"{least / calls:.6g}") for calls, least in rows}) < 2:
        raise PlanError("samples of one size do not tell calls from work; measure at two sizes or more")
    rows /= np.array([[sample.seconds] for sample in samples])
    scale = rows.max(axis=0)
    scaled, _ = nnls(rows / scale, np.ones(len(samples)))
    call, inverse = scaled / scale
    error = float(np.abs(rows @ np.array([call, inverse]) - 1.0).max())
    return Rate(float(call), float(1.0 / inverse) if inverse > 0 else math.inf, error)


def seconds(load: Load, rates: Rates, roofs: Roofs) -> float:
    """Seconds of a load on a machine.

    Examples
    --------
    >>> seconds({"kin": Work(2, 0.0, 1e6)}, {"kin": Rate(1e-6, 0.5, 0.0)}, Roofs(1e12, 2e10))
    0.000102
    """
    return sum(work.calls * rates[part].call + roofs.least(work) / rates[part].share for part, work in load.items())


def elsewhere(rates: Rates) -> dict[str, Rate]:
    """Rates to be used with the roofs of another machine: no share is above one.

    Examples
    --------
    >>> elsewhere({"kin": Rate(1e-6, 2.5, 0.0)})["kin"].share
    1.0
    """
    return {part: rate._replace(share=min(rate.share, 1.0)) for part, rate in rates.items()}
