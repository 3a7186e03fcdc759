"""Atoms shared out among ranks move as on one rank, in any ensemble, in bricks thinner than the shell of ghosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest

from .launch import mpirun, needs_mpi

pytestmark = needs_mpi


def told(
    ranks: int, repeat: str, ensemble: str, folder: Path, steps: int = 40
) -> tuple[dict[str, Any], np.ndarray, list[Any]]:
    """What is printed, the table, the frames."""
    answer = mpirun(ranks, "-m", "tests.mpi.md", repeat, ensemble, folder, steps)
    assert answer.returncode == 0, answer.stderr
    table = np.genfromtxt(folder / "observables.csv", delimiter=",", skip_header=1)
    return json.loads(answer.stdout.splitlines()[-1]), table, ase.io.read(folder / "trajectory.xyz", ":")


@pytest.mark.parametrize(
    ("ensemble", "repeat", "ranks"),
    [("nve", "2x2x2", 4), ("langevin", "4x1x1", 2), ("npt-axes", "1x2x3", 3), ("nose-hoover", "1x1x1", 4)],
)
def test_ranks_move_atoms_as_one_rank_does(tmp_path: Path, ensemble: str, repeat: str, ranks: int) -> None:
    alone, rows, frames = told(1, repeat, ensemble, tmp_path / "1")
    shared, rows_shared, frames_shared = told(ranks, repeat, ensemble, tmp_path / str(ranks))
    assert np.prod(shared["grid"]) == ranks
    assert sum(count[0] for count in shared["counts"]) == len(frames[0])
    assert shared["counts"][0][2] >= 2  # lists of neighbours: atoms moved to other ranks
    np.testing.assert_allclose(shared["forces"], alone["forces"], atol=1e-11)
    np.testing.assert_allclose(rows_shared, rows, rtol=1e-7, atol=1e-8)
    for one, other in zip(frames, frames_shared, strict=True):
        np.testing.assert_allclose(other.positions, one.positions, atol=2e-7)


def test_a_run_goes_on_with_another_number_of_ranks(tmp_path: Path) -> None:
    _, rows, _ = told(1, "2x2x1", "langevin", tmp_path / "whole")
    for ranks, steps in ((2, 15), (3, 30), (1, 40)):
        _, parts, frames = told(ranks, "2x2x1", "langevin", tmp_path / "parts", steps)
    np.testing.assert_allclose(parts, rows, rtol=1e-7, atol=1e-8)
    assert len(frames) == 3


def test_a_rank_that_fails_ends_all(tmp_path: Path) -> None:
    answer = mpirun(3, "-m", "tests.mpi.md", "2x2x1", "nve", tmp_path, 40, FAIL=1)
    assert answer.returncode != 0
    assert "what nobody foresaw" in answer.stderr
    assert "error: rank 1 of 3 failed" in answer.stderr


def test_a_folder_that_cannot_be_written_ends_all(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = mpirun(2, "-m", "tests.mpi.md", "1x1x1", "nve", tmp_path / "file", 40)
    assert answer.returncode != 0
    assert answer.stderr.count("cannot be written") >= 2  # both ranks tell
