"""The gate: how long it goes on, what it reports, and its exit codes; times come from a simulated machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.errors import MlmdError, PlanError
from mlmd.perf.compare import builds, gate, launches
from mlmd.perf.compare.cases import SUITE, Case, read_cases, select
from mlmd.perf.compare.gate import FIRST_LOOK, Comparison, compare
from mlmd.perf.compare.intervals import Interval
from mlmd.perf.compare.report import markdown, to_json
from mlmd.perf.compare.verdict import judge

from .simulated import BASE, HEAD, Simulated

KIN, DENSITY = Case("kin_prop", (32, 32, 32)), Case("density", (32, 32, 32))
CALM: dict[str, Any] = {"noise": 0.003, "dealt": 0.002}


def compared(machine: Simulated, **options: Any) -> Comparison:
    return compare((BASE, HEAD), [KIN, DENSITY], machine.launch, 1, clock=machine.clock, **options)


def test_settled_cases_are_not_timed_any_more() -> None:
    """kin_prop is at the tolerance, where it stays open; density is known at the first look."""
    machine = Simulated(**CALM | {"dealt": 0.01}, slower={"kin_prop": 0.03}, seed=2)
    found = compared(machine, budget=30.0)
    assert machine.asked[: FIRST_LOOK + 1] == [[KIN.name, DENSITY.name]] * FIRST_LOOK + [[KIN.name]]
    assert found.launches == len(machine.asked) > FIRST_LOOK
    assert [len(result.launches) for result in found.results] == [found.launches, FIRST_LOOK]
    assert found.verdict == "passed"
    assert found.results[0].verdict == "open"


def test_the_first_look_is_taken_whatever_the_budget() -> None:
    machine = Simulated(**CALM, seconds=100.0)
    found = compared(machine, budget=1.0)
    assert (found.launches, found.looks, found.seconds) == (FIRST_LOOK, 1, 100.0 * FIRST_LOOK)


def test_the_last_launches_are_looked_at_when_the_budget_ends() -> None:
    machine = Simulated(**CALM | {"dealt": 0.05}, seconds=1.0)
    found = compared(machine, budget=9.5)
    assert (found.launches, found.looks) == (10, 2)
    assert found.results[0].ratio is not None


def test_a_case_that_a_build_lacks_is_left_out() -> None:
    machine = Simulated(**CALM, left_out={"kin_prop": "BASE cannot: no such kernel"})
    found = compared(machine)
    assert [result.case for result in found.results] == [DENSITY]
    assert found.notes == [f"{KIN.name} left out: BASE cannot: no such kernel"]


def test_nothing_in_common_is_an_error() -> None:
    machine = Simulated(left_out={"kin_prop": "HEAD cannot: gone", "density": "HEAD cannot: gone"})
    with pytest.raises(MlmdError, match=r"nothing to compare: kin_prop .* left out: HEAD cannot: gone"):
        compared(machine)


@pytest.mark.parametrize(("options", "words"), [({"tolerance": -0.1}, "tolerance"), ({"budget": 0.0}, "budget")])
def test_settings_that_make_no_sense(options: dict[str, float], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        compared(Simulated(), **options)


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        ((1.05, 1.031, 1.07), "slower"),
        ((1.05, 1.029, 1.07), "open"),
        ((1.01, 0.99, 1.03), "same"),
        ((0.9, 0.85, 0.99), "faster"),
        ((0.99, 0.95, 1.04), "open"),
    ],
)
def test_verdicts(ratio: tuple[float, float, float], verdict: str) -> None:
    assert judge(Interval(*ratio), Interval(1.0, 0.98, 1.02), 0.03) == verdict
    assert judge(Interval(*ratio), Interval(1.1, 1.04, 1.2), 0.03) == "undecided"
    assert judge(Interval(*ratio), Interval(0.9, 0.8, 0.96), 0.03) == "undecided"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command line on a simulated machine."""

    def run(machine: Simulated, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(gate, "monotonic", machine.clock)
        monkeypatch.setattr(builds, "find_build", lambda text, role, repo, tell: {"main": BASE, "topic": HEAD}[text])
        monkeypatch.setattr(launches, "launcher", lambda sides, threads, quads: machine.launch)
        answer = CliRunner().invoke(app, ["perf", "compare", "main", "topic", *arguments], env={"COLUMNS": "200"})
        return answer.exit_code, " ".join(answer.output.split())

    return run


def test_a_slowdown_has_exit_code_1(command: Any, tmp_path: Path) -> None:
    files = ["--json", str(tmp_path / "c.json"), "--markdown", str(tmp_path / "c.md")]
    code, text = command(Simulated(**CALM, slower={"kin_prop": 0.08}), "--threads", "3", *files)
    assert code == 1
    assert "HEAD is slower than BASE in 3 of 10 cases (tolerance 3 %)" in text
    comment = (tmp_path / "c.md").read_text()
    assert comment.startswith("### HEAD is slower than BASE in 3 of 10 cases (tolerance 3 %)\n\n|")
    assert "| kin_prop 32x32x32 x 16 complex64 | 1 | 1.08" in comment
    assert "BASE main (bbbbbbbbbbbb), build b1; HEAD topic (cccccccccccc), build c1" in comment
    record = json.loads((tmp_path / "c.json").read_text())
    assert (record["verdict"], record["threads"], record["tolerance"]) == ("slower", 3, 0.03)
    assert record["base"] == {"name": "main", "folder": "/somewhere/base", "commit": "b" * 40, "identity": "b1"}
    assert len(record["results"]) == len(SUITE)
    kin = record["results"][0]
    assert kin["verdict"] == "slower"
    assert kin["ratio"]["low"] > 1.03
    assert len(kin["launches"]) == FIRST_LOOK <= record["launches"]
    assert {side: len(times) for side, times in kin["launches"][0][0].items()} == {
        "base": 2,
        "base again": 2,
        "head": 2,
    }
    assert record["machine"]["cpu"]


def test_no_slowdown_has_exit_code_0(command: Any) -> None:
    code, text = command(Simulated(**CALM), "--kernel", "density", "--kernel", "current")
    assert code == 0
    assert "No slowdown is proven (tolerance 3 %)" in text
    assert "density 40x40x40 x 32 complex64" in text
    assert "kin_prop" not in text


def test_a_machine_that_disagrees_with_itself_is_said_to(command: Any) -> None:
    machine = Simulated(**CALM, copies=0.2, slower={"kin_prop": 0.5}, seconds=100.0)
    code, text = command(machine, "--kernel", "density")
    assert code == 0
    assert "warning: Undecided: on this machine BASE differs from itself" in text


def test_the_tolerance_decides(command: Any) -> None:
    machine = Simulated(**CALM, slower={"kin_prop": 0.08})
    assert command(machine, "--tolerance", "0.15")[0] == 0
    assert command(machine, "--tolerance", "5%")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tolerance", "three"], "--tolerance is 'three'; give a fraction"),
        (["--budget", "60 parsecs"], "--budget is '60 parsecs'; give a time"),
        (["--kernel", "kin_porp"], "--kernel is 'kin_porp'; give one of kin_prop"),
        (["--shape", "8x8"], "--shape is '8x8'"),
        (["--dtype", "float16"], "dtype is float16"),
        (["--json", "/nowhere/at/all.json"], "there is no folder /nowhere/at"),
        (["--cases", "no.toml"], "--cases no.toml"),
        (["--cases", "no.toml", "--norb", "4"], "--cases is given together with options"),
    ],
)
def test_refusals(command: Any, arguments: list[str], words: str) -> None:
    code, text = command(Simulated(), *arguments)
    assert code == 2
    assert words in text


