"""``mlmd scaling``: from measurements to report, files and messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.perf.scaling.machines import AURORA
from mlmd.perf.scaling.model import Rate, Roofs, elsewhere, seconds
from mlmd.perf.scaling.report import MEASURED, PROJECTED, PUBLISHED, as_json
from mlmd.scaling import campaign, measure
from mlmd.scaling.analysis import report
from mlmd.scaling.dcmesh import CYCLE, Task, load
from mlmd.scaling.records import Measured, RoofsRun, SizeRun

ROOFS, CYCLES, EVERY = Roofs(1e11, 2e10), 3.0, 4
TRUE = {
    name: Rate(1e-6 * number, 0.9 / number, 0.0)
    for number, name in enumerate(("kin", "loc", "nlp", "density", "current", "overlap", "hartree", "fields"), start=1)
}


def made_up(points: int, norb: int) -> SizeRun:
    """A run on a machine that follows the model exactly."""
    work = load(Task((points,) * 3, norb, every=EVERY, cycles=CYCLES))
    parts = {name: (w.calls, w.nbytes, w.flops, seconds({name: w}, TRUE, ROOFS)) for name, w in work.items()}
    calls, nbytes, flops, whole = parts.pop("fields")
    parts |= {"xc": (calls, 0.0, 0.0, 0.25 * whole), "rest": (0.0, 0.0, 0.0, 0.75 * whole)}
    assert nbytes > 0 == flops
    return SizeRun(points=points, norb=norb, every=EVERY, seconds=seconds(work, TRUE, ROOFS), parts=parts)


@pytest.fixture
def measured() -> Measured:
    """Everything that one rank can measure."""
    fitted = [made_up(*size) for size in campaign.FITTED]
    held_out = [made_up(*size) for size in campaign.HELD_OUT]
    return Measured(RoofsRun(flops=1e11, bandwidth=2e10, nbytes=2**28), fitted, held_out, None, [], [])


def test_model_machine_is_found_and_projected(measured: Measured) -> None:
    """Held-out sizes to rounding, and the projection is the model with the rates of the other machine."""
    found = report("weak", measured, AURORA, (70, 70, 72), EVERY, [])
    assert [check.held_out for check in found.checks] == [False] * 5 + [True] * 2
    assert max(abs(check.error) for check in found.checks) < 1e-9
    last = found.curves[-1].runs[-1]
    work = load(Task((70, 70, 72), 1024, every=EVERY, cycles=CYCLES))
    assert last.compute == pytest.approx(seconds(work, elsewhere(TRUE), AURORA.roofs()), rel=1e-9)
    assert (last.ranks, last.quantity) == (120_000, 15_360_000)
    assert 0 < last.messages < last.compute
    assert found.kernels[0].projected == pytest.approx(
        work["nlp"].flops / seconds({"nlp": work["nlp"]}, elsewhere(TRUE), AURORA.roofs()), rel=1e-9
    )


def test_what_is_measured_and_what_is_not(measured: Measured) -> None:
    """Each time to solution says where it comes from; without a machine nothing is projected."""
    whole = report("strong", measured, AURORA, (70, 70, 72), EVERY, [])
    assert [row.source for row in whole.solutions] == [MEASURED] + [PROJECTED] * 2 + [PUBLISHED] * 4
    only = report("strong", measured, None, (70, 70, 72), EVERY, [])
    assert {row.source for row in only.solutions} == {MEASURED, PUBLISHED}
    assert (only.curves, only.kernels) == ([], [])
    assert any("do not fit" in note for note in whole.notes)
    assert json.loads(json.dumps(as_json(whole)))["curves"][0]["runs"][0]["seconds"] > 0


def test_cycles_come_from_the_runs(measured: Measured) -> None:
    """The multigrid cycles of the fitted sizes are those of the projection."""
    assert measured.fitted[0].parts["hartree"][1] == CYCLES * CYCLE * measured.fitted[0].points ** 3


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few, small and short measurements."""
    monkeypatch.setattr(measure, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(measure, "ROUNDS", 3)
    monkeypatch.setattr(measure, "BEYOND_CACHES", 2**20)
    monkeypatch.setattr(campaign, "FITTED", ((14, 16), (16, 16)))
    monkeypatch.setattr(campaign, "HELD_OUT", ((14, 20),))


def scaling(*options: object) -> tuple[int, str]:
    """Exit code, and all that is printed."""
    result = CliRunner().invoke(app, ["scaling", *map(str, options)])
    return result.exit_code, " ".join((result.stdout + result.stderr).split())


@pytest.mark.usefixtures("small")
def test_command(tmp_path: Path) -> None:
    """Files are written, measured and projected are told apart, and a second command measures nothing."""
    options = ("--weak", "--quick", "--ranks", 1, "--out", tmp_path)
    code, text = scaling(*options)
    assert code == 0, text
    assert text.index("MEASURED on this machine") < text.index("PROJECTED to Aurora")
    assert "measuring size 14^3 x 20" in text and "1.705 s" in text and "0.000896" in text
    assert (tmp_path / "weak.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((tmp_path / "weak.json").read_text())
    assert [run["ranks"] for run in found["curves"][0]["runs"]][-1] == 120_000
    code, text = scaling("--strong", "--measured-only", *options[1:])
    assert code == 0 and "was measured before" in text and "measuring" not in text
    assert "PROJECTED" not in text and "projected" not in text
    assert json.loads((tmp_path / "strong.json").read_text())["curves"] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--weak, --strong: give one of the two"),
        (("--weak", "--strong"), "give one of the two"),
        (("--weak", "--machine", "frontier"), "'frontier' is not known; use aurora or a TOML file"),
        (("--weak", "--machine", "none.toml"), "none.toml: cannot be read"),
        (("--weak", "--mesh", "70x70"), "give three numbers"),
        (("--weak", "--project", "1000,x"), "--project: is '1000,x'; give numbers such as 1000,2000"),
        (("--weak", "--ranks", 10**6), "processors; give fewer"),
    ],
)
def test_bad_options(options: tuple[object, ...], message: str, tmp_path: Path) -> None:
    """One message, exit code 2, and nothing is measured."""
    code, text = scaling(*options, "--out", tmp_path / "out")
    assert (code, message in text, (tmp_path / "out").exists()) == (2, True, False), text


def test_not_under_mpirun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command calls mpirun itself."""
    monkeypatch.setenv("PMI_SIZE", "2")
    code, text = scaling("--weak", "--out", tmp_path / "out")
    assert (code, "start it alone" in text) == (2, True)
