"""A launcher of workers whose times are made of random numbers, and a clock that it winds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlmd.perf.compare.builds import Build
from mlmd.perf.compare.cases import Case
from mlmd.perf.compare.gate import QUADS
from mlmd.perf.compare.launches import Times
from mlmd.perf.compare.verdict import SIDES
from mlmd.perf.compare.worker import palindromes

BASE = Build("main", Path("/somewhere/base"), "b" * 40, "b1")
HEAD = Build("topic", Path("/somewhere/head"), "c" * 40, "c1")


@dataclass
class Simulated:
    """A shared machine: what it deals to a build in a launch, noise that is correlated, pauses, drift.

    Attributes
    ----------
    slower : dict
        Kernel -> part by which HEAD is slower.
    dealt : float
        Standard deviation of what each build is dealt for a whole launch.
    noise, memory : float
        Standard deviation of the noise of a sample, and the part of it that stays for the next one (AR(1)).
    pauses : float
        Part of the samples that take up to three times as long.
    drift : float
        By how much everything gets slower from one sample to the next.
    copies : float
        By how much one copy of BASE is slower than the other.
    """

    seed: int = 0
    slower: dict[str, float] = field(default_factory=dict)
    dealt: float = 0.0
    noise: float = 0.0
    memory: float = 0.0
    pauses: float = 0.0
    drift: float = 0.0
    copies: float = 0.0
    left_out: dict[str, str] = field(default_factory=dict)
    seconds: float = 1.0
    now: float = 0.0
    asked: list[list[str]] = field(default_factory=list)

    def clock(self) -> float:
        """Seconds now."""
        return self.now

    def launch(self, cases: Sequence[Case], number: int) -> Times:
        """What a worker would answer."""
        rng = np.random.default_rng((self.seed, number))
        self.now += self.seconds
        self.asked.append([case.name for case in cases])
        times = Times()
        for index, case in enumerate(cases):
            if case.kernel in self.left_out:
                times.left_out[index] = self.left_out[case.kernel]
            else:
                times.quads[index] = self.quads(case, number, rng)
        return times

    def quads(self, case: Case, number: int, rng: np.random.Generator) -> list[dict[str, list[float]]]:
        """Palindromes of one case."""
        level = dict(zip(SIDES, rng.normal(0.0, 1.0, 3) * self.dealt, strict=True))
        level["head"] += np.log1p(self.slower.get(case.kernel, 0.0))
        level["base again"] += np.log1p(self.copies)
        found, state, clock = [], 0.0, 0
        for order in palindromes(number * QUADS, QUADS):
            quad: dict[str, list[float]] = {side: [] for side in SIDES}
            for side in order:
                state = self.memory * state + np.sqrt(1 - self.memory**2) * rng.normal(0.0, 1.0)
                pause = rng.uniform(0.0, np.log(3.0)) if rng.random() < self.pauses else 0.0
                quad[side].append(1e-3 * np.exp(level[side] + self.noise * state + pause + self.drift * clock))
                clock += 1
            found.append(quad)
        return found
