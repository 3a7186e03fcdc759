"""Two runs side by side: figures, picture, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mlmd.compare import compare
from mlmd.io.record import Record, read_record
from mlmd.io.series import Series
from mlmd.plots import side_by_side

Mlmd = Callable[..., Any]
WriteInput = Callable[..., Path]
MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path) -> MakeRun:
    """Do a run with pieces of the input replaced and return its folder."""

    def make(name: str, *replacements: tuple[str, str]) -> Path:
        result = mlmd_cli("run", write_input(*replacements, name=f"{name}.toml"), "--out", name)
        assert result.exit_code == 0, result.output
        return tmp_path / name

    return make


@pytest.fixture
def record(make_run: MakeRun) -> Record:
    return read_record(make_run("run"))


def observed(record: Record, times: np.ndarray, **columns: np.ndarray) -> Record:
    """Return a record with observations of our own."""
    series = Series()
    zero = {"n_exc": np.zeros(len(times)), "J": np.zeros((len(times), 3)), "total": np.zeros(len(times))}
    for step, time in enumerate(times):
        row = {name: column[step] for name, column in (zero | columns).items()}
        series.append(step, time, {"n_exc": row["n_exc"], "J": row["J"], "energy": {"total": row["total"]}, "norm": 0})
    return replace(record, series=series)


def assert_refused(result: Any, *words: str) -> None:
    assert result.exit_code == 2, result.output
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in ("error: ", *words):
        assert word in result.stderr
    assert not result.stdout


def test_table_and_picture(mlmd_cli: Mlmd, make_run: MakeRun, tmp_path: Path) -> None:
    make_run("one")
    make_run("two", ("steps = 60", 'steps = 60\nmode = "exact"'))
    result = mlmd_cli("compare", "one", "two")
    assert result.exit_code == 0, result.output
    assert not result.stderr
    for word in ("A: one", "B: two", "shadow, fp64", "exact, fp64", "dt = 1 as", "n_exc at 0.06 fs", "at most 0 %"):
        assert word in result.stdout
    assert "picture: one_vs_two.png" in result.stdout
    assert (tmp_path / "one_vs_two.png").read_bytes().startswith(b"\x89PNG")
    assert mlmd_cli("compare", tmp_path / "one", "two/", "--out", "mine.png").exit_code == 0
    assert (tmp_path / "mine.png").stat().st_size > 20_000


def test_figures(record: Record) -> None:
    times = np.array([0.0, 1.0, 2.0])
    J = np.array([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0], [0.0, 0.0, 0.0]])
    b = observed(record, times, n_exc=np.array([0.0, 4.0, 2.0]), J=J, total=np.array([-1.0, 0.0, 1.0]))
    a = observed(record, times, n_exc=np.array([0.0, 3.0, 2.5]), J=0.9 * J, total=np.array([-1.0, 0.0, 0.5]))
    found = compare(a, b)
    assert found.final_n_exc == pytest.approx(0.25)
    assert found.largest_n_exc == pytest.approx(0.25)
    assert found.current == pytest.approx(0.1)
    assert found.largest_current == pytest.approx(0.1)
    assert (found.absorbed_a, found.absorbed_b, found.absorbed) == pytest.approx((1.5, 2.0, -0.25))
    assert not found.notes
    assert not found.warnings


def test_other_times_are_interpolated(record: Record) -> None:
    def pulse(times: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"n_exc": np.sin(times) ** 2, "J": np.cos(times)[:, None] * np.array([0.0, 0.0, 1.0]), "total": times}

    fine, coarse = np.linspace(0.0, 4.0, 41), np.linspace(0.0, 5.0, 71)
    found = compare(observed(record, fine, **pulse(fine)), observed(record, coarse, **pulse(coarse)))
    assert np.array_equal(found.time, fine)
    assert found.largest_n_exc < 1e-5
    assert found.current < 1e-5
    assert found.absorbed_b == pytest.approx(4.0)
    assert found.notes == (
        "sampled at different times (A every 2.419 as, B every 1.728 as): "
        "B is interpolated on the times of A (cubic spline)",
        "A is the shorter run: compared up to 0.09676 fs",
    )


def test_half_the_step_at_the_same_times(mlmd_cli: Mlmd, make_run: MakeRun) -> None:
    make_run("one")
    make_run("half", ('dt = "1 as"\nsteps = 60', 'dt = "0.5 as"\nsteps = 140'), ("every = 10\n", "every = 20\n"))
    result = mlmd_cli("compare", "one", "half")
    assert result.exit_code == 0, result.output
    assert result.stderr == "note: A is the shorter run: compared up to 0.06 fs\n"


def test_what_else_differs_is_a_warning(mlmd_cli: Mlmd, make_run: MakeRun) -> None:
    make_run("one")
    seed = ("plots = false", "plots = false\n[run]\nseed = 2")
    make_run("two", ("[8, 8, 9]", "[8, 9, 9]"), ("steps = 60", 'steps = 60\nscissor = "1 eV"'), seed)
    result = mlmd_cli("compare", "one", "two")
    assert result.exit_code == 0, result.output
    assert result.stderr == "warning: the runs differ also in [dynamics] scissor, [grid] shape, [run] seed\n"


def test_the_same_light_in_other_words(mlmd_cli: Mlmd, make_run: MakeRun) -> None:
    make_run("one")
    make_run("two", ('wavelength = "267 nm"', 'photon_energy = "4.64360670 eV"'))
    assert mlmd_cli("compare", "one", "two").exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("1e12", "2e12", "[laser] intensity"),
        ('duration = "0.04 fs"', 'duration = "0.04 fs"\npolarization = [0, 1, 1]', "[laser] polarization"),
        ("cell = [8.0, 8.0, 8.0]", "cell = [8.0, 8.0, 8.1]", "[system] cell, [system] positions"),
        ("0.59", "0.60", "[system] positions"),
        ('["H", 0.5, 0.5, 0.59]', '["He", 0.5, 0.5, 0.59], ["H", 0.1, 0.1, 0.1]', "[system] atoms"),
    ],
)
def test_another_problem_is_refused(mlmd_cli: Mlmd, make_run: MakeRun, old: str, new: str, key: str) -> None:
    make_run("one")
    make_run("two", (old, new))
    words = f"two: is of another problem than one: it differs in {key}; compare runs of the same atoms and light"
    assert_refused(mlmd_cli("compare", "one", "two"), words)


def test_an_image_of_an_atom_is_the_same_atom(mlmd_cli: Mlmd, make_run: MakeRun) -> None:
    make_run("one")
    make_run("two", ('["H", 0.5, 0.5, 0.59]', '["H", 0.5, -0.5, 1.59]'))
    assert mlmd_cli("compare", "one", "two").exit_code == 0


def test_other_electrons_are_refused(mlmd_cli: Mlmd, make_run: MakeRun, tmp_path: Path) -> None:
    make_run("one")
    shutil.copytree(make_run("two"), tmp_path / "ion")
    with h5py.File("ion/run.h5", "a") as file:
        file["ground_state/occupations"][0, 1] = 2.0
    assert_refused(mlmd_cli("compare", "one", "ion"), "ion: is of another", "the electrons (2 and 4)")


def test_not_a_finished_run(mlmd_cli: Mlmd, make_run: MakeRun, tmp_path: Path) -> None:
    make_run("one")
    (tmp_path / "empty").mkdir()
    for name in ("none", "empty", "one.toml"):
        words = f"{name}: is not a run folder: there is no run.h5 in it; give the folder that 'mlmd run' wrote to"
        assert_refused(mlmd_cli("compare", "one", name), words)
        assert_refused(mlmd_cli("compare", name, "one"), words)
    unfinished = make_run("two")
    (unfinished / "run.h5").unlink()
    assert_refused(mlmd_cli("compare", "one", "two"), "two: holds an unfinished run; finish it with")


def test_a_broken_result(mlmd_cli: Mlmd, make_run: MakeRun) -> None:
    make_run("one")
    file = make_run("two") / "run.h5"
    whole = file.read_bytes()
    for broken in (b"", b"text", whole[: len(whole) // 2], Path("two/checkpoint.h5").read_bytes()):
        file.write_bytes(broken)
        assert_refused(mlmd_cli("compare", "one", "two"), "two: run.h5 cannot be read (", "; do the run again")
    file.write_bytes(whole)
    with h5py.File(file, "a") as opened:
        settings = opened["input/settings"].asstr()[()]
        del opened["input/settings"]
        opened["input/settings"] = settings.replace('"mode"', '"model"')
    words = "run.h5 cannot be read (another version of mlmd made it: [dynamics] model is not a known key"
    assert_refused(mlmd_cli("compare", "one", "two"), "two: ", words)


def test_the_name_of_the_picture(mlmd_cli: Mlmd, make_run: MakeRun) -> None:
    make_run("one")
    assert_refused(mlmd_cli("compare", "one", "one", "--out", "one.pdf"), "one.pdf: --out: is not a name of a PNG")
    assert_refused(mlmd_cli("compare", "one", "one", "--out", "none/a.png"), "none/a.png: --out: cannot be written")


def test_labels_and_units_of_the_picture(record: Record) -> None:
    figure = side_by_side(compare(record, replace(record, folder=Path("other"))))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    run = "shadow, fp64, reference, dt = 1 as"
    assert labels == [f"A  {run} (run)", f"B  {run} (other)", "pulse (intensity)"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "time (fs)", "time (fs)"]
    assert figure.axes[0].get_ylabel() == "excited electrons per cell"
    assert figure.axes[1].get_ylabel() == "current density $J$ ($10^{-4}$ a.u.)"


def test_in_the_dark(make_run: MakeRun) -> None:
    light = 'type = "sin2"\nwavelength = "267 nm"\nintensity = "1e12 W/cm2"\nduration = "0.04 fs"'
    dark = read_record(make_run("dark", (light, 'type = "none"')))
    found = compare(dark, dark)
    assert (found.final_n_exc, found.current, found.absorbed) == (0.0, 0.0, 0.0)
    assert len(side_by_side(found).axes) == 4
