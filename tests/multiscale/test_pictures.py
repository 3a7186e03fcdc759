"""Pictures, film, exports and the page: what they show is what they were given."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import ase.io
import h5py
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.multiscale.crystal import superlattice
from mlmd.multiscale.exports import write_dump, write_fields
from mlmd.multiscale.film import draw_film
from mlmd.multiscale.history import Observation
from mlmd.multiscale.pictures import draw_charges, draw_maps
from mlmd.multiscale.report import Report, Run, write_report
from mlmd.multiscale.textures import Texture
from mlmd.multiscale.verdict import judge

SIDES = (3.9, 3.9)


def row(charge: float, time: float = 0.0) -> Observation:
    return Observation(0, time, np.zeros(3), 1.0, charge, np.array([charge]))


def colors(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_domains_up_are_red_and_down_blue() -> None:
    for z, channel in ((1.0, 0), (-1.0, 2)):
        field = Texture(kind="uniform", direction=(0, 0, z)).field(8, 8)
        image = colors(draw_maps([("", field)], SIDES))
        middle = image[image.shape[0] // 4, image.shape[1] // 3]
        assert middle[channel] > middle[2 - channel] + 50


def test_film_moves_and_has_no_more_images_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    up, down = (Texture(kind="uniform", direction=(0, 0, z)).field(6, 6) for z in (1.0, -1.0))
    film = Image.open(io.BytesIO(draw_film([(row(-1.0), up), (row(1.0, 50.0), down)], SIDES)))
    assert film.n_frames == 2
    first = np.asarray(film.convert("RGB")).astype(int)
    film.seek(1)
    second = np.asarray(film.convert("RGB")).astype(int)
    y, x = first.shape[0] // 4, first.shape[1] // 6
    assert first[y, x, 0] > first[y, x, 2] + 50
    assert second[y, x, 2] > second[y, x, 0] + 50
    monkeypatch.setattr("mlmd.multiscale.film.MOST_IMAGES", 8)
    many = [(row(0.0, k), up) for k in range(20)]
    assert Image.open(io.BytesIO(draw_film(many, SIDES))).n_frames == 8


def test_dump_is_read_back(tmp_path: Path) -> None:
    crystal = superlattice(Texture(radius=2.0), (6, 6, 2), strontium=1)
    crystal.info["step"] = 40
    crystal.set_array("excitation", np.linspace(0, 1, len(crystal)))
    crystal.set_array("polarisation", np.random.default_rng(1).standard_normal((len(crystal), 3)))
    write_dump(tmp_path / "a.dump", [crystal, crystal])
    frames = ase.io.read(tmp_path / "a.dump", index=":", format="lammps-dump-text")
    assert len(frames) == 2
    assert frames[1].get_chemical_symbols() == crystal.get_chemical_symbols()
    assert frames[1].positions == pytest.approx(crystal.positions, abs=1e-6)
    assert frames[1].cell.lengths() == pytest.approx(crystal.cell.lengths(), abs=1e-6)
    text = (tmp_path / "a.dump").read_text()
    assert "ITEM: TIMESTEP\n40\n" in text
    assert "polarisation[1] polarisation[2] polarisation[3] excitation[1]" in text
    last = text.splitlines()[-1].split()
    assert [float(word) for word in last[6:]] == pytest.approx([*crystal.arrays["polarisation"][-1], 1.0], rel=1e-7)


def test_fields_have_x_fastest(tmp_path: Path) -> None:
    """As VTK's reader of XDMF takes them: there the values 0 100 10 110 of 100 x + 10 y + z were read back in order."""
    x, y, z = np.indices((2, 3, 4))
    P = np.stack([x, y, z], axis=-1)
    edges = [np.arange(n + 1.0) for n in (2, 3, 4)]
    write_fields(tmp_path / "f.xdmf", [0.0, 5.0], {"P": [0 * P, P], "q": [0 * x, 100 * x + 10 * y + z]}, edges)
    times = ElementTree.parse(tmp_path / "f.xdmf").getroot().findall(".//Grid/Grid")
    assert [grid.find("Time").attrib["Value"] for grid in times] == ["0", "5"]  # type: ignore[union-attr]
    assert times[1].find("Topology").attrib["Dimensions"] == "5 4 3"  # type: ignore[union-attr]
    with h5py.File(tmp_path / "f.h5") as file:
        for item in times[1].iter("DataItem"):
            name, _, path = (item.text or "").partition(":")
            assert name == "f.h5"
            assert " ".join(map(str, file[path].shape)) == item.attrib["Dimensions"]
        assert file["q/1"][...].ravel()[:4].tolist() == [0, 100, 10, 110]
        assert file["P/1"][...].reshape(-1, 3)[3].tolist() == [1, 1, 0]


