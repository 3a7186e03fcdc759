"""Divide and conquer against the undivided calculation: a row of hydrogen molecules, turned and moved at random."""

from __future__ import annotations

import ase
import numpy as np
import pytest
from ase.units import Bohr

from mlmd.dcmesh.domains import BoxStates, DividedState, box_states, divided_ground_state
from mlmd.dcmesh.errors import ConvergenceError, DecompositionError, OccupationError, PartitionError
from mlmd.dcmesh.parallel import Line
from mlmd.dcmesh.qxmd import ground_state

from .lines import on_ranks

EDGE = 6.0  # bohr, of the box of one molecule
SMEARING = 0.005


def molecules(count: int) -> ase.Atoms:
    """A row along z."""
    rng, positions = np.random.default_rng(4), []
    for place in range(count):
        middle = np.array([3.0, 3.0, 3.0 + EDGE * place]) + rng.uniform(-0.1, 0.1, 3)
        half = rng.normal(size=3)
        half *= 0.75 / np.linalg.norm(half)
        positions += [middle - half, middle + half]
    cell = np.array([EDGE, EDGE, EDGE * count]) * Bohr
    return ase.Atoms(f"H{2 * count}", np.array(positions) * Bohr, cell=cell, pbc=True)


def test_domains_as_large_as_the_cell_give_the_undivided_result() -> None:
    atoms, shape = molecules(2), (16, 16, 32)
    whole = ground_state(atoms, shape, smearing=SMEARING, extra_bands=3, tol=1e-7)
    parts = divided_ground_state(atoms, shape, (1, 1, 2), EDGE / 2, smearing=SMEARING, extra_bands=3, tol=1e-7)
    assert {name: parts.energy[name] - whole.energy[name] for name in whole.energy} == pytest.approx(
        dict.fromkeys(whole.energy, 0.0), abs=2e-5
    )
    assert np.abs(parts.forces() - whole.forces()).max() < 2e-5
    assert np.abs(parts.density - whole.density).sum() * whole.grid.dv < 1e-4


@pytest.mark.slow
def test_error_of_four_domains_falls_with_the_buffer() -> None:
    """Buffers of a half, and of a whole distance between molecules; 1 mHa/atom and 2e-3 Ha/bohr are asked for."""
    atoms, shape = molecules(4), (16, 16, 64)
    whole = ground_state(atoms, shape, smearing=SMEARING, extra_bands=4, tol=1e-7)
    energy, force = [], []
    for buffer in (0.5 * EDGE, EDGE):
        parts = divided_ground_state(atoms, shape, (1, 1, 4), buffer, smearing=SMEARING, tol=1e-6)
        energy.append(abs(parts.energy["total"] - whole.energy["total"]) / len(atoms))
        force.append(np.abs(parts.forces() - whole.forces()).max())
    assert energy[1] < 0.2 * energy[0] and force[1] < 0.2 * force[0]
    assert energy[1] < 1e-4 and force[1] < 5e-4


def row_on(line: Line) -> tuple[DividedState, np.ndarray, BoxStates]:
    """Three molecules of which each rank has some, their forces and their boxes."""
    parts = divided_ground_state(molecules(3), (16, 16, 48), (1, 1, 3), 1.5, smearing=SMEARING, tol=1e-6, line=line)
    return parts, parts.forces(), box_states(parts)


def test_ranks_that_share_out_the_domains_find_the_same() -> None:
    [(alone, forces, start)] = on_ranks(1, row_on)
    filled = start.occupations > 1e-6  # the others are known to the residual at which the eigensolver stops
    for ranks in (2, 3):
        everywhere = on_ranks(ranks, row_on)
        assert sum(len(parts.domains) for parts, *_ in everywhere) == 3
        for parts, same_forces, same_start in everywhere:
            assert parts.iterations == alone.iterations
            assert parts.energy == pytest.approx(alone.energy, abs=1e-10)
            np.testing.assert_allclose(same_forces, forces, rtol=0, atol=1e-10)
            np.testing.assert_allclose(parts.density, alone.density, rtol=0, atol=1e-10)
            assert same_start.energy == pytest.approx(start.energy, abs=1e-10)
            np.testing.assert_allclose(same_start.eigenvalues[filled], start.eigenvalues[filled], rtol=0, atol=1e-10)


def test_what_cannot_be_solved_is_refused() -> None:
    row = molecules(2)
    with pytest.raises(DecompositionError, match="2 domains cannot be shared out among 3 ranks"):
        on_ranks(3, lambda line: divided_ground_state(row, (16, 16, 32), (1, 1, 2), 2.0, line=line))
    with pytest.raises(OccupationError, match="give a smearing width above 0"):
        divided_ground_state(row, (16, 16, 32), (1, 1, 2), 2.0, smearing=0.0)
    with pytest.raises(PartitionError, match="larger than the cell"):
        divided_ground_state(row, (16, 16, 32), (1, 1, 2), 4.0)
    with pytest.raises(PartitionError, match="has no atoms"):
        divided_ground_state(row, (16, 16, 32), (1, 1, 8), 0.0)
    with pytest.raises(ConvergenceError, match="after 1 iterations"):
        divided_ground_state(row, (16, 16, 32), (1, 1, 2), 1.0, max_iter=1)
