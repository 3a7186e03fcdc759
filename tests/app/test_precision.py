"""Planning the precision of a small run from the command line, and running as planned."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import pytest
from fake_engine import INPUT
from run_files import assert_same_results
from typer.testing import CliRunner

import mlmd.run
from mlmd.cli import app
from mlmd.io.input import parse_input
from mlmd.precision import Plan, PlanMissing, find_plan, keep_plan
from mlmd.problem import Problem, read_problem

SMALL = (
    ("cell = [8.0, 8.0, 8.0]", "cell = [6.0, 6.0, 6.0]"),
    ("shape = [8, 8, 9]", "shape = [16, 16, 16]"),
    ("extra_bands = 2", "extra_bands = 2\ntolerance = 1e-6"),
    ('"reference"', '"cpu"\nthreads = 1'),
    ("1e12", "1e15"),
    ("0.04 fs", "0.1 fs"),
    ("steps = 60", "steps = 120"),
    ("checkpoint_every = 20", "checkpoint_every = 30"),
    ("[output]", "[precision]\nbudget = 1e-3\nsentinel = 20\n[output]"),
)
COARSE = {"state": "fp32", "nonlocal": "bf16x1", "velocity": "bf16x1", "hartree": "1e-3"}
FINEST = {"state": "fp64", "nonlocal": "fp64", "velocity": "fp64", "hartree": "1e-10"}


@pytest.fixture(autouse=True)
def wisdom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wisdom file and a current folder of its own for each test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLMD_WISDOM", str(tmp_path / "wisdom.jsonl"))
    monkeypatch.setenv("MLMD_TUNING", "cache")
    return tmp_path / "wisdom.jsonl"


def written(*replacements: tuple[str, str], name: str = "in.toml") -> Path:
    text = INPUT
    for old, new in (*SMALL, *replacements):
        assert old in text, old
        text = text.replace(old, new)
    Path(name).write_text(text)
    return Path(name)


def mlmd_cli(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def planted(problem: Problem, **changes: Any) -> Plan:
    """A plan that no pilot made, in the wisdom file."""
    coarse = Plan(COARSE, "n_exc", 1e-3, 1e-5, 1e-5, 1.0, 1.0, 1.0, 1.0, 1.0)
    plan = replace(coarse, **changes)
    keep_plan(problem, plan)
    return plan


def n_exc(folder: str) -> Any:
    with h5py.File(f"{folder}/run.h5") as file:
        return file["series/n_exc"][()]


def told(folder: str) -> dict[str, Any]:
    precision = json.loads(Path(folder, "summary.json").read_text())["precision"]
    with h5py.File(f"{folder}/run.h5") as file:
        assert json.loads(file["precision"].asstr()[()]) == precision
    return precision


def test_a_plan_is_made_and_kept_and_honoured() -> None:
    path = written()
    made = mlmd_cli("precision", path, "--window", 50)
    assert made.exit_code == 0, made.output
    report = json.loads(Path("in_out/precision.json").read_text())
    assert Path("in_out/precision.png").read_bytes().startswith(b"\x89PNG")
    assert report["together"][-1]["at_end"] <= 1e-3
    assert all(one["at_end"] > 0.0 for one in report["alone"])
    plan = find_plan(read_problem(path, precision="planned"))
    assert (plan.levels, plan.error) == (report["plan"]["levels"], report["plan"]["error"])
    for options in (("--precision", "planned"), ()):
        result = mlmd_cli("run", path, "--out", f"run{len(options)}", *options)
        assert result.exit_code == 0, result.output
    precision = told("run2")
    assert precision["planned_levels"] == plan.levels
    assert told("run0")["levels"]["state"] == "fp64"
    expected = n_exc("run0")
    wrong = abs(n_exc("run2") - expected).max() / expected.max()
    assert wrong <= 1e-3 or not precision["within_budget"]


def test_a_budget_that_nothing_lowered_meets_gives_fp64_everywhere() -> None:
    made = mlmd_cli("precision", written(), "--budget", 1e-12, "--window", 50)
    assert made.exit_code == 0, made.output
    report = json.loads(Path("in_out/precision.json").read_text())
    assert report["plan"]["levels"] == FINEST
    assert min(one["at_end"] for one in report["alone"]) > 1e-12


class Stop:
    """Asks the run to stop when it looks for the so-manieth time."""

    after = 0

    def __init__(self) -> None:
        self.looked = 0

    def __enter__(self) -> Stop:
        return self

    def __exit__(self, *_: object) -> None: ...

    @property
    def requested(self) -> bool:
        self.looked += 1
        return self.looked > self.after


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Run the command line, stopped on the way."""

    def run(after: int, *arguments: object) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(mlmd.run, "StopSignals", type("StopThere", (Stop,), {"after": after}))
            result = mlmd_cli(*arguments)
        assert result.exit_code == 130, result.output
        return result

    yield run


