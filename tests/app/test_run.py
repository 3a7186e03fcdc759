from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from fake_engine import FakeEngine
from run_files import assert_same_results

Mlmd = Callable[..., Any]
WriteInput = Callable[..., Path]
StartCli = Callable[..., "subprocess.Popen[str]"]


def test_a_run_leaves_described_results(mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path) -> None:
    result = mlmd_cli("run", write_input(("plots = false", "plots = true")), "--out", "run", "--precision", "fp32")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "run"
    assert {file.name for file in folder.iterdir()} == {
        "run.h5",
        "summary.json",
        "checkpoint.h5",
        "ground_state.h5",
        "light_current.png",
        "excitation.png",
        "density_change.png",
    }
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["steps"] == 60
    assert summary["settings"]["precision"] == "fp32"
    assert summary["versions"]["mlmd"]
    assert summary["time_fs"] == pytest.approx(0.06)
    with h5py.File(folder / "run.h5") as file:
        assert "267 nm" in file["input/text"].asstr()[()]
        assert json.loads(file["input/settings"].asstr()[()])["dynamics"]["precision"] == "fp32"
        assert file["series/step"][()].tolist() == [0, 10, 20, 30, 40, 50, 60]
        assert file["series/n_exc"][-1] == summary["n_exc"]
        assert file["density/change"].shape == (8, 8, 9)
        missing: list[str] = []
        file.visititems(
            lambda name, item: (
                missing.append(name)
                if isinstance(item, h5py.Dataset) and not name.startswith("input") and not item.attrs.get("unit")
                else None
            )
        )
        assert not missing
        assert file["device"].attrs["cpu"]
        assert file.attrs["seed"] == 0


