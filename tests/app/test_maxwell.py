"""``[maxwell]`` from the command line: a film and a single cell of hydrogen molecules, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from run_files import assert_same_results
from test_real_run import SMALL, mlmd

from mlmd.dcmesh.errors import LightError
from mlmd.dcmesh.memory import check_domains_memory
from mlmd.io.folder import RunFolder

WriteInput = Callable[..., Path]
HBAR = 0.6582119569  # eV fs
FILM = """[maxwell]
domains = 2
spacing = "1.6 nm"
stride = 5
[dynamics]"""
SETTINGS = (
    *SMALL,
    ("[dynamics]", FILM),
    ("0.04 fs", "0.02 fs"),
    ("267 nm", "100 nm"),
    ("extra_bands = 2", "extra_bands = 1"),
)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Any:
    result = mlmd("run", *arguments)
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize(
    "change",
    [("stride = 5", "stride = 5\ndensity_of = 2"), (FILM, '[maxwell]\nfield = "induced"\n[dynamics]')],
    ids=["film", "bulk"],
)
def test_resumed_run_is_the_same_to_the_last_bit(write_input: WriteInput, change: tuple[str, str]) -> None:
    whole = write_input(*SETTINGS, change)
    half = write_input(*SETTINGS, change, ("steps = 60", "steps = 55"), name="half.toml")
    run(half, "--out", "parts")
    run(whole, "--out", "parts", "--resume")
    Path("whole").mkdir()
    Path("whole/ground_state.h5").write_bytes(Path("parts/ground_state.h5").read_bytes())
    run(whole, "--out", "whole")
    assert_same_results(Path("parts"), Path("whole"))
    folders = [RunFolder(Path(name)) for name in ("parts", "whole")]
    light = [folder.light.read_text() if folder.light.exists() else "" for folder in folders]
    assert light[0] == light[1]


def test_a_film_leaves_its_light_and_its_account(write_input: WriteInput) -> None:
    path = write_input(*SETTINGS, ("plots = false", "plots = true"))
    result = run(path, "--out", "out")
    assert "2 domains of 0.6 MiB each, 1 k-point under light" in result.stderr
    assert "2 + 2 + 2 cells of 1.6 nm, 62 in a wavelength in vacuum" in result.stderr
    assert "energy missing" in result.stderr
    folder = RunFolder(Path("out"))
    summary = json.loads(folder.summary.read_text())
    assert summary["electrons"] == 4
    told = summary["light"]
    assert sum(summary["light"]["n_exc_by_domain"]) == pytest.approx(summary["n_exc"])
    with h5py.File(folder.run) as file:
        account = {name: file[f"series/light/{name}"][()] for name in ("incident", "reflected", "transmitted")}
        assert file["series/light/incident"].attrs["unit"].startswith("hartree/bohr^2")
        absorbed, field = (file[f"series/light/{name}"][()] for name in ("absorbed", "field"))
        assert file["series/domains/A"].shape == (7, 2, 3)
        gained = file["series/domains/gained"][()].sum(axis=1)
        total = file["series/energy/total"][()]
    missing = account["incident"] - account["reflected"] - account["transmitted"] - absorbed - field
    assert missing[-1] / account["incident"][-1] == pytest.approx(told["imbalance"], rel=1e-6, abs=1e-9)
    assert gained[-1] * 6.0**3 == pytest.approx(total[-1] - total[0], rel=1e-9)
    ends = np.loadtxt(folder.light, delimiter=",", skiprows=1)
    assert ends.shape == (12, 10)
    spectra = np.loadtxt(folder.light_spectra, delimiter=",", skiprows=1)
    assert spectra[:, 1].max() == pytest.approx(1.0, rel=1e-3)
    energy, _, *expected = spectra[len(spectra) // 2]
    phases = np.exp(1j * energy * ends[:, 0] / HBAR)
    incident, *others = (np.abs(phases @ np.diff(ends[:, z], prepend=0.0)) ** 2 for z in (3, 6, 9))
    assert np.array(others) / incident == pytest.approx(expected, rel=1e-4)
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in (*folder.plots, *folder.film_plots))
    run(write_input(*SETTINGS, (FILM, "[dynamics]"), name="plain.toml"), "--out", "out", "--force")
    assert not any(file.exists() for file in (folder.light, folder.light_spectra, *folder.film_plots))


def test_a_single_cell_without_the_induced_field_is_the_plain_run(write_input: WriteInput) -> None:
    """Its A is the pulse at the steps of the wave, and a parabola between them."""
    pulse = ("0.02 fs", "0.05 fs")
    film = (FILM, '[maxwell]\nfield = "incident"\nstride = 1\n[dynamics]')
    run(write_input(*SETTINGS, film, pulse, ("checkpoint_every = 15", "checkpoint_every = 20")), "--out", "cell")
    plain = (FILM, "[dynamics]")
    run(write_input(*SETTINGS, plain, pulse, name="plain.toml"), "--out", "plain")
    n_exc = [json.loads(Path(name, "summary.json").read_text())["n_exc"] for name in ("cell", "plain")]
    assert n_exc[0] == pytest.approx(n_exc[1], rel=1e-3)
    told = json.loads(Path("cell/summary.json").read_text())["light"]
    assert told["largest_imbalance"] < 0.05
    assert told["field"] == 0.0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("domains = 2", "domains = 0", "[maxwell] domains: must be 1 or more, got 0"),
        ('spacing = "1.6 nm"', "", "[maxwell] spacing: is missing; give the length of a cell"),
        (
            'spacing = "1.6 nm"',
            'spacing = "6 nm"',
            "[maxwell] spacing: 6 nm is too coarse for this light; give 5 nm or",
        ),
        ("stride = 5", "stride = 5\ndensity_of = 3", "[maxwell] density_of: is 3, and there are 2 domains"),
        ("stride = 5", 'stride = 5\nfield = "induced"', '[maxwell] domains: must be 1 with field = "induced"'),
        ("stride = 5", 'stride = 5\naxis = "z"', "[maxwell] axis: is z, and the light is polarised along it"),
        (
            "stride = 5",
            "stride = 7",
            "[dynamics] steps: 60 steps are no multiple of [maxwell] stride = 7; give steps = 63",
        ),
        ("every = 10", "every = 12", "[output] every: 12 steps are no multiple of [maxwell] stride = 5; give 15"),
        (
            "stride = 5",
            'stride = 5\nvacuum_before = "20 nm"',
            "[dynamics] steps: is too short: the end of the pulse is",
        ),
        ("stride = 5", "stride = 10", "[maxwell] stride: a step of the wave of 0.4134 a.u. is too long"),
        ("steps = 60", 'steps = 60\nprecision = "planned"', "[dynamics] precision: is 'planned', which is not there"),
        ("[output]", '[nuclei]\nmotion = "ehrenfest"\n[output]', "[nuclei] motion: is 'ehrenfest', and the"),
    ],
)
def test_refused(write_input: WriteInput, old: str, new: str, words: str) -> None:
    settings = [*SETTINGS, (old, new)]
    if "planned" in new:
        settings.append(("[output]", "[precision]\nbudget = 1e-3\n[output]"))
    if "stride = 10" in new:
        settings.append(("checkpoint_every = 15", "checkpoint_every = 20"))
    path = write_input(*settings)
    result = mlmd("run", path, "--out", "out")
    assert result.exit_code == 2, result.output
    assert result.stderr.strip().splitlines()[-1].startswith(f"error: {path}: {words}")
    assert not Path("out").exists()


def test_more_domains_than_memory() -> None:
    with pytest.raises(LightError, match=r"1000000000 domains need about 1,4.* GiB here"):
        check_domains_memory(10**9, 16**3, 16)


def test_a_kick_is_no_wave(write_input: WriteInput) -> None:
    text = write_input(*SETTINGS).read_text()
    start, end = text.index('type = "sin2"'), text.index("[maxwell]")
    Path("kick.toml").write_text(f'{text[:start]}type = "kick"\nstrength = 0.01\n{text[end:]}')
    result = mlmd("run", "kick.toml", "--out", "out")
    assert result.exit_code == 2
    assert "[laser] type: is 'kick', and the light of [maxwell] has to be a pulse; give" in result.stderr


def test_a_film_is_not_planned(write_input: WriteInput) -> None:
    result = mlmd("precision", write_input(*SETTINGS), "--budget", "1e-3", "--out", "out")
    assert result.exit_code == 2
    assert "[maxwell]: is there, and a plan is for one cell under given light" in result.stderr


def test_a_checkpoint_of_another_film_is_refused(write_input: WriteInput) -> None:
    run(write_input(*SETTINGS), "--out", "out")
    other = write_input(*SETTINGS, ("domains = 2", "domains = 3"))
    result = mlmd("run", other, "--out", "out", "--resume")
    assert result.exit_code == 2
    assert "[maxwell] domains" in result.stderr


@pytest.mark.slow
def test_the_spectrum_of_a_cell_is_that_of_the_field_inside(write_input: WriteInput) -> None:
    """With the induced field and without, the field inside differs, the dielectric function does not."""
    changes = (("1e14", "1e11"), ("steps = 60", "steps = 1000"), ("0.02 fs", "0.6 fs"), ("every = 10\n", "every = 5\n"))
    inside, found = [], []
    for field in ("induced", "incident"):
        cell = (FILM, f'[maxwell]\nfield = "{field}"\n[dynamics]')
        run(write_input(*SETTINGS, *changes, cell, name=f"{field}.toml"), "--out", field)
        result = mlmd("spectrum", field, "--damping", "exponential", "--width", "2 eV")
        assert result.exit_code == 0, result.output
        energy, *eps = np.genfromtxt(Path(field, "spectrum.csv"), delimiter=",", skip_header=1).T[:3]
        with h5py.File(f"{field}/run.h5") as file:
            inside.append(file["series/A"][:, 2])
        found.append(np.array(eps)[:, np.abs(energy - 12.4) < 2.0])
    assert np.abs(inside[0] - inside[1]).max() > 0.2 * np.abs(inside[1]).max()
    print("largest difference", np.abs(found[0] - found[1]).max(), "of", np.abs(found[1]).max())
    assert found[0] == pytest.approx(found[1], abs=0.02 * np.abs(found[1]).max())
