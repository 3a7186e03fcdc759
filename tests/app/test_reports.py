"""Pictures and progress: what a user sees of a run."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from mlmd.errors import NumericsError
from mlmd.io.series import Series
from mlmd.plots import density_slice, draw, excitation, light_and_current
from mlmd.problem import Problem, read_problem
from mlmd.progress import Progress

PULSE = 'type = "sin2"\nwavelength = "267 nm"\nintensity = "1e12 W/cm2"\nduration = "0.04 fs"'
LASERS = {
    "none": 'type = "none"',
    "kick": 'type = "kick"\nstrength = "0.01 1/bohr"\nstart = "10 as"\npolarization = [1, 1, 0]',
    "sin2": PULSE,
    "gaussian": PULSE.replace("sin2", "gaussian").replace("0.04 fs", "5 as"),
}


EXCITED = Series()
EXCITED.append(0, 0.0, {"n_exc": 1e-3})


@pytest.fixture(params=LASERS)
def problem(request: pytest.FixtureRequest, write_input: Callable[..., Path]) -> Problem:
    return read_problem(write_input((PULSE, LASERS[request.param])))


def observations(light: bool) -> Series:
    series = Series()
    for step in range(0, 61, 10):
        a = light * np.array([0.0, 0.0, np.sin(step)])
        series.append(step, 0.04 * step, {"A": a, "J": 1e-3 * a, "n_exc": light * 1e-6 * step})
    return series


@pytest.mark.parametrize("light", [False, True])
def test_pictures_for_every_kind_of_light(problem: Problem, light: bool) -> None:
    change = light * 1e-3 * np.random.default_rng(1).standard_normal((8, 8, 9))
    for picture in draw(problem, observations(light), change):
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 10_000


def test_axes_have_units(problem: Problem) -> None:
    change = np.zeros((8, 8, 9))
    change[3, 4, 5] = 1.0
    figures = (
        light_and_current(problem, observations(True)),
        excitation(problem, observations(True)),
        density_slice(problem, change),
    )
    labels = [axes.get_xlabel() + "|" + axes.get_ylabel() for figure in figures for axes in figure.axes]
    assert labels[1] == "time (fs)|current density $J$ (a.u.)"
    assert labels[2] == "time (fs)|excited electrons per cell"
    assert labels[3].endswith("|z (Å)")
    assert labels[4] == "|electrons / bohr³"


def test_nan_in_an_observation_names_the_step() -> None:
    with pytest.raises(NumericsError, match="step 7: 'energy/total' is NaN"):
        Series().append(7, 0.1, {"energy": {"total": float("nan")}})


def test_plain_lines_without_a_terminal() -> None:
    text = io.StringIO()
    progress = Progress(Console(file=text, width=40))
    with progress.ground_state(10) as ground_state:
        ground_state(1, -1.0, 1e-3)
    with progress.dynamics(0, 100, 2.0) as dynamics:
        for step in range(1, 101):
            dynamics(step, 0.5, EXCITED)
    lines = text.getvalue().splitlines()
    assert lines[0].startswith("ground state: -1.000000 Ha after 1 iterations")
    assert len(lines) == 11
    assert lines[-1] == "light: step 100 of 100  n_exc 1.000e-03  took 0:00  2.5e-03 s/(electron*step)"


@pytest.mark.parametrize("width", [80, 120])
def test_bars_on_a_terminal(width: int) -> None:
    text = io.StringIO()
    progress = Progress(Console(file=text, width=width, force_terminal=True))
    with progress.dynamics(0, 12000, 2.0) as dynamics:
        dynamics(5000, 0.5, EXCITED)
    assert "5000/12000" in text.getvalue()
    assert "s/(electron*step)" in text.getvalue()
    assert "light: step" not in text.getvalue()
