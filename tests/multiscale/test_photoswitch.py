"""A photo-switching from end to end: small ones here, the shipped example with ``pytest -m slow``."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

pytest.importorskip("torch", reason="the networks need PyTorch: pip install 'mlmd[nn]'")

from mlmd.cli import app
from mlmd.errors import InputError
from mlmd.multiscale import light as light_stage
from mlmd.multiscale import photoswitch
from mlmd.multiscale.job import DARK, Job, read_job
from mlmd.multiscale.outcome import Outcome
from mlmd.multiscale.photoswitch import Photoswitch, forget

HERE = Path(__file__).parent
SMALL = HERE / "small.toml"
EXAMPLE = HERE.parents[1] / "examples" / "skyrmion_switch.toml"
COMMAND = "from mlmd.cli import main; main()"


def run(job: Job) -> Outcome:
    return Photoswitch(job, Console(quiet=True)).run()


def trajectories(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("trajectory.xyz"))}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Outcome]:
    """The small run, by the Python interface."""
    job = read_job(SMALL, tmp_path_factory.mktemp("small") / "out")
    return job, run(job)


def test_light_is_felt_and_comes_from_dc_mesh(done: tuple[Job, Outcome]) -> None:
    job, outcome = done
    (dark, lit), light = outcome.verdicts, outcome.lights[job.fluences[0]]
    assert dark.electrons == 0 and lit.electrons == pytest.approx(light.electrons.mean())
    assert 0 < lit.electrons < 1 and light.energy * 5 > 12.0 * lit.electrons * 0.5  # a good part of a photon each
    first, second = (track.seen.kept[-1][1] for track in outcome.tracks)
    assert not np.allclose(first, second, atol=1e-4)
    assert (job.folder / "outcome.csv").read_text().count("\n") == 3
    assert "2 mJ/cm2, seed 0" in (job.folder / "report.html").read_text()


def test_killed_at_every_stage_it_ends_with_the_same_numbers(done: tuple[Job, Outcome], tmp_path: Path) -> None:
    job, _ = done
    out = tmp_path / "out"
    stages = [
        "relaxed.h5",
        "light/cell_0/2mJ/ground_state.h5",
        "light/excitation_2mJ.json",
        "runs/2mJ_seed_0/checkpoint.h5",
    ]
    command = [sys.executable, "-c", COMMAND, "run", str(SMALL), "--out", str(out)]
    for sign in stages:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            while not (out / sign).exists():
                assert process.poll() is None, process.stderr and process.stderr.read().decode()
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
        assert not (out / "outcome.csv").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert trajectories(out) == trajectories(job.folder)
    assert (out / "outcome.csv").read_bytes() == (job.folder / "outcome.csv").read_bytes()


def test_without_weight_light_changes_nothing(
    done: tuple[Job, Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """w = 0 in place of the map: the run under light is the dark one to the last bit."""
    monkeypatch.setattr(light_stage, "weight", lambda electrons, full: np.zeros_like(electrons))
    job = dataclasses.replace(done[0], folder=tmp_path / "out")
    run(job)
    dark, lit = (job.switched(fluence, 0) / "trajectory.xyz" for fluence in (DARK, job.fluences[0]))
    assert dark.read_bytes() == lit.read_bytes()
    assert dark.read_bytes() == (done[0].switched(DARK, 0) / "trajectory.xyz").read_bytes()


def test_scan_by_processes_goes_on_with_what_is_there(done: tuple[Job, Outcome], tmp_path: Path) -> None:
    job, _ = done
    before = trajectories(job.folder)
    command = ["scan", str(SMALL), "--out", str(job.folder), "--fluences", "1,2", "--workers", "2"]
    result = subprocess.run([sys.executable, "-c", COMMAND, *command], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    after = trajectories(job.folder)
    assert {name: after[name] for name in before} == before and len(after) == len(before) + 1
    table = (job.folder / "outcome.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table[1:]] == ["0.0", "1.0", "2.0"]
    electrons = [float(line.split(",")[2]) for line in table[1:]]
    assert electrons[0] == 0 < electrons[1] < electrons[2]


def test_strontium_titanate_stays_dark_and_is_moved_by_ions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two layers of SrTiO3 on two of PbTiO3; what the light leaves is given, DC-MESH has its turn above."""
    text = SMALL.read_text().replace("cells = [4, 4, 1]", "cells = [2, 2, 4]\nstrontium = 2")
    text = text.replace("local_cells = 2", "cells = [2, 2, 2]").replace("radius = 1.2", 'kind = "uniform"')
    file = tmp_path / "film.toml"
    file.write_text(text + '\n[networks]\nmm = "srtio3"\n')
    monkeypatch.setattr(photoswitch, "shine", lambda *task: light_stage.Excited(0.3, 1.0))
    job = read_job(file, tmp_path / "out")
    outcome = run(job)
    light = outcome.lights[job.fluences[0]]
    assert light.electrons.ravel().tolist() == [0.3, 0.0] and 0 < light.weights.mean() < 0.3
    last = ase.io.read(job.switched(job.fluences[0], 0) / "trajectory.xyz", -1)
    lead, strontium = (last.arrays["network_share"][last.symbols == element].mean() for element in ("Pb", "Sr"))
    assert 0.5 < lead <= 1 and 0 <= strontium < 0.5
    assert np.isnan(outcome.tracks[0].seen.rows[-1].layers).tolist() == [False, False, True, False]
    with pytest.raises(InputError, match="mm"):
        file.write_text(text)
        read_job(file, tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cells = [4, 4, 1]", "cells = [5, 4, 1]", "[domains] cells"),
        ('fluences = ["2 mJ/cm2"]', 'fluences = ["2 mJ"]', "fluences"),
        ('fluences = ["2 mJ/cm2"]', "fluences = [1.0, 1.0]", "[laser] fluences"),
        ('window = "12 fs"', 'window = "2 ps"', "[switch] window"),
        ('time = "0.32 fs"', 'time = "0.2 fs"', "[dynamics] time"),
        ("shape = [18, 18, 20]", "shape = [8, 8, 8]", "[grid] shape"),
        ('lifetime = "20 fs"', 'lifetme = "20 fs"', "lifetime"),
        ('"GTH-PADE-q4"', '"GTH-PADE-q99"', "pseudopotentials"),
        ("[crystal]", "[networks]\nground = 'nowhere'\n[crystal]", "nowhere"),
    ],
)
def test_bad_input_is_refused_before_anything_is_computed(old: str, new: str, words: str, tmp_path: Path) -> None:
    text = SMALL.read_text()
    assert old in text
    file = tmp_path / "input.toml"
    file.write_text(text.replace(old, new))
    result = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2 and words in result.output.replace("\n", " ")
    assert not (tmp_path / "out" / "relaxed.h5").exists()


