"""A scan of a photo-switching on three ranks gives what one process gives."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the networks need PyTorch: pip install 'mlmd[nn]'")

from .launch import ROOT, mpirun, needs_mpi

pytestmark = [*needs_mpi, pytest.mark.slow]
MAIN = ("-c", "from mlmd.cli import main; main()")


def test_ranks_do_what_one_process_does(tmp_path: Path) -> None:
    """pytest -m slow tests/mpi/test_scan.py, about a minute."""
    small = ROOT / "tests" / "multiscale" / "small.toml"
    alone = mpirun(1, *MAIN, "run", small, "--out", tmp_path / "alone", timeout=600)
    assert alone.returncode == 0, alone.stderr
    words = ("scan", small, "--fluences", "1,2", "--out", tmp_path / "ranks")
    shared = mpirun(3, *MAIN, *words, timeout=600)
    assert shared.returncode == 0, shared.stderr
    for run in ("dark_seed_0", "2mJ_seed_0"):
        one, other = (tmp_path / name / "runs" / run / "trajectory.xyz" for name in ("alone", "ranks"))
        assert one.read_bytes() == other.read_bytes()
    assert len((tmp_path / "ranks" / "outcome.csv").read_text().splitlines()) == 4
