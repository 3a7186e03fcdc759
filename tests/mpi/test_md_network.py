"""The shipped model on 1, 2 and 4 ranks: the same forces, the same energies along the way; in SrTiO3, too."""

from __future__ import annotations

from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from ..nnqmd.perovskites import superlattice
from .launch import mpirun, needs_mpi

pytestmark = [*needs_mpi, pytest.mark.slow]
MAIN = ("-c", "from mlmd.cli import main; main()")


def moved(
    ranks: int, folder: Path, cell: Path, memory: str = "2GiB", steps: int = 1000, *more: object
) -> tuple[np.ndarray, np.ndarray, int]:
    """Forces on a rattled crystal, and potential, total energy and temperature along the way (every tenth step)."""
    options = ["--temperature", 300, "--steps", steps, "--memory", memory, "--frames", 1000]
    options += more or ["--repeat", "4x2x2"]
    answer = mpirun(
        ranks, *MAIN, "nn", "md", "pto_ground", "--structure", cell, "--out", folder, *options, timeout=3000
    )
    assert answer.returncode == 0, answer.stderr
    blocks = next(line for line in answer.stdout.splitlines() if "blocks" in line).split("│")[-2]
    table = np.genfromtxt(folder / "observables.csv", delimiter=",", names=True)
    columns = np.array([table[name] for name in ("potential_eV", "total_eV", "temperature_K")])
    return ase.io.read(folder / "trajectory.xyz", 0).get_forces(), columns, int(float(blocks))


def test_ranks_and_blocks_of_the_shipped_model(tmp_path: Path) -> None:
    """pytest -m slow -s tests/mpi/test_md_network.py, about 5 minutes."""
    cell = ase.Atoms("PbTiO3", cell=[3.858, 3.858, 4.299], pbc=True)
    cell.set_scaled_positions([[0, 0, 0], [0.5, 0.5, 0.537], [0.5, 0.5, 0.1], [0.5, 0, 0.61], [0, 0.5, 0.61]])
    cell.positions += 0.02 * np.random.default_rng(0).standard_normal((5, 3))
    ase.io.write(tmp_path / "cell.xyz", cell)
    forces, way, _ = moved(1, tmp_path / "1", tmp_path / "cell.xyz")
    assert np.abs(forces).max() > 0.3
    assert np.ptp(way[1]) / 80 < 1e-4  # energy is conserved
    for name, ranks, memory in (("2 ranks", 2, "2GiB"), ("4 ranks", 4, "2GiB"), ("1 rank", 1, "4MiB")):
        other, way_other, blocks = moved(ranks, tmp_path / name, tmp_path / "cell.xyz", memory)
        errors = np.abs(way_other - way).max(axis=1)
        print(
            f"{name}, {blocks} block(s): forces to {np.abs(other - forces).max():.1e} eV/A; in 1,000 steps potential "
            f"and total energy to {errors[0] / 80:.1e} and {errors[1] / 80:.1e} eV/atom, {errors[2]:.1e} K"
        )
        assert np.abs(other - forces).max() < 1e-6
        assert errors[1] / 80 < 1e-5
        assert errors[0] / 80 < 1e-5
    assert blocks >= 16


def test_ranks_and_blocks_of_a_network_in_surroundings(tmp_path: Path) -> None:
    """pytest -m slow -s tests/mpi/test_md_network.py -k surroundings, about a minute: 160 atoms, 100 steps."""
    ase.io.write(tmp_path / "start.extxyz", superlattice(4, 4, c=4.1, polar=True))
    options = ("--repeat", "2x2x1", "--mm", "srtio3")
    forces, way, _ = moved(1, tmp_path / "1", tmp_path / "start.extxyz", "2GiB", 100, *options)
    assert np.abs(forces).max() > 0.3
    for name, ranks, memory in (("2 ranks", 2, "2GiB"), ("1 rank", 1, "4MiB")):
        other, way_other, blocks = moved(ranks, tmp_path / name, tmp_path / "start.extxyz", memory, 100, *options)
        errors = np.abs(way_other - way).max(axis=1)
        print(
            f"{name}, {blocks} block(s): forces to {np.abs(other - forces).max():.1e} eV/A; in 100 steps potential "
            f"and total energy to {errors[0] / 160:.1e} and {errors[1] / 160:.1e} eV/atom"
        )
        assert np.abs(other - forces).max() < 1e-6
        assert max(errors[:2]) / 160 < 1e-5
    assert blocks >= 16
