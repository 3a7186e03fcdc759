"""The command line on the real physics: a hydrogen molecule in a small box."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.io
import h5py
import pytest
from run_files import assert_same_results
from typer.testing import CliRunner

from mlmd.cli import app

SMALL = (
    ("cell = [8.0, 8.0, 8.0]", "cell = [6.0, 6.0, 6.0]"),
    ("shape = [8, 8, 9]", "shape = [16, 16, 16]"),
    ("extra_bands = 2", "extra_bands = 2\ntolerance = 1e-5"),
    ('"reference"', '"cpu"\nthreads = 1'),
    ("1e12", "1e14"),
    ("checkpoint_every = 20", "checkpoint_every = 15"),
)
WriteInput = Callable[..., Path]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def mlmd(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("hartree", ["multigrid", "dsa", "fft"])
@pytest.mark.parametrize("precision", ["fp64", "fp32"])
def test_resumed_run_is_the_same_to_the_last_bit(write_input: WriteInput, hartree: str, precision: str) -> None:
    settings = (*SMALL, ("[output]", f'hartree = "{hartree}"\n[output]'))
    whole = write_input(*settings)
    half = write_input(*settings, ("steps = 60", "steps = 42"), name="half.toml")
    options = ("--precision", precision)
    first = mlmd("run", half, "--out", "parts", *options)
    assert first.exit_code == 0, first.output
    assert mlmd("run", whole, "--out", "parts", "--resume", *options).exit_code == 0
    Path("whole").mkdir()
    Path("whole/ground_state.h5").write_bytes(Path("parts/ground_state.h5").read_bytes())
    assert mlmd("run", whole, "--out", "whole", *options).exit_code == 0
    assert_same_results(Path("parts"), Path("whole"))


def test_light_excites(write_input: WriteInput) -> None:
    result = mlmd("run", write_input(*SMALL), "--out", "out")
    assert result.exit_code == 0, result.output
    summary = json.loads(Path("out/summary.json").read_text())
    assert summary["electrons"] == 2
    assert 1e-8 < summary["n_exc"] < 1.0
    assert summary["norm_deviation"] < 1e-10
    with h5py.File("out/run.h5") as file:
        assert file["series/n_exc"][0] < 1e-12
        assert file["series/n_exc"][()].max() > 1e-6
        change = file["density/change"][()]
        assert abs(change.sum()) < 1e-6 * abs(change).sum() + 1e-9


def test_a_scissor_shifts_the_empty_bands(write_input: WriteInput) -> None:
    summaries = []
    for name, scissor in (("none", ""), ("wide", 'scissor = "8 eV"\n')):
        path = write_input(*SMALL, ("[output]", f"{scissor}[output]"), name=f"{name}.toml")
        assert mlmd("run", path, "--out", name).exit_code == 0
        summaries.append(json.loads(Path(name, "summary.json").read_text()))
    without, wide = summaries
    assert (without["scissor_ev"], wide["scissor_ev"]) == (0.0, pytest.approx(8.0))
    assert wide["n_exc_largest"] < 0.998 * without["n_exc_largest"]
    compared = mlmd("compare", "wide", "none")
    assert compared.exit_code == 0, compared.output
    assert compared.stderr == "warning: the runs differ also in [dynamics] scissor\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["H", 0.5, 0.5, 0.41]', '["Og", 0.5, 0.5, 0.41]', "[system] atoms: "),
        (', ["H", 0.5, 0.5, 0.59]]', "]", "[ground_state] smearing: "),
        ("shape = [16, 16, 16]", "shape = [8, 8, 8]", "[grid] shape: "),
        ('dt = "1 as"\nsteps = 60', "dt = 0.5\nsteps = 60", "[dynamics] dt: "),
        ("extra_bands = 2", 'extra_bands = 2\npseudopotentials = {H = "none-q1"}', "[ground_state] pseudopotentials: "),
        ("extra_bands = 2", "extra_bands = 2\nmax_iterations = 2", "[ground_state] max_iterations: "),
    ],
)
def test_physics_refuses(write_input: WriteInput, old: str, new: str, words: str) -> None:
    path = write_input(*SMALL, (old, new))
    result = mlmd("run", path, "--out", "out")
    assert result.exit_code == 2, result.output
    assert result.stderr.strip().splitlines()[-1].startswith(f"error: {path}: {words}")
    assert not (Path("out") / "run.h5").exists()


def test_a_run_with_moving_nuclei_is_resumed_to_the_last_bit(write_input: WriteInput) -> None:
    """MESH: stopped before it goes over from Ehrenfest dynamics to hopping, and after that."""
    nuclei = '[nuclei]\nmotion = "mesh"\nsteps_per_md = 4\ntemperature = "2000 K"\ndephasing_time = 0.1\n[output]'
    settings = (*SMALL, ("[output]", nuclei))
    whole = write_input(*settings)
    assert mlmd("run", whole, "--out", "whole").exit_code == 0
    Path("parts").mkdir()
    Path("parts/ground_state.h5").write_bytes(Path("whole/ground_state.h5").read_bytes())
    for steps in (42, 50, 60):
        part = write_input(*settings, ("steps = 60", f"steps = {steps}"), name=f"{steps}.toml")
        done = mlmd("run", part, "--out", "parts", *(["--resume"] if steps > 42 else ["--force"]))
        assert done.exit_code == 0, done.output
    assert_same_results(Path("parts"), Path("whole"))
    with h5py.File("whole/run.h5") as file:
        series = file["series"]
        assert series["active"][0, 0] == -1 and series["active"][-1, 0] >= 0
        assert series["positions"].shape == (len(series["step"]), 2, 3)
    frames = ase.io.read("whole/nuclei.extxyz", ":")
    assert len(frames) == len(ase.io.read("parts/nuclei.extxyz", ":")) > 2
    assert frames[-1].info["time_fs"] > frames[0].info["time_fs"] == 0.0


def test_under_light_k_and_minus_k_are_both_there(write_input: WriteInput) -> None:
    """One of the two alone carries a current before any light has come."""
    kpoints = ("extra_bands = 2\n", "extra_bands = 2\nkpoints = [1, 2, 1]\nkpoint_shift = [0.0, 0.5, 0.25]\n")
    result = mlmd("run", write_input(*SMALL, kpoints), "--out", "out")
    assert result.exit_code == 0, result.output
    with h5py.File("out/run.h5") as file:
        current = file["series/J"][()]
    assert abs(current[0]).max() < 1e-12
    assert abs(current[-1]).max() > 1e-6
