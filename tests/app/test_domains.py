"""`mlmd domains`: the table and its JSON, and what cannot be cut is refused before any work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from run_files import assert_same_results

import mlmd.engine
from mlmd.domains.scaling import ITERATIONS, Scaling, measure_scaling

Mlmd = Callable[..., Any]
ROW = """
[system]
cell = [6, 6, 12]
coordinates = "cartesian"
atoms = [["H", 3.0, 3.2, 2.4], ["H", 3.0, 2.8, 3.8], ["H", 2.9, 3.7, 9.0], ["H", 3.1, 2.3, 9.1]]
[grid]
shape = [16, 16, 32]
[ground_state]
smearing = 0.005
extra_bands = 2
tolerance = 1e-5
[domains]
divisions = [1, 1, 2]
buffer = "2.25 bohr"
[dynamics]
dt = "2 as"
steps = 10
"""


@pytest.fixture
def row(tmp_path: Path) -> Callable[..., Path]:
    """Two hydrogen molecules in two domains, with pieces of the input replaced."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in ROW
        (tmp_path / "row.toml").write_text(ROW.replace(old, new) if old else ROW)
        return tmp_path / "row.toml"

    return write


def test_error_vanishes_when_the_boxes_reach_the_size_of_the_cell(mlmd_cli: Mlmd, row: Callable[..., Path]) -> None:
    result = mlmd_cli("domains", row(), "--buffers", "1.5, 3 bohr", "--out", "out")
    assert result.exit_code == 0, result.output
    assert "mHa/atom" in result.output and "buffer 3 bohr" in result.output
    record = json.loads(Path("out/domains.json").read_text())
    near, far = record["buffers"]
    assert (near["box"], far["box"]) == ([16, 16, 24], [16, 16, 32])
    assert abs(far["energy_error"]) < 2e-5 < abs(near["energy_error"])
    assert far["force_error"] < 1e-4 < near["force_error"]
    assert far["buffer"] == pytest.approx(3.0)


def test_scaling_times_rows_of_copies(
    mlmd_cli: Mlmd, row: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure_scaling, "__defaults__", ((1, 2),))
    result = mlmd_cli("domains", row(), "--scaling", "--rounds", "1", "--out", "out")
    assert result.exit_code == 0, result.output
    record = json.loads(Path("out/domains_scaling.json").read_text())
    assert record["domains"] == [2, 4] and record["iterations"] == ITERATIONS
    (two,), (four,) = record["samples"]
    assert record["exponent"] == pytest.approx(np.log2(four / two))
    assert "domains^" in result.output


def test_exponent_is_the_slope_of_medians() -> None:
    samples = [[3.0 * n**1.3, 2.0 * n**1.3, 900.0] for n in (2, 4, 8, 16)]
    assert Scaling([2, 4, 8, 16], samples).exponent == pytest.approx(1.3)


@pytest.mark.slow
def test_cost_is_linear_in_the_number_of_domains(mlmd_cli: Mlmd, row: Callable[..., Path]) -> None:
    assert mlmd_cli("domains", row(), "--scaling", "--rounds", "5", "--out", "out").exit_code == 0
    assert json.loads(Path("out/domains_scaling.json").read_text())["exponent"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[1, 1, 2]", "[1, 1, 3]", "[domains]: 3 domains along z do not tile 32 grid points"),
        ("[1, 1, 2]", "[1, 1, 0]", "[domains] divisions"),
        ("[1, 1, 2]", "[1, 1, 1]", "cuts nothing"),
        ("2.25 bohr", "3.1 bohr", "larger than the cell"),
        ("2.25 bohr", "-1 bohr", "[domains] buffer"),
        ("2.25 bohr", "2 eV", "[domains] buffer"),
        ('[domains]\ndivisions = [1, 1, 2]\nbuffer = "2.25 bohr"', "", "[domains]: is missing"),
        ("smearing = 0.005", "", "[ground_state] smearing: is 0"),
        ("smearing = 0.005", "smearing = 0.005\nkpoints = [1, 1, 2]", "not Gamma alone"),
    ],
)
def test_bad_input_is_one_message(mlmd_cli: Mlmd, row: Callable[..., Path], old: str, new: str, words: str) -> None:
    result = mlmd_cli("domains", row(old, new), "--out", "out")
    assert result.exit_code == 2
    assert words in result.output and "Traceback" not in result.output
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--buffers", "2,x"], "--buffers"),
        (["--buffers", "-2"], "give lengths of 0 or more"),
        (["--buffers", "2,4"], "larger than the cell"),
        (["--buffers", "2", "--scaling"], "keep one of the two"),
    ],
)
def test_bad_options_are_refused(mlmd_cli: Mlmd, row: Callable[..., Path], options: list[str], words: str) -> None:
    result = mlmd_cli("domains", row(), *options)
    assert result.exit_code == 2 and words in result.output