def steps_of(result: Any) -> int:
    return int(result.stderr.split("stopped: at step ")[1].split()[0])


def test_resumed_after_a_breach_to_the_last_bit(stopped: Callable[..., Any]) -> None:
    path = written()
    planted(read_problem(path), amplification=100.0)
    options = ("--precision", "planned", "--out")
    first = stopped(22, "run", path, *options, "parts")
    assert 40 < steps_of(first) < 120
    assert "warning: sentinel at step" in first.stderr
    again = mlmd_cli("run", path, *options, "parts", "--resume")
    assert again.exit_code == 0, again.output
    Path("whole").mkdir()
    Path("whole/ground_state.h5").write_bytes(Path("parts/ground_state.h5").read_bytes())
    assert mlmd_cli("run", path, *options, "whole").exit_code == 0
    assert_same_results(Path("parts"), Path("whole"))
    assert told("parts") == told("whole")
    assert told("whole")["events"]


def test_a_budget_lowered_in_mid_run_escalates(stopped: Callable[..., Any]) -> None:
    path = written()
    planted(read_problem(path))
    options = ("--precision", "planned", "--out", "out")
    first = stopped(15, "run", path, *options)
    assert "sentinel" not in first.stderr
    written(("budget = 1e-3", "budget = 1e-7"))
    second = mlmd_cli("run", path, *options, "--resume")
    assert second.exit_code == 0, second.output
    assert "warning: sentinel at step" in second.stderr
    assert "raised: " in second.stderr
    precision = told("out")
    assert precision["events"][0]["budget"] == 1e-7
    assert precision["levels"] != COARSE == precision["planned_levels"]
    assert mlmd_cli("run", path, "--out", "exact").exit_code == 0
    expected = n_exc("exact")
    wrong = abs(n_exc("out") - expected).max() / expected.max()
    assert wrong <= 1e-7 or not precision["within_budget"]
    assert ("BEYOND the budget" in second.stdout.replace("\n", " ")) == (not precision["within_budget"])


def test_another_observable_is_not_resumed(stopped: Callable[..., Any]) -> None:
    path = written()
    planted(read_problem(path))
    stopped(15, "run", path, "--precision", "planned", "--out", "out")
    written(("budget = 1e-3", 'budget = 1e-3\nobservable = "J"'))
    result = mlmd_cli("run", path, "--precision", "planned", "--out", "out", "--resume")
    assert result.exit_code == 2
    assert "[precision] observable: the run was planned for n_exc" in result.stderr


def test_levels_by_hand() -> None:
    path = written(
        ('backend = "cpu"', 'precision = {state = "fp32", velocity = "bf16x1"}\nbackend = "cpu"'), ("120", "20"),
        ("0.1 fs", "0.02 fs"),
    )
    result = mlmd_cli("run", path, "--out", "out")
    assert result.exit_code == 0, result.output
    expected = {"state": "fp32", "nonlocal": "fp32", "velocity": "bf16x1", "hartree": "1e-7"}
    assert told("out")["levels"] == expected


def test_without_a_plan_the_command_is_named() -> None:
    path = written()
    result = mlmd_cli("run", path, "--precision", "planned", "--out", "out")
    assert result.exit_code == 2
    assert f"make one: mlmd precision {path} --observable n_exc --budget 0.001" in result.stderr
    assert not Path("out").exists()


