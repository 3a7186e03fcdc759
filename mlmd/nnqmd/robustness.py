"""How robust two ways to train are, over seeds: medians of times to failure with what chance may make of them.

Models that differ by the seed of their training only differ in robustness too, and by more than runs of one model do.
Intervals come from a bootstrap in two stages: models are drawn, then runs of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .failure import Lifetime

DRAWS = 2000
PERCENT = (2.5, 97.5)
LEAST = 1e-3  # fs, of a run that failed at once
RUNS_OF_A_MODEL = 10_000  # seeds of the runs of one model are below; pooled ones stay apart

Models = Sequence[Sequence[Lifetime]]


@dataclass(frozen=True)
class Estimate:
    """A value and its interval of 95 %."""

    value: float
    low: float
    high: float


def median_time(models: Models, seed: int = 0) -> Estimate:
    """Median time to failure in fs of the runs of several models, all of one size.

    A run that did not fail counts as lasting for its whole time: a median at the longest time is a lower bound.

    Parameters
    ----------
    models : sequence of sequence of Lifetime
        Runs of each model.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> runs = [[Lifetime(40, k, time, "hot") for k, time in enumerate((1.0, 2.0, 3.0))]]
    >>> median_time(runs)
    Estimate(value=2.0, low=1.0, high=3.0)
    """
    return _estimate(_median(models), _drawn_medians(models, np.random.default_rng(seed)))


def median_ratio(models: Models, others: Models, seed: int = 0) -> Estimate:
    """Median time to failure of models over that of others.

    Parameters
    ----------
    models, others : sequence of sequence of Lifetime
        Runs of each model, all of one size.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> runs = [[Lifetime(40, 0, time, "hot")] for time in (8.0, 2.0)]
    >>> median_ratio(runs[:1], runs[1:])
    Estimate(value=4.0, low=4.0, high=4.0)
    """
    random = np.random.default_rng(seed)
    draws = _drawn_medians(models, random) / _drawn_medians(others, random)
    return _estimate(_median(models) / _median(others), draws)


@dataclass(frozen=True)
class Row:
    """Runs of one size: how many, how many failed, median time to failure in fs and its ratio to the first group's."""

    group: str
    atoms: int
    runs: int
    failed: int
    median: Estimate
    ratio: Estimate | None


def compare(groups: Mapping[str, Models]) -> list[Row]:
    """Medians of groups of models at each size, and their ratios to those of the first group.

    Parameters
    ----------
    groups : mapping
        Name -> runs of each model, at the same sizes.

    Returns
    -------
    list of Row
        By size, then in the order of the groups.

    Examples
    --------
    >>> made = {name: [[Lifetime(40, 0, time, "hot")]] for name, time in (("adam", 2.0), ("sam", 3.0))}
    >>> [(row.group, row.median.value, row.ratio and row.ratio.value) for row in compare(made)]
    [('adam', 2.0, None), ('sam', 3.0, 1.5)]
    """
    rows = []
    for atoms in sorted({one.atoms for models in groups.values() for runs in models for one in runs}):
        here = {
            name: [[one for one in runs if one.atoms == atoms] for runs in models] for name, models in groups.items()
        }
        first = next(iter(here))
        for name, models in here.items():
            every = [one for runs in models for one in runs]
            failed = sum(one.reason is not None for one in every)
            ratio = None if name == first else median_ratio(models, here[first])
            rows.append(Row(name, atoms, len(every), failed, median_time(models), ratio))
    return rows


def pooled(models: Models) -> list[Lifetime]:
    """Runs of several models as those of one, with seeds that tell them apart.

    Examples
    --------
    >>> [one.seed for one in pooled([[Lifetime(40, 3, 1.0, None)], [Lifetime(40, 3, 2.0, None)]])]
    [3, 10003]
    """
    return [replace(one, seed=one.seed + k * RUNS_OF_A_MODEL) for k, runs in enumerate(models) for one in runs]


def _time(one: Lifetime) -> float:
    return max(one.time, LEAST)


def _median(models: Models) -> float:
    return float(np.median([_time(one) for runs in models for one in runs]))


def _drawn_medians(models: Models, random: np.random.Generator) -> np.ndarray:
    """Medians of the bootstrap: as many models as there are are drawn, and of each as many runs as it has."""
    counts = np.array([len(runs) for runs in models])
    times = np.full((len(models), counts.max()), np.nan)
    for k, runs in enumerate(models):
        times[k, : len(runs)] = [_time(one) for one in runs]
    chosen = random.integers(len(models), size=(DRAWS, len(models)))
    left = counts[chosen][..., None]
    run = (random.random((*chosen.shape, counts.max())) * left).astype(int)
    drawn = np.where(np.arange(counts.max()) < left, times[chosen[..., None], run], np.nan)
    return np.asarray(np.nanmedian(drawn.reshape(DRAWS, -1), axis=1))


def _estimate(value: float, draws: np.ndarray) -> Estimate:
    low, high = np.percentile(draws, PERCENT)
    return Estimate(value, float(low), float(high))