LIGHT = """[laser]
type = "sin2"
photon_energy = "12 eV"
intensity = "1e13 W/cm2"
duration = "0.02 fs"
[output]
every = 5
checkpoint_every = 5
plots = false
[dynamics]
dt = "2 as"
"""


@pytest.fixture
def real_mlmd(mlmd_cli: Mlmd, monkeypatch: pytest.MonkeyPatch) -> Mlmd:
    """The command line on the physics itself."""
    monkeypatch.setattr(mlmd.engine, "default_engine", mlmd.engine.DcMesh)
    return mlmd_cli


def test_run_takes_up_its_domains_bit_for_bit(real_mlmd: Mlmd, row: Callable[..., Path]) -> None:
    text = row().read_text().replace('[dynamics]\ndt = "2 as"\n', LIGHT)
    half, whole = Path("half.toml"), Path("whole.toml")
    half.write_text(text)
    whole.write_text(text.replace("steps = 10", "steps = 20"))
    first = real_mlmd("run", half, "--out", "parts")
    assert first.exit_code == 0, first.output
    assert "2 domains of 16 x 16 x 28 points each" in first.stderr
    assert real_mlmd("run", whole, "--out", "parts", "--resume").exit_code == 0
    Path("at_once").mkdir()
    Path("at_once/ground_state.h5").write_bytes(Path("parts/ground_state.h5").read_bytes())
    assert real_mlmd("run", whole, "--out", "at_once").exit_code == 0
    assert_same_results(Path("parts"), Path("at_once"))
    with h5py.File("parts/run.h5") as file:
        n_exc, by_domain = file["series/n_exc"][()], file["series/domains/n_exc"][()]
        assert file["series/energy/total"][0] == pytest.approx(file["ground_state/energy/total"][()], abs=1e-12)
        change = file["density/change"][()]
    assert by_domain.shape == (5, 2) and by_domain[-1].min() > 1e-8
    assert by_domain.sum(axis=1) == pytest.approx(n_exc)
    assert np.abs(change).max() > 1e-7
    cut = Path("cut.toml")
    cut.write_text(text.replace("2.25 bohr", "3 bohr"))
    refused = real_mlmd("run", cut, "--out", "parts", "--resume")
    assert refused.exit_code != 0 and "[domains] buffer" in refused.output


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ('[maxwell]\nfield = "induced"\n', "[maxwell]: is for cells that are not divided, and there is [domains]"),
        ('[nuclei]\nmotion = "ehrenfest"\n', "[nuclei] motion: is 'ehrenfest', and the nuclei stay where they are"),
        ('[precision]\nbudget = 1e-3\n[dynamics]\nprecision = "planned"\n', "[dynamics] precision: is 'planned'"),
    ],
)
def test_what_domains_cannot_do_is_refused(
    mlmd_cli: Mlmd, row: Callable[..., Path], section: str, words: str
) -> None:
    new = section if "[dynamics]" in section else f"{section}[dynamics]\n"
    result = mlmd_cli("run", row("[dynamics]\n", new))
    assert result.exit_code == 2, result.output
    assert words in result.output and result.output.count("error:") == 1


def test_no_precision_is_planned_for_domains(mlmd_cli: Mlmd, row: Callable[..., Path]) -> None:
    result = mlmd_cli("precision", row(), "--budget", "1e-3")
    assert result.exit_code == 2 and "[domains]: is there, and a plan is for one cell" in result.output
