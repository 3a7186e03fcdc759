"""``mlmd texture`` and ``mlmd topology`` on the command line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.multiscale.crystal import superlattice
from mlmd.multiscale.textures import Texture


def run(*words: object, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result


def test_a_skyrmion_is_built_followed_and_lost(tmp_path: Path) -> None:
    start, out = tmp_path / "start.extxyz", tmp_path / "out"
    said = run("texture", "skyrmion", "--cells", "16x16x3", "--strontium", 1, "--helicity", 90, "--out", start)
    assert "topological charge -1.000000" in said.stdout
    crystal = ase.io.read(start)
    up = superlattice(Texture(kind="uniform"), (16, 16, 3), strontium=1)
    frames = []
    for k, share in enumerate((0.0, 0.3, 1.0)):  # on the way from the skyrmion to a domain
        frame = crystal.copy()
        frame.positions += share * (up.positions - crystal.positions)
        frame.info["time_fs"] = 100.0 * k
        frame.wrap()
        frames.append(frame)
    ase.io.write(tmp_path / "way.extxyz", frames)
    said = run("topology", tmp_path / "way.extxyz", "--reference", start, "--out", out)
    rows = list(csv.DictReader((out / "topology.csv").open()))
    assert [round(float(row["charge"]), 6) for row in rows] == [-1, -1, 0]
    assert [float(row["time_fs"]) for row in rows] == [0, 100, 200]
    assert float(rows[-1]["Pz_C/m2"]) > float(rows[0]["Pz_C/m2"]) > 0
    for name in ("charge.png", "maps.png"):
        assert (out / name).read_bytes()[1:4] == b"PNG"
    assert "200" in said.stdout


def test_mean_of_frames_is_quieter(tmp_path: Path) -> None:
    """Noise that breaks the charge of single frames leaves that of their mean."""
    crystal = superlattice(Texture(radius=3.0, width=1.0), (12, 12, 1))
    frames = [crystal.copy() for _ in range(30)]
    for k, frame in enumerate(frames):
        frame.rattle(0.35, seed=k)
    ase.io.write(tmp_path / "hot.extxyz", frames)
    ase.io.write(tmp_path / "start.extxyz", crystal)
    charges = {}
    for average in (1, 20):
        out = tmp_path / f"out{average}"
        words = ("--reference", tmp_path / "start.extxyz", "--average", average, "--out", out)
        run("topology", tmp_path / "hot.extxyz", *words)
        charges[average] = np.array([float(row["charge"]) for row in csv.DictReader((out / "topology.csv").open())])
    assert np.abs(charges[1] + 1).max() > 0.5
    assert np.abs(charges[20][19:] + 1).max() < 1e-9
    assert charges[20][0] == charges[1][0]


def test_structure_carries_its_polarisation(tmp_path: Path) -> None:
    run("texture", "uniform", "--cells", "2x2x2", "--out", tmp_path / "a.extxyz")
    crystal = ase.io.read(tmp_path / "a.extxyz")
    assert crystal.arrays["polarisation"] == pytest.approx(np.broadcast_to([0, 0, 1.2609], (40, 3)), abs=2e-3)
    assert crystal.arrays["cell"].max() == 1
    run("texture", "uniform", "--cells", "2x2x2", "--crystal", "cubic", "--out", tmp_path / "b.extxyz")
    run("texture", "uniform", "--cells", "2x2x2", "--constants", 3.9, 4.1, "--out", tmp_path / "c.extxyz")
    for name, constant, polar in (("b", 3.926, 0.752), ("c", 4.1, 1.293)):
        crystal = ase.io.read(tmp_path / f"{name}.extxyz")
        assert crystal.cell.lengths()[2] == pytest.approx(2 * constant)
        assert crystal.arrays["polarisation"][:, 2] == pytest.approx(np.full(40, polar), abs=2e-3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("skyrmion", "--cells", "16x16"), "--cells: '16x16' is not 3 counts; write such as 16x16x2"),
        (("skyrmion", "--lattice", "0x1"), "--lattice: '0x1' is not 2 counts"),
        (("skyrmion", "--cells", "4x4x1"), "the cells are too coarse for the texture"),
        (("skyrmion", "--winding", "0"), "--winding: must be -3, -2, -1, 1, 2 or 3"),
        (("skyrmionium", "--inner", "9"), "--inner: is 9, not below radius = 4"),
        (("skyrmion", "--strontium", "5"), "5 layers of SrTiO3"),
    ],
)
def test_options_that_make_no_structure(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    result = run("texture", *words, "--out", tmp_path / "a.extxyz", code=2)
    assert message in result.stderr
    assert not (tmp_path / "a.extxyz").exists()


def test_files_that_cannot_be_followed(tmp_path: Path) -> None:
    assert "cannot be read" in run("topology", tmp_path / "no.xyz", code=2).stderr
    (tmp_path / "cut.xyz").write_text("5\nsomething\nPb 0 0 0\n")
    assert "cut.xyz: frame 0: is no structure" in run("topology", tmp_path / "cut.xyz", code=2).stderr
    (tmp_path / "h2.xyz").write_text("2\nH2\nH 0 0 0\nH 0 0 1\n")
    assert "H2 is no PbTiO3" in run("topology", tmp_path / "h2.xyz", code=2).stderr
    run("texture", "uniform", "--cells", "2x2x2", "--out", tmp_path / "a.extxyz")
    run("texture", "uniform", "--cells", "2x2x3", "--out", tmp_path / "b.extxyz")
    said = run("topology", tmp_path / "b.extxyz", "--reference", tmp_path / "a.extxyz", "--out", tmp_path / "o", code=2)
    assert "b.extxyz: frame 0: O36Pb12Ti12 are not the atoms of the reference" in said.stderr
    assert "name of an extended XYZ" in run("texture", "uniform", "--out", tmp_path / "a.vasp", code=2).stderr