def test_a_plan_holds_for_its_problem_its_machine_and_looser_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = read_problem(written())
    plan = planted(problem)
    assert find_plan(problem) == plan
    assert find_plan(read_problem(written(("budget = 1e-3", "budget = 1e-2"), name="loose.toml"))) == plan
    others = {"tighter": ("budget = 1e-3", "budget = 1e-4"), "stronger": ("1e15", "2e15"), "longer": ("= 120", "= 130")}
    for name, change in others.items():
        with pytest.raises(PlanMissing, match="has none"):
            find_plan(read_problem(written(change, name=f"{name}.toml")))
    with pytest.raises(PlanMissing, match="those there are of another threads"):
        find_plan(read_problem(written(("threads = 1", "threads = 2"), name="threads.toml")))
    with monkeypatch.context() as patch, pytest.raises(PlanMissing, match="MLMD_TUNING=off reads no plans"):
        patch.setenv("MLMD_TUNING", "off")
        find_plan(problem)
    monkeypatch.setattr("mlmd.precision.plan.build_of", lambda *_: "changed")
    with pytest.raises(PlanMissing, match="those there are of another build"):
        find_plan(problem)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("budget = 1e-3", "budget = -1"), "[precision] budget: must be greater than 0"),
        (("sentinel = 20", "sentinel = 0"), "[precision] sentinel: must be 1 or more"),
        (("budget = 1e-3", 'observable = "charm"'), "[precision] observable: must be 'n_exc', 'polarization'"),
        (('"cpu"', '"cpu"\nprecision = "fp16"'), "[dynamics] precision: is wrong: precision 'fp16' is not known"),
        (('"cpu"', '"cpu"\nprecision = 32'), "[dynamics] precision: 32 is not a precision; give"),
        (
            ('"cpu"', '"cpu"\nprecision = {nonlocal = "bf16x1"}'),
            "[dynamics] precision: is wrong: nonlocal precision 'bf16x1' would lower fp64 orbitals",
        ),
        (('"cpu"', '"cpu"\nprecision = {spin = "fp32"}'), "precision of 'spin' is not known"),
        (('"cpu"', '"cpu"\nmode = "exact"\nprecision = "planned"'), "[dynamics] precision: is planned for mode"),
    ],
)
def test_wrong_inputs_are_refused(change: tuple[str, str], words: str) -> None:
    result = mlmd_cli("run", written(change))
    assert result.exit_code == 2
    assert words in result.stderr, result.stderr


def test_planned_needs_a_budget() -> None:
    path = written(("budget = 1e-3\n", ""))
    for arguments in (("run", path, "--precision", "planned"), ("precision", path)):
        result = mlmd_cli(*arguments)
        assert result.exit_code == 2
        assert "[precision] budget: is missing" in result.stderr
    planned = path.read_text().replace('backend = "cpu"', 'backend = "cpu"\nprecision = "planned"')
    path.write_text(planned)
    assert "[precision] budget: is missing" in mlmd_cli("run", path).stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--observable", "charm"), "--observable: 'charm' is not known; use n_exc, polarization"),
        (("--budget", "-1"), "--budget: is -1; give a number above zero"),
        (("--budget", "nan"), "--budget: is nan"),
        (("--sentinel", "0"), "--sentinel: is 0; give 1 or more"),
    ],
)
def test_wrong_options_are_refused(options: tuple[str, str], words: str) -> None:
    result = mlmd_cli("precision", written(), *options)
    assert result.exit_code == 2
    assert words in result.stderr


def test_the_exact_mode_is_not_planned() -> None:
    result = mlmd_cli("precision", written(('"cpu"', '"cpu"\nmode = "exact"')))
    assert result.exit_code == 2
    assert "[dynamics] mode: is 'exact', of which nothing can be lowered" in result.stderr


def test_a_precision_of_levels_is_part_of_the_physics() -> None:
    text = written(('"cpu"', '"cpu"\nprecision = {state = "fp32"}')).read_text()
    assert parse_input(text, Path("in.toml")).dynamics.precision == {"state": "fp32"}
    one, other = (read_problem(path) for path in (Path("in.toml"), written(name="other.toml")))
    assert one.physics["dynamics"] != other.physics["dynamics"]
