"""What a plan is told when it asks: the knobs of its kernel, and the backend where ``"auto"`` was asked for.

``MLMD_TUNING``: ``off`` (defaults; wisdom is not read), ``cache`` (wisdom, else defaults; the usual), ``tune`` (what
wisdom lacks is tuned when a plan is made), ``record`` (everything is tuned anew, once in a process).

``effort=`` of a plan, else ``MLMD_EFFORT``: ``estimate`` (wisdom, else the cost model; never times anything; the
usual), ``measure`` and ``patient`` (tune what wisdom lacks, for some seconds or for a minute), ``wisdom-only`` (refuse
what wisdom lacks).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from ..backends import Backend, DeviceBackend, PlanError, get, names
from ..backends.choice import Question
from . import model, wisdom
from .key import Key, make_key
from .lookup import Found, look_up
from .problem import Problem
from .ranks import Communicator, decided_by_first, world
from .tuner import BUDGETS, Tuned, tune_problem
from .wisdom import Wisdom, WisdomError

MODES = ("off", "cache", "tune", "record")
EFFORTS = ("estimate", "measure", "patient", "wisdom-only")
log = logging.getLogger("mlmd.tuning")

Tuning = Mapping[str, int | str]


class Choice:
    """Answers plans, from wisdom or by tuning; each answer is kept for the process.

    Parameters
    ----------
    tuner : callable
        Tunes a problem on a backend within a budget, with an effort.
    ranks : callable
        The communicator of the ranks that decide together; None for one process.
    """

    def __init__(
        self,
        tuner: Callable[[Problem, Backend, float, str], Tuned] = tune_problem,
        ranks: Callable[[], Communicator | None] = world,
    ) -> None:
        self._tuner, self._ranks = tuner, ranks
        self._answers: dict[tuple[object, ...], Tuning] = {}
        self._backends: dict[tuple[object, ...], Backend] = {}
        self._said: set[str] = set()
        self._files: dict[Path, tuple[object, Wisdom]] = {}

    def tuning(self, question: Question, backend: Backend, effort: str | None) -> Tuning:
        """Knobs that differ from their default.

        With an effort that times something this is a collective call of all MPI ranks, and rank 0 decides.

        Raises
        ------
        WisdomError
            If only wisdom may decide and has no entry, or cannot be read.
        PlanError
            For a mode or an effort that is not there.
        """
        mode, wanted = current_mode(), current_effort(effort)
        if mode == "off":
            return {}
        times = _times(mode, wanted)
        name = (question, backend.name, getattr(backend, "index", None), mode, wanted, *_place())

        def decide() -> Tuning:
            if name not in self._answers:
                self._answers[name] = self._decide(Problem(**asdict(question)), backend, mode, wanted)
            return self._answers[name]

        return decided_by_first(decide, self._ranks()) if times else decide()

    def _decide(self, problem: Problem, backend: Backend, mode: str, effort: str) -> Tuning:
        path = wisdom.default_path()
        key = make_key(problem, backend)
        found = self._found(path, key)
        times = _times(mode, effort)
        enough = found.how == "exact" if times else found.entry is not None
        if found.entry is not None and enough and mode != "record":
            self._say(f"{problem} on {backend.name}: {found.how}: {found.reason}")
            return found.tuning
        if effort == "wisdom-only":
            raise WisdomError(
                f"{problem} on {backend.name}: {found.reason}, and effort 'wisdom-only' allows nothing else; "
                f"make an entry with mlmd tune {problem.kernel}"
            )
        if not times:
            guess = model.estimate(problem, backend, path)
            how = "by the cost model" if guess else "default"
            self._say(f"{problem} on {backend.name}: {how}: {found.reason}")
            return guess
        effort = effort if effort in BUDGETS else "measure"
        self._say(f"{problem} on {backend.name}: tuned now: {found.reason}")
        tuned = self._tuner(problem, backend, BUDGETS[effort], effort)
        wisdom.add(path, [tuned.entry])
        return tuned.entry.tuning

    def backend(self, question: Question, anywhere: bool) -> Backend:
        """The fastest backend that works: by wisdom where it has an entry, else by the cost model.

        Raises
        ------
        BackendUnavailable
            If none works.
        """
        name = (question, anywhere, current_mode(), *_place())
        if name not in self._backends:
            problem = Problem(**asdict(question))
            working = [found for found in map(get, names()) if found.status().works]
            fit = [found for found in working if anywhere or not isinstance(found, DeviceBackend)]
            self._backends[name] = min(fit, key=lambda found: self._expected(problem, found))
            self._say(f"{problem}: the fastest backend is {self._backends[name].name}")
        return self._backends[name]

    def _expected(self, problem: Problem, backend: Backend) -> float:
        """Seconds of a call: from wisdom, scaled with the size where the entry is of another one, or from the model."""
        nominal = backend.nominal
        if current_mode() == "off":
            return model.seconds(problem, nominal)
        path, key = wisdom.default_path(), make_key(problem, backend)
        rates = model.known(path, backend, problem.threads) or nominal
        expected = model.seconds(problem, rates)
        entry = self._found(path, key).entry
        if entry is None:
            return expected
        return entry.seconds * expected / model.seconds(_of_size(problem, entry.key), rates)

    def _found(self, path: Path, key: Key) -> Found:
        return look_up(key, self._wisdom(path).entries)

    def _wisdom(self, path: Path) -> Wisdom:
        """The file, read again when it has changed; lines that do not hold are told once."""
        state = _state(path)
        if path not in self._files or self._files[path][0] != state:
            self._files[path] = state, wisdom.read(path)
            for line in self._files[path][1].refused:
                self._say(f"wisdom refused: {line}", logging.WARNING)
        return self._files[path][1]

    def _say(self, text: str, level: int = logging.INFO) -> None:
        if text not in self._said:
            self._said.add(text)
            log.log(level, "%s", text)


def current_mode() -> str:
    """``MLMD_TUNING``, else ``cache``.

    Raises
    ------
    PlanError
        If it is set to something else than a mode.
    """
    return _one_of("MLMD_TUNING", os.environ.get("MLMD_TUNING") or "cache", MODES)


def current_effort(effort: str | None) -> str:
    """The effort of a plan: its own, else ``MLMD_EFFORT``, else ``estimate``.

    Raises
    ------
    PlanError
        If it is none.
    """
    if effort is not None:
        return _one_of("effort", effort, EFFORTS)
    return _one_of("MLMD_EFFORT", os.environ.get("MLMD_EFFORT") or "estimate", EFFORTS)


def _times(mode: str, effort: str) -> bool:
    """Whether something may be timed."""
    return mode in ("tune", "record") or effort in BUDGETS


def may_time() -> bool:
    """Whether plans that ask for no effort may time something, by the environment."""
    return _times(current_mode(), current_effort(None))


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise PlanError(f"{name} is {value!r}; give one of {', '.join(known)}")
    return value


def _place() -> tuple[str | None, ...]:
    """What decides where the wisdom file is; it costs less to ask than the file's path."""
    return tuple(os.environ.get(name) for name in ("MLMD_WISDOM", "MLMD_CACHE", "XDG_CACHE_HOME", "HOME"))


def _of_size(problem: Problem, key: Key) -> Problem:
    return replace(problem, shape=(key.nx, key.ny, key.nz), norb=key.norb, rank=key.rank)


def _state(path: Path) -> object:
    """What changes when a file does; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
