"""The check of what tuning promises: its verdicts, and that it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlmd.perf import strategies, tuning_check
from mlmd.perf.tuning_check import Row
from mlmd.tuning.problem import make_problem
from mlmd.tuning.tuner import tune_problem

FASTER, EQUAL, SLOWER = (0.8, 0.7, 0.9), (1.0, 0.98, 1.02), (1.1, 1.05, 1.2)


@pytest.mark.parametrize(
    ("gains", "spread", "holds"),
    [
        ([FASTER, EQUAL, EQUAL], 1.01, True),
        ([FASTER, FASTER, SLOWER], 1.0, False),
        ([FASTER, FASTER, FASTER], 1.03, False),
    ],
)
def test_verdicts(gains: list, spread: float, holds: bool) -> None:
    row = Row("density", [{"block": 4}, {}, {}], gains, spread, [2, 2, 2], [1.0, 1.0, 1.0])
    assert row.holds == holds
    assert tuning_check.report(row).startswith("holds" if holds else "FAILS")


def test_a_problem_is_checked() -> None:
    row = tuning_check.check(make_problem("loc_prop", (6, 6, 6), 2, threads=2), "cpu", 0.2)
    assert len(row.winners) == len(row.gains) == len(row.seconds) == 3
    assert row.spread >= 1.0


def test_winners_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning_check, "RUNOFF_SECONDS", 0.1)
    problem = make_problem("density", (6, 6, 6), 2, threads=1)
    met = tuning_check.meet(problem, "cpu", [(), (("block", 16),), ()])
    assert met[()].value == 1.0
    assert met[("block", 16),].value != 1.0
    assert set(tuning_check.meet(problem, "cpu", [(), ()])) == {()}


def test_dispatch_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning_check, "CALLS", 10)
    assert all(found["bound"] > 0.0 for found in tuning_check.dispatch().values())


def test_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tuning_check, "SIZES", ((6, 2),))
    monkeypatch.setattr(tuning_check, "CALLS", 10)
    monkeypatch.setattr(tuning_check, "RUNOFF_SECONDS", 0.1)
    out = tmp_path / "tuning.json"
    monkeypatch.setattr("sys.argv", ["tuning_check", "--budget", "0.1", "--tunings", "1", "--out", str(out)])
    tuning_check.main()
    record = json.loads(out.read_text())
    assert [row["problem"].split()[0] for row in record["rows"]] == list(tuning_check.KERNELS)
    assert "of 4 hold" in capsys.readouterr().out


def test_strategies_compete_on_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    tune_problem(make_problem("loc_prop", (6, 6, 6), 2, threads=2), "cpu", 0.5, "patient", log)
    monkeypatch.setattr("sys.argv", ["strategies", str(log), "--seeds", "2"])
    strategies.main()
    told = capsys.readouterr().out
    assert "loc_prop 6x6x6 x 2" in told
    assert "local" in told
