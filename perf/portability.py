"""Performance portability: how well an application does over a set of platforms.

The terms are those of S. J. Pennycook, J. D. Sewall and V. W. Lee, "A Metric for Performance Portability"
(arXiv:1611.07409): an application a solves a problem p on the platforms H with efficiencies e_i(a, p), and

    PP(a, p, H) = |H| / sum_i 1 / e_i(a, p)    if a runs p correctly on every platform of H, else 0.

e is either the application efficiency, relative to the fastest application on the same platform and problem, or the
architectural efficiency, the fraction of the platform's roof.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple


class Run(NamedTuple):
    """An application on a platform, with its time and the fraction of its roof; None where it did not run."""

    problem: str
    platform: str
    application: str
    seconds: float | None
    fraction: float | None = None


class Place(NamedTuple):
    """A platform of a cascade: the efficiency there, and PP over it and those before it."""

    platform: str
    efficiency: float
    portability: float


Efficiencies = dict[tuple[str, str], dict[str, float]]  # (application, problem) -> platform -> efficiency


def harmonic_mean(values: Collection[float]) -> float:
    """Harmonic mean of numbers from 0 on; 0 if one of them is 0, or if there are none.

    Examples
    --------
    >>> harmonic_mean([1.0, 0.5, 0.25])  # 3 / (1 + 2 + 4)
    0.42857142857142855
    >>> harmonic_mean([1.0, 0.0])
    0.0
    """
    if not values or min(values) <= 0.0:
        return 0.0
    return len(values) / sum(1.0 / value for value in values)


def portability(efficiency: Mapping[str, float], platforms: Iterable[str]) -> float:
    """PP over a set of platforms, from the efficiency on each; one that is missing is not supported.

    Examples
    --------
    >>> portability({"A": 1.0, "B": 0.5}, ["A", "B"])
    0.6666666666666666
    >>> portability({"A": 1.0, "B": 0.5}, ["A", "B", "C"])
    0.0
    """
    return harmonic_mean([efficiency.get(platform, 0.0) for platform in platforms])


def application_efficiency(runs: Iterable[Run]) -> Efficiencies:
    """Best time on the same platform and problem over the time of each; 0 where it did not run.

    Examples
    --------
    >>> runs = [Run("p", "A", "x", 2.0), Run("p", "A", "y", 4.0), Run("p", "B", "y", 3.0), Run("p", "B", "x", None)]
    >>> application_efficiency(runs)
    {('x', 'p'): {'A': 1.0, 'B': 0.0}, ('y', 'p'): {'A': 0.5, 'B': 1.0}}
    """
    runs = list(runs)
    best: dict[tuple[str, str], float] = {}
    for run in runs:
        if run.seconds is not None:
            key = run.platform, run.problem
            best[key] = min(run.seconds, best.get(key, run.seconds))
    found: Efficiencies = {}
    for run in runs:
        value = 0.0 if run.seconds is None else best[run.platform, run.problem] / run.seconds
        found.setdefault((run.application, run.problem), {})[run.platform] = value
    return found


def architectural_efficiency(runs: Iterable[Run]) -> Efficiencies:
    """Fraction of the roof, at most 1; 0 where it did not run, nothing where no roof is known.

    Examples
    --------
    >>> architectural_efficiency([Run("p", "A", "x", 2.0, 0.8), Run("p", "B", "x", None), Run("p", "C", "x", 1.0)])
    {('x', 'p'): {'A': 0.8, 'B': 0.0}}
    """
    found: Efficiencies = {}
    for run in runs:
        if run.seconds is None or run.fraction is not None:
            value = 0.0 if run.seconds is None else min(1.0, run.fraction or 0.0)
            found.setdefault((run.application, run.problem), {})[run.platform] = value
    return found


def with_library(runs: Iterable[Run], name: str) -> list[Run]:
    """The runs, and as a further application the fastest of them on each platform and problem: the library as a whole.

    Examples
    --------
    >>> with_library([Run("p", "A", "x", 2.0), Run("p", "A", "y", 1.0)], "best")[-1]
    Run(problem='p', platform='A', application='best', seconds=1.0, fraction=None)
    """
    runs = list(runs)
    best: dict[tuple[str, str], Run] = {}
    for run in runs:
        kept = best.get((run.platform, run.problem), run)
        fastest = run if kept.seconds is None or (run.seconds is not None and run.seconds < kept.seconds) else kept
        best[run.platform, run.problem] = fastest
    return runs + [run._replace(application=name) for run in best.values()]


def over_problems(efficiencies: Efficiencies, platforms: Iterable[str]) -> dict[str, dict[str, float]]:
    """Efficiency of each application on each platform over all its problems: their harmonic mean.

    The harmonic mean of these over the platforms is that over all pairs of a platform and a problem.

    Examples
    --------
    >>> over_problems({("x", "p"): {"A": 1.0}, ("x", "q"): {"A": 0.5}}, ["A", "B"])
    {'x': {'A': 0.6666666666666666, 'B': 0.0}}
    """
    applications = dict.fromkeys(application for application, _ in efficiencies)
    problems = dict.fromkeys(problem for _, problem in efficiencies)
    platforms = list(platforms)
    return {
        application: {
            platform: harmonic_mean([efficiencies.get((application, p), {}).get(platform, 0.0) for p in problems])
            for platform in platforms
        }
        for application in applications
    }


def cascade(efficiency: Mapping[str, float]) -> Sequence[Place]:
    """Platforms by falling efficiency, each with PP over those up to it.

    Examples
    --------
    >>> [tuple(place) for place in cascade({"A": 0.5, "B": 1.0, "C": 0.0})]
    [('B', 1.0, 1.0), ('A', 0.5, 0.6666666666666666), ('C', 0.0, 0.0)]
    """
    order = sorted(efficiency, key=lambda platform: -efficiency[platform])
    return [
        Place(platform, efficiency[platform], portability(efficiency, order[: k + 1]))
        for k, platform in enumerate(order)
    ]