def test_a_folder_of_another_texture_is_not_touched(done: tuple[Job, Outcome], tmp_path: Path) -> None:
    file = tmp_path / "input.toml"
    file.write_text(SMALL.read_text().replace("radius = 1.2", "radius = 1.3"))
    result = CliRunner().invoke(app, ["run", str(file), "--out", str(done[0].folder)])
    assert result.exit_code == 2 and "[texture] radius" in result.output.replace("\n", " ")
    for old, new in [("extra_bands = 2", "extra_bands = 3"), ("[18, 18, 20]", "[20, 20, 20]"), ("0.3 fs", "0.31 fs")]:
        file.write_text(SMALL.read_text().replace(old, new))
        result = CliRunner().invoke(app, ["run", str(file), "--out", str(done[0].folder)])
        assert result.exit_code == 2 and "holds a run of another" in result.output.replace("\n", " ")
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("all of it")
    (other / "runs").mkdir()
    forget(dataclasses.replace(done[0], folder=other))
    assert [path.name for path in other.iterdir()] == ["chapter.txt"]


@pytest.mark.slow
def test_the_example_switches_by_a_strong_pulse_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dark and below the threshold the skyrmion stays, above it goes; without w it stays above, too."""
    job = read_job(EXAMPLE, tmp_path / "out")
    outcome = run(job)
    dark, weak, strong = outcome.verdicts
    print(dark, weak, strong, sep="\n")
    assert dark.charge_before == pytest.approx(-1) and dark.largest_change < 0.5
    assert not weak.switched and weak.largest_change < 0.5
    assert strong.switched
    monkeypatch.setattr(light_stage, "weight", lambda electrons, full: np.zeros_like(electrons))
    for file in (job.folder / "runs").rglob("*"):
        if file.is_file():
            file.unlink()
    assert not any(verdict.switched for verdict in run(job).verdicts)
