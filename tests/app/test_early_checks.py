"""What cannot work is refused before the ground state is computed, on the real physics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

import mlmd.dcmesh.memory
import mlmd.dcmesh.qxmd
from mlmd.cli import app
from mlmd.dcmesh.memory import GIB, ground_state_memory

WriteInput = Callable[..., Path]
BIG_CELL = ("cell = [8.0, 8.0, 8.0]", "cell = [400.0, 400.0, 400.0]")
FINE_GRID = ("shape = [8, 8, 9]", "shape = [24, 24, 24]")


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Run an input that must be refused without any work; return the message."""

    def never(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the ground state is computed")

    def run(path: Path, *options: str) -> str:
        result: Any = CliRunner().invoke(app, ["run", str(path), "--out", "out", *options])
        assert result.exit_code == 2, result.output
        assert not Path("out").exists()
        assert len(result.stderr.strip().splitlines()) == 1
        return str(result.stderr)

    monkeypatch.setattr(mlmd.dcmesh.qxmd, "ground_state", never)
    monkeypatch.chdir(tmp_path)
    return run


def test_hopeless_time_step(refuse: Callable[..., str], write_input: WriteInput) -> None:
    message = refuse(write_input(FINE_GRID, ('dt = "1 as"', 'dt = "5 as"')))
    assert "in.toml: [dynamics] dt: dt = 0.206707 a.u. cannot be followed on this grid and pulse" in message
    assert "(at most 2.81 as)" in message


def test_time_step_too_long_for_the_light(refuse: Callable[..., str], write_input: WriteInput) -> None:
    message = refuse(write_input(FINE_GRID, ("267 nm", "1 nm")))
    assert "[dynamics] dt: " in message
    assert "(at most 0.265 as)" in message


@pytest.mark.parametrize("backend", ["cude", "sycle"])
def test_backend_that_is_not_there(refuse: Callable[..., str], write_input: WriteInput, backend: str) -> None:
    assert f"--backend: backend '{backend}' is not there" in refuse(write_input(FINE_GRID), "--backend", backend)


@pytest.mark.parametrize(
    ("grid", "key", "points"),
    [
        ("shape = [4000, 4000, 4000]", "[grid] shape", "4000 x 4000 x 4000"),
        ("spacing = 0.1", "[grid] spacing", "4000 x 4000 x 4000"),
    ],
)
def test_problem_larger_than_any_machine(
    refuse: Callable[..., str], write_input: WriteInput, grid: str, key: str, points: str
) -> None:
    steps = ('dt = "1 as"\nsteps = 60', 'dt = "0.1 as"\nsteps = 600')
    message = refuse(write_input(BIG_CELL, ("shape = [8, 8, 9]", grid), steps))
    assert f"{key}: the ground state needs about 35,762.8 GiB for 3 bands on {points} points, and this" in message
    assert message.endswith("take a coarser grid, fewer bands or a larger machine\n")


def test_memory_of_this_machine_decides(
    refuse: Callable[..., str], write_input: WriteInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = ground_state_memory(24**3, 3, 4, real=False)
    monkeypatch.setattr(mlmd.dcmesh.memory, "physical_memory", lambda: needed - 1)
    kpoints = ("extra_bands = 2", "extra_bands = 2\nkpoints = [2, 2, 2]\nkpoint_shift = [0.5, 0.5, 0.5]")
    message = refuse(write_input(FINE_GRID, kpoints))
    assert "3 bands on 24 x 24 x 24 points at 4 k-points, and this machine has 0.0 GiB" in message
    for enough in (needed, None):
        monkeypatch.setattr(mlmd.dcmesh.memory, "physical_memory", lambda enough=enough: enough)
        mlmd.dcmesh.memory.check_memory((24, 24, 24), 3, 4, real=False)


def test_complex_orbitals_need_twice_the_memory() -> None:
    assert ground_state_memory(1000, 10, 1, real=False) == 2 * ground_state_memory(1000, 10, 1, real=True)
    assert ground_state_memory(100**3, 100, 1, real=True) == pytest.approx(18.6 * GIB, rel=1e-2)
