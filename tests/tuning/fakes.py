"""A machine with known times: candidates take what we say, with noise, on a clock that we wind ourselves."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from mlmd.tuning.key import Key
from mlmd.tuning.runner import GateError
from mlmd.tuning.space import Candidate, Space
from mlmd.tuning.wisdom import Entry, new_entry

SPACE = Space({"block": (0, 1, 2, 4, 8, 16), "isa": ("best", "v3", "v2"), "schedule": ("static", "dynamic")})
KEY = Key("density", "cpu", "EPYC", "b1", 2, "complex64", "", 32, 32, 32, 16, 0)


def valley(candidate: Candidate) -> float:
    """Seconds with one optimum, at block 4 and v3, 0.6 of the default; knobs act one by one."""
    full = SPACE.full(candidate)
    blocks = {0: 1.0, 1: 1.2, 2: 0.9, 4: 0.8, 8: 0.85, 16: 1.4}
    quick = 0.75 if full["isa"] == "v3" else 1.0
    return 1e-2 * blocks.get(int(full["block"]), 2.0) * quick * (1.1 if full["schedule"] == "dynamic" else 1.0)


class Machine:
    """A bench.

    Parameters
    ----------
    seconds : callable
        Time of a candidate.
    noise : float
        Standard deviation of the logarithm of a sample, and of the drift that a whole round has in common.
    wrong : dict
        Candidates that do not pass the gate: on few points ("small") or on the whole problem ("whole").
    """

    def __init__(
        self,
        seconds: Callable[[Candidate], float] = valley,
        noise: float = 0.0,
        seed: int = 0,
        wrong: dict[Candidate, str] | None = None,
    ) -> None:
        self._seconds, self._noise, self._random = seconds, noise, random.Random(seed)
        self._wrong, self._now = wrong or {}, 0.0
        self.gated: list[tuple[Candidate, bool]] = []
        self.rounds: list[list[Candidate]] = []

    def now(self) -> float:
        return self._now

    def gate(self, candidate: Candidate, whole: bool) -> float:
        self._now += 0.01
        self.gated.append((candidate, whole))
        if self._wrong.get(candidate) == ("whole" if whole else "small"):
            raise GateError("differs by 1 from the reference, more than 1e-10")
        return 1e-16

    def round(self, candidates: Sequence[Candidate]) -> list[float]:
        self.rounds.append(list(candidates))
        drift = self._random.lognormvariate(0.0, 5 * self._noise)
        made = [self._seconds(c) * drift * self._random.lognormvariate(0.0, self._noise) for c in candidates]
        self._now += sum(made)
        return made


def entry(key: Key = KEY, tuning: dict | None = None, seconds: float = 1.0, default: float = 2.0) -> Entry:
    """An entry for wisdom."""
    return new_entry(key, {"block": 4} if tuning is None else tuning, seconds, default, 12)
