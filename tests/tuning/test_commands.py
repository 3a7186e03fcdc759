"""``mlmd tune`` and ``mlmd wisdom`` as typed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mlmd.backends import get
from mlmd.cli import app
from mlmd.tuning import model, wisdom

from .fakes import KEY, entry

SMALL = ("--grid", "6,6,7", "--norb", "3", "--threads", "2", "--budget", "0.3s")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates are not what is tested here."""
    monkeypatch.setattr(model, "measure", lambda backend, threads: get("cpu").nominal)


def command(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result


def test_tune_ends_in_a_table_a_log_and_wisdom(tmp_path: Path) -> None:
    file, t4 = tmp_path / "w.jsonl", tmp_path / "t4.json"
    told = command(
        "tune", "density", "hartree", *SMALL, "--backend", "cpu,numba", "--wisdom", file, "--export-t4", t4
    ).output
    for word in ("density", "hartree multigrid", "cpu", "numba", "ratio", f"wisdom: {file}", "trials.jsonl"):
        assert word in told
    keys = [(e.key.kernel, e.key.backend) for e in wisdom.read(file).entries]
    assert keys == [("density", "cpu"), ("density", "numba"), ("hartree", "cpu"), ("hartree", "numba")]
    assert (tmp_path / "trials.jsonl").exists()
    names = {result["measurements"][-1]["name"] for result in json.loads(t4.read_text())["results"]}
    assert names == {"rank"}


def test_resuming_a_finished_tuning_times_nothing(tmp_path: Path) -> None:
    words = ("tune", "loc_prop", *SMALL, "--backend", "cpu", "--wisdom", tmp_path / "w", "--log", tmp_path / "log")
    command(*words)
    before = (tmp_path / "log").read_bytes()
    command(*words, "--resume")
    assert (tmp_path / "log").read_bytes() == before
    told = command(*words[:-2], "--log", tmp_path / "log", "--resume", "--budget", "9s", code=2).output
    assert "does not match: budget is 9.0, there 0.3" in told


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlmd.tuning.tuner.tune_problem", stop)
    told = command("tune", "density", *SMALL, "--backend", "cpu", "--wisdom", tmp_path / "w", code=130).output
    assert "--resume goes on" in told


def test_kernels_without_knobs_are_left_out(tmp_path: Path) -> None:
    told = command("tune", "density", *SMALL, "--backend", "reference", "--wisdom", tmp_path / "w").output
    assert "density on reference: nothing to tune" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("abacus",), "there is no kernel 'abacus' to tune; known: kin_prop"),
        (("density", "--grid", "8x8"), "--grid is '8x8'"),
        (("density", "--budget", "soon"), "--budget is 'soon'"),
        (("density", "--effort", "hard"), "--effort is 'hard'"),
        (("density", "--dtype", "float32"), "dtype is float32"),
        (("density", "--backend", "abacus"), "backend 'abacus' is not there"),
        (("nlp_prop", "--mode", "fp8"), "mode is 'fp8'"),
        (("hartree", "--method", "magic"), "method is 'magic'"),
    ],
)
def test_bad_input_is_one_message(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    told = command("tune", *words, "--wisdom", tmp_path / "w", code=2).output
    assert message in told
    assert "Traceback" not in told


def test_wisdom_is_shown_with_what_does_not_hold(tmp_path: Path) -> None:
    file = tmp_path / "w"
    wisdom.add(file, [entry(), entry(replace(KEY, kernel="current")), {"kernel": "precision", "plan": "x"}])
    file.write_text(file.read_text() + "by hand\n")
    told = command("wisdom", "show", "--wisdom", file, "--kernel", "density").output
    assert "block=4" in told
    assert "current" not in told
    assert "1 entries of another kind" in told
    assert f"refused: {file}:5: it is cut off" in told


def test_wisdom_goes_from_file_to_file(tmp_path: Path) -> None:
    here, there, out = (tmp_path / name for name in ("here", "there", "out"))
    wisdom.add(here, [entry(seconds=1.9), entry(replace(KEY, nx=64))])
    wisdom.add(there, [entry(seconds=1.1), entry(replace(KEY, kernel="current"))])
    command("wisdom", "merge", there, "--wisdom", here)
    assert [e.seconds for e in wisdom.read(here).entries] == [1.1, 1.0, 1.0]
    assert "1 entries" in command("wisdom", "export", out, "--kernel", "current", "--wisdom", here).output
    assert [e.key.kernel for e in wisdom.read(out).entries] == ["current"]
    assert "2 entries forgotten" in command("wisdom", "forget", "--kernel", "density", "--wisdom", here).output
    assert [e.key.kernel for e in wisdom.read(here).entries] == ["current"]


def test_wisdom_is_not_forgotten_by_accident(tmp_path: Path) -> None:
    assert "or give --all" in command("wisdom", "forget", "--wisdom", tmp_path / "w", code=2).output
    assert "no such file" in command("wisdom", "merge", tmp_path / "none", code=2).output


def test_a_bench_goes_by_the_wisdom_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlmd.tuning.key import make_key
    from mlmd.tuning.problem import make_problem

    monkeypatch.setenv("MLMD_TUNING", "cache")
    monkeypatch.setenv("MLMD_WISDOM", str(tmp_path / "none"))
    key = make_key(make_problem("loc_prop", (6, 6, 6), 2, threads=2), "cpu")
    wisdom.add(tmp_path / "w", [entry(key, {"schedule": "dynamic"})])
    words = ("bench", "loc_prop", "--shape", "6x6x6", "--norb", "2", "--threads", "2", "--rounds", "5")
    assert "as tuned" not in command(*words).output
    assert "cpu runs as tuned: schedule=dynamic" in command(*words, "--wisdom", tmp_path / "w").output
