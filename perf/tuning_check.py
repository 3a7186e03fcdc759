"""Tunes four kernels at six sizes, three times each, and says whether tuning keeps its promises on this machine.

    python -m mlmd.perf.tuning_check --budget 10 --out perf/results/checks/tuning.json

- a tuned kernel is as fast as its default or faster, in paired rounds after the tuning;
- the winners of the tunings of a problem take times within 2 % of each other, in the same rounds;
- a bound plan costs less than a microsecond more than the compiled function with the same arguments.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import kernels
from ..backends import describe, get
from ..backends.atomic import replace_file
from ..tuning.live import Live
from ..tuning.problem import Problem, make_problem
from ..tuning.runner import runoff
from ..tuning.space import DEFAULT, Candidate
from ..tuning.timing import Ratio, calm, ratio
from ..tuning.tuner import tune_problem

KERNELS = ("kin_prop", "nlp_prop", "hartree", "density")
SIZES = ((32, 16), (48, 16), (64, 32), (70, 64), (96, 64), (128, 64))
TUNINGS = 3
CLOSE = 1.02  # times of the winners of a problem
RUNOFF_SECONDS = 20.0
CALLS, REPEATS = 20000, 15
TINY = (4, 4, 4)


@dataclass(frozen=True)
class Row:
    """A problem: what three tunings came to.

    Attributes
    ----------
    problem : str
        In words.
    winners : list of dict
        Knobs of each tuning's winner.
    gains : list of tuple
        Time of each winner over that of the default: value, low and high end of the interval, in paired rounds after
        the tunings.
    spread : float
        Largest time of a winner over the smallest in these rounds.
    trials, seconds : list
        Candidates timed, and the time that it took, for each tuning.
    """

    problem: str
    winners: list[dict[str, Any]]
    gains: list[tuple[float, float, float]]
    spread: float
    trials: list[int]
    seconds: list[float]

    @property
    def holds(self) -> bool:
        """Whether no tuning is shown to be slower than the default, and the winners agree."""
        return all(low <= 1.0 for _, low, _ in self.gains) and self.spread <= CLOSE


def check(problem: Problem, backend: str, budget: float, tunings: int = TUNINGS) -> Row:
    """Tune a problem some times over, and let the winners meet each other and the default."""
    winners: list[Candidate] = []
    trials, seconds = [], []
    for _ in range(tunings):
        began = time.perf_counter()
        found = tune_problem(problem, backend, budget, "patient").decision
        seconds.append(round(time.perf_counter() - began, 2))
        winners.append(found.candidate)
        trials.append(found.trials)
    met = meet(problem, backend, winners)
    gains = [(met[winner].value, met[winner].low, met[winner].high) for winner in winners]
    values = [value for value, _, _ in gains]
    return Row(str(problem), [dict(w) for w in winners], gains, max(values) / min(values), trials, seconds)


def meet(problem: Problem, backend: str, winners: list[Candidate]) -> dict[Candidate, Ratio]:
    """Times of the winners over that of the default, from the calm ones of rounds in which all of them run."""
    samples = runoff(Live(problem, backend), sorted(set(winners) - {DEFAULT}), RUNOFF_SECONDS, lambda what: None)
    timings = calm(samples)
    return {candidate: ratio(timing, timings[DEFAULT]) for candidate, timing in timings.items()}


def dispatch() -> dict[str, dict[str, float]]:
    """Microseconds of a bound plan on a tiny problem, and by how much it is dearer than the compiled function."""
    psi, f, n = np.ones((*TINY, 1), np.complex64), np.ones(1), np.zeros(TINY)
    plans: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "density": (kernels.density(TINY, 1, "complex64", threads=1, tuning={}), (psi, f, n)),
        "loc_prop": (kernels.loc_prop(TINY, 1, 0.04, "complex64", threads=1, tuning={}), (psi, n)),
        "kin_prop": (kernels.kin_prop(TINY, 1, 0.4, 0.04, "complex64", threads=1, tuning={}), (psi,)),
    }
    found = {}
    for name, (plan, arguments) in plans.items():
        calls: list[Callable[[], Any]] = [plan.bind(*arguments), _raw(plan, arguments)]
        best = [min(_seconds(call) for _ in range(REPEATS)) for call in calls]
        found[name] = {"bound": round(1e6 * best[0], 3), "over": round(1e6 * (best[0] - best[1]), 3)}
    return found


def _raw(plan: Any, arguments: tuple[Any, ...]) -> Callable[[], Any]:
    """The compiled function with everything that it takes, called without the plan."""
    taken: list[tuple[Any, ...]] = []
    raw, plan._raw = plan._raw, lambda *given: taken.append(given)
    plan(*arguments[:2], **({"out": arguments[2]} if len(arguments) == 3 else {}))
    plan._raw = raw
    (given,) = taken
    return lambda: raw(*given)


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS


def report(row: Row) -> str:
    """A row in a line."""
    gains = "  ".join(f"{value:.3f} ({low:.3f}-{high:.3f})" for value, low, high in row.gains)
    tunings = " | ".join(" ".join(f"{k}={v}" for k, v in winner.items()) or "default" for winner in row.winners)
    verdict = "holds" if row.holds else "FAILS"
    return f"{verdict}  {row.problem}: {gains}; spread {row.spread:.3f}; {max(row.seconds):.0f} s; {tunings}"


def main() -> None:
    """Run the check and write its record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="cpu")
    parser.add_argument("--kernels", nargs="+", default=KERNELS, choices=KERNELS)
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of a tuning")
    parser.add_argument("--tunings", type=int, default=TUNINGS)
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="how many of the sizes, the smallest first")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--out", type=Path, default=None, help="record, JSON")
    options = parser.parse_args()
    rows = []
    for points, norb in SIZES[: options.sizes]:
        for kernel in options.kernels:
            problem = make_problem(kernel, (points,) * 3, norb, threads=options.threads)
            rows.append(check(problem, options.backend, options.budget, options.tunings))
            print(report(rows[-1]), flush=True)
    overhead = dispatch() if get("cpu").status().works else {}
    held = sum(row.holds for row in rows)
    print(f"{held} of {len(rows)} hold; a bound plan, and over the compiled call, us: {overhead}")
    if options.out is not None:
        record = {
            "machine": asdict(describe()),
            "backend": options.backend,
            "budget": options.budget,
            "rows": [asdict(row) | {"holds": row.holds} for row in rows],
            "dispatch_us": overhead,
        }
        replace_file(options.out, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
