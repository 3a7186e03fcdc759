"""The precision planner on PbTiO3: what the pulse excites, within a budget, faster than in FP32."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import pytest
from typer.testing import CliRunner

from mlmd.cli import app

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "pto_pulse.toml"
BUDGET = 1e-3


def mlmd(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return str(result.output)


@pytest.mark.slow
def test_planned_lead_titanate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan is lower than FP32 in its products; the planned run is within the budget of the FP64 one to the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLMD_WISDOM", str(tmp_path / "wisdom.jsonl"))
    path = tmp_path / "pto.toml"
    path.write_text(EXAMPLE.read_text() + f"\n[precision]\nbudget = {BUDGET}\n")
    print(mlmd("precision", path, "--out", "planned"))
    report = json.loads(Path("planned/precision.json").read_text())
    plan = report["plan"]
    assert plan["at_end"] <= BUDGET
    print(f"all FP32 / planned: {plan['fp32_seconds'] / plan['seconds']:.3f}")
    print(mlmd("run", path, "--precision", "planned", "--out", "planned"))
    Path("exact").mkdir()
    Path("exact/ground_state.h5").write_bytes(Path("planned/ground_state.h5").read_bytes())
    mlmd("run", path, "--out", "exact")
    print(mlmd("compare", "planned", "exact"))
    with h5py.File("planned/run.h5") as a, h5py.File("exact/run.h5") as b:
        here, there = a["series/n_exc"][()], b["series/n_exc"][()]
    error = float(abs(here - there).max() / there.max())
    print(f"error of n_exc over the whole run: {error:.1e}, plan: {plan}")
    assert error <= BUDGET
    report = json.loads(Path("planned/summary.json").read_text())["precision"]
    assert report["within_budget"]


@pytest.mark.slow
def test_a_tiny_budget_is_fp64_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLMD_WISDOM", str(tmp_path / "wisdom.jsonl"))
    mlmd("precision", EXAMPLE, "--budget", "1e-12", "--window", "50", "--out", "out")
    levels = json.loads(Path("out/precision.json").read_text())["plan"]["levels"]
    assert levels == {"state": "fp64", "nonlocal": "fp64", "velocity": "fp64", "hartree": "1e-10"}
