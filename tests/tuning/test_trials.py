"""The log of trials: resume after any cut, replay, and what is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmd.tuning import trials
from mlmd.tuning.problem import Problem, make_problem
from mlmd.tuning.space import Candidate
from mlmd.tuning.trials import TrialsError
from mlmd.tuning.tuner import Tuned, replay, tune_problem

from .fakes import Machine

PROBLEM = make_problem("loc_prop", (6, 6, 6), 2, threads=4)
BEST = {"threads": 2, "schedule": "dynamic"}
ROOT = Path(__file__).resolve().parents[2]


def seconds(candidate: Candidate) -> float:
    """In the space of loc_prop on cpu: two threads and the dynamic schedule are best."""
    full = dict(candidate)
    threads = {0: 1.0, 1: 1.3, 2: 0.8}[int(full.get("threads", 0))]
    return 1e-3 * threads * (0.9 if "schedule" in full else 1.0) * (1.05 if "isa" in full else 1.0)


class Stopped(Machine):
    """A machine that is switched off after so many rounds."""

    def __init__(self, rounds: int) -> None:
        super().__init__(seconds)
        self._left = rounds

    def round(self, candidates: Sequence[Candidate]) -> list[float]:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return super().round(candidates)


def tuned(log: Path | None, machine: Callable[[], Machine] = lambda: Machine(seconds), **options: object) -> Tuned:
    given = {"budget": 30.0, "effort": "patient", "resume": True} | options
    return tune_problem(PROBLEM, "cpu", log=log, live=lambda problem, backend: machine(), **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A complete log."""
    log = tmp_path_factory.mktemp("log") / "trials.jsonl"
    tuned(log)
    return log.read_bytes()


def test_a_log_replays_to_the_same_decision(tmp_path: Path) -> None:
    log = tmp_path / "log"
    found = tuned(log, lambda: Machine(seconds, noise=0.02, seed=5)).decision
    (section,) = trials.read(log).sections
    again = replay(section)
    assert (again.candidate, again.ratio, again.seconds, again.trials, again.elapsed) == (
        (found.candidate, found.ratio, found.seconds, found.trials, found.elapsed)
    )
    assert section.decision is not None
    assert section.candidate(section.decision["tuning"]) == found.candidate


@pytest.mark.parametrize("rounds", [0, 1, 7, 20])
def test_a_stopped_tuning_goes_on(tmp_path: Path, rounds: int) -> None:
    log = tmp_path / "log"
    with pytest.raises(KeyboardInterrupt):
        tuned(log, lambda: Stopped(rounds))
    machine = Machine(seconds)
    found = tuned(log, lambda: machine)
    full = Machine(seconds)
    expected = tuned(None, lambda: full)
    assert len(machine.rounds) == len(full.rounds) - rounds, "what was timed is not timed again"
    assert dict(found.decision.candidate) == dict(expected.decision.candidate) == BEST
    assert replay(trials.read(log).sections[0]).candidate == found.decision.candidate


def test_a_finished_tuning_is_not_done_again(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "log").write_bytes(whole)

    def none() -> Machine:
        raise AssertionError("the machine was asked")

    assert dict(tuned(tmp_path / "log", none).entry.tuning) == BEST
    assert (tmp_path / "log").read_bytes() == whole


def test_without_resume_a_new_section_begins(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "log").write_bytes(whole)
    tuned(tmp_path / "log", resume=False)
    assert (tmp_path / "log").read_bytes().startswith(whole)
    assert len(trials.read(tmp_path / "log").sections) == 2


@settings(max_examples=8)
@given(st.data())
def test_any_cut_is_resumed(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    log = tmp_path / "log"
    log.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    told: list[str] = []
    assert dict(tuned(log, warn=told.append).entry.tuning) == BEST
    assert all(line.startswith(f"{log}:") for line in told)
    assert replay(trials.read(log).sections[-1]).candidate


@settings(max_examples=8)
@given(st.data())
def test_any_changed_byte_is_told_and_resumed(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    log, damaged = tmp_path / "log", bytearray(whole)
    place = data.draw(st.integers(0, len(whole) - 2))
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    log.write_bytes(bytes(damaged))
    told: list[str] = []
    assert dict(tuned(log, warn=told.append).entry.tuning) == BEST
    assert any(f"{log}:{whole[:place].count(10) + 1}:" in line for line in told)
    assert dict(replay(trials.read(log).sections[-1]).candidate) == BEST


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 31.0}, "budget is 31.0, there 30.0"),
        ({"effort": "measure"}, "search is usual, there exhaustive"),
    ],
)
def test_another_tuning_of_the_problem_is_refused(
    tmp_path: Path, whole: bytes, change: dict[str, object], message: str
) -> None:
    (tmp_path / "log").write_bytes(whole)
    with pytest.raises(TrialsError, match=f"does not match: {message}"):
        tuned(tmp_path / "log", **change)
    assert (tmp_path / "log").read_bytes() == whole


@pytest.mark.parametrize("field", ["build", "device"])
def test_a_log_of_another_build_or_device_is_refused(
    tmp_path: Path, whole: bytes, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_bytes(whole)
    monkeypatch.setattr(f"mlmd.tuning.key.{field}_of", lambda *_: "another")
    with pytest.raises(TrialsError, match=f"{field} is another, there "):
        tuned(tmp_path / "log")


def test_other_problems_share_a_log(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "log").write_bytes(whole)
    other = make_problem("loc_prop", (7, 6, 6), 2, threads=4)
    tune_problem(other, "cpu", 5.0, "patient", tmp_path / "log", True, live=lambda *_: Machine(seconds))
    assert [section.header["nx"] for section in trials.read(tmp_path / "log").sections] == [6, 7]


def test_a_replay_needs_its_decision(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path / "log", lambda: Stopped(3))
    with pytest.raises(TrialsError, match="ends before its decision"):
        replay(trials.read(tmp_path / "log").sections[0])


def test_a_log_that_another_strategy_would_not_make_is_no_replay(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(whole)
    (section,) = trials.read(tmp_path / "log").sections
    section.header["search"] = "random"
    with pytest.raises(TrialsError, match="goes another way"):
        replay(section)


LONG = """
import sys
from pathlib import Path
from mlmd.tuning.problem import make_problem
from mlmd.tuning.tuner import tune_problem
found = tune_problem(make_problem("density", (8, 8, 8), 3, threads=2), "cpu", 4.0, "patient", Path(sys.argv[1]), True)
print(found.decision.trials)
"""


def test_a_killed_tuning_goes_on(tmp_path: Path) -> None:
    """On the machine itself, with kill -9."""
    log = tmp_path / "log"
    command = [sys.executable, "-c", LONG, str(log)]
    first = subprocess.Popen(command, cwd=ROOT)
    while not (log.exists() and log.read_bytes().count(b"\n") > 30):
        assert first.poll() is None
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    before = log.read_bytes()
    second = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    held = before[: before.rfind(b"\n") + 1]
    assert log.read_bytes().startswith(held)
    (section,) = trials.read(log).sections
    assert section.decision is not None
    assert int(second.stdout) == section.decision["trials"] == replay(section).trials


def test_the_log_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrialsError, match="--log"):
        tuned(tmp_path / "file/log", resume=False)


def test_problems_are_told_apart() -> None:
    assert str(PROBLEM) == "loc_prop 6x6x6 x 2 complex64, 4 threads"
    assert isinstance(PROBLEM, Problem)