def test_command_exports(tmp_path: Path) -> None:
    frames = [superlattice(Texture(kind="uniform", direction=(0, s, c)), (3, 3, 2)) for s, c in ((0, 1), (1, 0))]
    ase.io.write(tmp_path / "t.extxyz", frames)
    words = ["topology", str(tmp_path / "t.extxyz"), "--film", "--export", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(app, words).exit_code == 0
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"topology.csv", "charge.png", "maps.png", "film.gif", "fields.xdmf", "fields.h5", "ovito.dump"}
    with h5py.File(tmp_path / "out" / "fields.h5") as file:
        P = file["polarisation/1"][...]
    assert np.argmax(P[0, 0, 0]) == 1


def test_runs_are_judged() -> None:
    dark = judge([-4.0 + 0.4 * np.sin(k) for k in range(50)], -4.0, objects=4)
    assert dark.largest_change < 0.5 and not dark.switched
    lit = judge([-4.0] * 10 + [0.0] * 90, -4.0, objects=4, fluence=5.0)
    assert (lit.charge_before, lit.charge_after, lit.largest_change, lit.switched) == (-4.0, 0.0, 4.0, True)
    back = judge([-4.0] * 10 + [0.0] * 60 + [-4.0] * 30, -4.0, objects=4)
    assert back.largest_change == 4.0 and not back.switched
    assert not judge([-4.0, -3.0], -4.0, objects=4).switched


def test_page_is_whole(tmp_path: Path) -> None:
    field = Texture(radius=2.0).field(8, 8)
    dark, lit = [row(-1.0), row(-1.0, 9.0)], [row(-1.0), row(0.0, 9.0)]
    runs = [
        Run("dark", dark, judge([-1.0, -1.0], -1.0, seed=7)),
        Run("<lit>", lit, judge([-1.0, 0.0], -1.0, fluence=4.8, seed=7, electrons=0.31, weight=0.52)),
    ]
    report = Report(
        "A & B",
        {"cells": "8x8x1"},
        runs,
        SIDES,
        maps=[("before", field), ("after", -field)],
        film=[(row(-1.0), field), (row(0.0, 9.0), -field)],
        excitation=np.array([[0.1, 0.3]]),
        domain=(15.6, 15.6),
        temperatures={"dark": (np.array([0.0, 9.0]), np.array([300.0, 301.0]))},
        pulse=3.0,
        files={"ovito.dump": "atoms"},
    )
    text = write_report(tmp_path, report).read_text()
    pictures = {file.name for file in tmp_path.iterdir()} - {"report.html"}
    assert pictures == {"charge.png", "temperature.png", "maps.png", "film.gif", "excitation.png"}
    assert len(re.findall(r"data:image/(?:png|gif);base64,", text)) == 5
    assert not re.search(r'src="(?!data:)|href="http|url\(', text)
    assert "<h1>A &amp; B</h1>" in text
    assert "&lt;lit&gt;" in text
    assert re.search(r"&lt;lit&gt;.*?4\.8.*?0\.31.*?0\.52.*?7.*?-1\.00.*?0\.00.*?1\.00.*?yes", text)
    assert re.search(r"<td>dark</td>.*?-1\.00.*?-1\.00.*?0\.00.*?no", text)
    bare = write_report(tmp_path / "bare", Report("t", {}, runs[:1], SIDES)).read_text()
    assert 'id="film"' not in bare
    assert 'id="files"' not in bare


def test_frames_instead_of_unknown_times() -> None:
    assert draw_charges({"a": [row(-1.0, float("nan"))] * 3}) != draw_charges({"a": [row(-1.0, 5.0)] * 3})