def test_cases_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "cases.toml"
    file.write_text('[[case]]\nkernel = "nlp_prop"\nshape = [8, 8, 8]\nnorb = 4\nmode = "bf16x2"\n')
    assert read_cases(file) == [Case("nlp_prop", (8, 8, 8), 4, "complex64", "cpu", "bf16x2")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no table"),
        ("case = 3", "there is no table"),
        ("[[case]", "cases.toml: "),
        ('[[case]]\nkernel = "density"', "case 1: it has kernel; give kernel and shape"),
        ('[[case]]\nkernel = "density"\nshape = [8, 8, 8]\norbitals = 3', "case 1: it has kernel, shape, orbitals"),
        ('[[case]]\nkernel = "hartree"\nshape = [8, 8, 8]\nmode = "cg"', "case 1: mode of hartree is 'cg'"),
        ('[[case]]\nkernel = "fft"\nshape = [8, 8, 8]', "case 1: kernel is 'fft'"),
    ],
)
def test_bad_files_of_cases(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "cases.toml"
    file.write_text(text)
    with pytest.raises(MlmdError, match="--cases") as caught:
        read_cases(file)
    assert words in str(caught.value)


def test_every_case_of_the_suite_is_sound_and_told_from_the_others() -> None:
    assert select(()) == list(SUITE)
    assert len({case.name for case in SUITE}) == len(SUITE)


def test_reports_of_what_is_open_or_undecided() -> None:
    machine = Simulated(**CALM | {"dealt": 0.2})
    found = compared(machine, budget=1.0)
    assert {result.verdict for result in found.results} == {"open"}
    assert "not proven: the interval holds the tolerance" in markdown(found)
    found = compared(Simulated(**CALM, copies=0.2), budget=1.0)
    assert "undecided: two copies of BASE differ" in markdown(found)
    assert json.loads(to_json(found))["verdict"] == "undecided"
