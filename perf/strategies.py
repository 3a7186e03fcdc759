"""Search strategies against each other on recorded logs, without the machine.

    mlmd tune --effort patient --log trials.jsonl ...
    python -m mlmd.perf.strategies trials.jsonl

A strategy is told the recorded time of what it asks for.  What counts is after how many trials it has asked for a
candidate within 2 % of the best one recorded, the median over seeds.  Where Optuna is installed its samplers (TPE and
Gaussian processes) compete as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ..tuning import trials
from ..tuning.search import BATCH, STRATEGIES, Strategy
from ..tuning.space import DEFAULT, Candidate, Space
from ..tuning.trials import Section

SEEDS = 20
NEAR = 1.02
CONTESTANTS = ("exhaustive", "random", "local")


def recorded_times(section: Section) -> dict[Candidate, float]:
    """Median time of each candidate relative to the default of the same round."""
    ratios: dict[Candidate, list[float]] = {}
    for event in section.events:
        if event["kind"] == "round":
            default = event["seconds"][0]
            for tuning, seconds in zip(event["tunings"], event["seconds"], strict=True):
                ratios.setdefault(section.candidate(tuning), []).append(seconds / default)
    return {candidate: float(np.median(found)) for candidate, found in ratios.items()}


def trials_to_best(strategy: Strategy, times: Mapping[Candidate, float]) -> int:
    """Trials until a strategy has asked for a candidate that is as good as the best; the default costs none.

    Examples
    --------
    >>> space = Space({"block": (0, 2, 4)})
    >>> trials_to_best(STRATEGIES["exhaustive"](space, 0), {(): 1.0, (("block", 2),): 1.2, (("block", 4),): 0.8})
    2
    """
    enough, count = NEAR * min(times.values()), 0
    if times[DEFAULT] <= enough:
        return 0
    while asked := strategy.ask(BATCH):
        for candidate in asked:
            count += 1
            if times.get(candidate, np.inf) <= enough:
                return count
        strategy.tell({candidate: times.get(candidate, np.inf) for candidate in asked})
    return count


class Sampler:
    """A sampler of Optuna behind `Strategy`; what it asks for twice is not counted twice."""

    def __init__(self, space: Space, seed: int, kind: str) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = getattr(optuna.samplers, kind)(seed=seed)
        self._study = optuna.create_study(sampler=sampler)
        self._study.enqueue_trial({name: values[0] for name, values in space.values.items()})
        self._space, self._told = space, {DEFAULT: 1.0}
        self._asked: tuple[object, Candidate] | None = None

    def ask(self, most: int) -> list[Candidate]:
        """See `Strategy`; one at a time, because a sampler learns from each."""
        while len(self._told) < len(self._space):
            trial = self._study.ask()
            settings = {name: trial.suggest_categorical(name, list(v)) for name, v in self._space.values.items()}
            candidate = self._space.candidate(settings)
            if candidate not in self._told:
                self._asked = trial, candidate
                return [candidate]
            self._study.tell(trial, self._told[candidate])
        return []

    def tell(self, times: Mapping[Candidate, float]) -> None:
        """See `Strategy`."""
        if self._asked is not None:
            trial, candidate = self._asked
            self._told[candidate] = min(times[candidate], 1e3)
            self._study.tell(trial, self._told[candidate])


def contestants() -> Iterator[tuple[str, Callable[[Space, int], Strategy]]]:
    """Name and maker of each strategy that can compete here."""
    for name in CONTESTANTS:
        yield name, STRATEGIES[name]
    if find_spec("optuna"):
        yield "Optuna TPE", lambda space, seed: Sampler(space, seed, "TPESampler")
        if find_spec("torch"):
            yield "Optuna GP", lambda space, seed: Sampler(space, seed, "GPSampler")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    rivals = dict(contestants())
    table = Table(title=f"trials until within {100 * (NEAR - 1):.0f} % of the best, median of {options.seeds} seeds")
    for name in ("problem", "candidates", "best", *rivals):
        table.add_column(name, justify="left" if name == "problem" else "right")
    sums = dict.fromkeys(rivals, 0.0)
    for section in (section for log in options.logs for section in trials.read(log).sections):
        times = recorded_times(section)
        header, row = section.header, []
        for name, make in rivals.items():
            counts = [trials_to_best(make(section.space, seed), times) for seed in range(options.seeds)]
            sums[name] += float(np.mean(counts))
            row.append(f"{np.median(counts):g}")
        about = f"{header['kernel']} {header['nx']}x{header['ny']}x{header['nz']} x {header['norb']}"
        table.add_row(about, str(len(times)), f"{min(times.values()):.3f}", *row)
    table.add_row("mean of all, summed", "", "", *(f"{value:.0f}" for value in sums.values()))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