def test_a_resumed_run_goes_by_the_wisdom_that_it_began_with(
    mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wisdom, kept = tmp_path / "wisdom.jsonl", tmp_path / "run/wisdom.jsonl"
    monkeypatch.setenv("MLMD_WISDOM", str(wisdom))
    wisdom.write_text('{"mlmd_wisdom": 1}\n')
    result = mlmd_cli("run", write_input(("steps = 60", "steps = 40")), "--out", "run")
    assert result.exit_code == 0, result.output
    wisdom.write_text('{"mlmd_wisdom": 1}\nmore\n')
    assert mlmd_cli("run", write_input(), "--out", "run", "--resume").exit_code == 0
    assert kept.read_text() == '{"mlmd_wisdom": 1}\n'
    assert os.environ["MLMD_WISDOM"] == str(wisdom)
    assert mlmd_cli("run", write_input(), "--out", "run", "--force").exit_code == 0
    assert kept.read_text() == wisdom.read_text()
    wisdom.unlink()
    assert mlmd_cli("run", write_input(), "--out", "run", "--force").exit_code == 0
    assert not kept.exists()


@pytest.mark.parametrize(("half_way", "resumed_at"), [(40, 40), (45, 40), (50, 50), (75, 75), (77, 75)])
def test_longer_run_equals_a_shorter_one_resumed(
    mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path, half_way: int, resumed_at: int
) -> None:
    # Also when the short run ends between two observations: neither its last row nor its last chunk may stay.
    checkpoints = ("checkpoint_every = 20", "checkpoint_every = 25")
    whole = write_input(("steps = 60", "steps = 90"), checkpoints)
    assert mlmd_cli("run", whole, "--out", "whole").exit_code == 0
    half = write_input(("steps = 60", f"steps = {half_way}"), checkpoints, name="half.toml")
    assert mlmd_cli("run", half, "--out", "parts").exit_code == 0
    result = mlmd_cli("run", whole, "--out", "parts", "--resume")
    assert result.exit_code == 0, result.output
    assert f"resumed at step {resumed_at} of 90" in result.stderr
    assert_same_results(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_writes_the_checkpoint(
    number: int, mlmd_cli: Mlmd, start_cli: StartCli, write_input: WriteInput, tmp_path: Path
) -> None:
    path = write_input()
    process = start_cli("run", path, "--out", "stopped", STEP_SECONDS=0.02)
    wait_for(tmp_path / "stopped" / "checkpoint.h5")
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "stopped" / "run.h5").exists()
    assert mlmd_cli("run", path, "--out", "stopped", "--resume").exit_code == 0
    assert mlmd_cli("run", path, "--out", "whole").exit_code == 0
    assert_same_results(tmp_path / "stopped", tmp_path / "whole")


def test_signal_during_the_ground_state(start_cli: StartCli, write_input: WriteInput, tmp_path: Path) -> None:
    process = start_cli("run", write_input(), "--out", "out", ITERATION_SECONDS=1)
    wait_for(tmp_path / "out")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "during the ground state" in errors
    assert not list((tmp_path / "out").iterdir())


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def test_results_are_not_overwritten(mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path) -> None:
    path = write_input()
    assert mlmd_cli("run", path, "--out", "out").exit_code == 0
    before = (tmp_path / "out" / "run.h5").read_bytes()
    again = mlmd_cli("run", path, "--out", "out")
    assert again.exit_code == 2
    assert "--out: holds the results of a finished run" in again.stderr
    assert (tmp_path / "out" / "run.h5").read_bytes() == before
    solved = FakeEngine.solved
    forced = mlmd_cli("run", path, "--out", "out", "--force")
    assert forced.exit_code == 0
    assert FakeEngine.solved == solved, "the ground state of the same input is used again"


def test_an_unfinished_run_is_not_overwritten(mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path) -> None:
    path = write_input()
    assert mlmd_cli("run", path, "--out", "out").exit_code == 0
    (tmp_path / "out" / "summary.json").unlink()
    (tmp_path / "out" / "run.h5").unlink()
    again = mlmd_cli("run", path, "--out", "out")
    assert again.exit_code == 2
    assert "holds an unfinished run; continue it with --resume" in again.stderr


def test_a_ground_state_of_other_settings_is_computed_anew(mlmd_cli: Mlmd, write_input: WriteInput) -> None:
    assert mlmd_cli("run", write_input(), "--out", "out").exit_code == 0
    solved = FakeEngine.solved
    other = write_input(("extra_bands = 2", "extra_bands = 1"))
    result = mlmd_cli("run", other, "--out", "out", "--force")
    assert result.exit_code == 0
    assert FakeEngine.solved == solved + 1
    assert "computed anew" in result.stderr


def test_another_backend_may_go_on(mlmd_cli: Mlmd, write_input: WriteInput) -> None:
    assert mlmd_cli("run", write_input(("steps = 60", "steps = 40")), "--out", "out").exit_code == 0
    result = mlmd_cli("run", write_input(), "--out", "out", "--resume", "--backend", "cpu")
    assert result.exit_code == 0
    assert "began on backend 'reference'" in result.stderr
    assert "not to the last bit" in result.stderr


def test_version_and_devices(mlmd_cli: Mlmd) -> None:
    from mlmd import __version__

    assert mlmd_cli("--version").stdout == f"mlmd {__version__}\n"
    shown = mlmd_cli("devices")
    assert shown.exit_code == 0
    for word in ("CPU", "threads", "GPUs", "reference", "numba", "cpu", "works"):
        assert word in shown.stdout


def test_devices_say_why_a_backend_is_not_here(mlmd_cli: Mlmd, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlmd.backends import Backend, Status, names

    monkeypatch.setattr(Backend, "status", lambda backend: Status(False, "no compiler [cpu]; install one"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1001")
    shown = mlmd_cli("devices").stdout
    assert shown.count("not here") == len(names())
    assert "no compiler [cpu]; install one" in shown
    assert "kernels use 1001 (OMP_NUM_THREADS)" in shown
    assert "GiB" in shown
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    refused = mlmd_cli("devices")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: OMP_NUM_THREADS is 'many'")
