"""How a cell is cut, and the Hartree potential of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.dcmesh.domains import GlobalHartree, partition, recombine
from mlmd.dcmesh.errors import ConvergenceError, PartitionError
from mlmd.dcmesh.grid import Grid
from mlmd.dcmesh.qxmd.energy import hartree_potential

GRID = Grid((12, 8, 20), (6.0, 4.4, 8.0))


@pytest.mark.parametrize("divisions", [(1, 1, 2), (2, 1, 4), (3, 2, 2), (1, 1, 1)])
@pytest.mark.parametrize("buffer", [0.0, 0.5, 1.0])
def test_a_field_cut_and_recombined_is_the_same(divisions: tuple[int, int, int], buffer: float) -> None:
    field = np.random.default_rng(0).standard_normal(GRID.shape)
    boxes = partition(GRID, divisions, buffer)
    assert len(boxes) == np.prod(divisions)
    assert np.allclose(recombine(boxes, [field[box.points] for box in boxes]), field, atol=1e-14)


def test_boxes_keep_spacing_and_edges_that_are_not_divided() -> None:
    for box in partition(GRID, (2, 1, 1), 1.0):
        assert box.grid.shape == (10, 8, 20)
        assert np.allclose(box.grid.spacing, GRID.spacing)


@pytest.mark.parametrize("buffer", [0.0, 0.5, 1.0, 1.6])
@pytest.mark.parametrize("divisions", [(2, 2, 2), (1, 1, 2), (3, 1, 4)])
def test_atoms_are_shared_out_to_boxes_that_hold_them(buffer: float, divisions: tuple[int, int, int]) -> None:
    positions = np.random.default_rng(1).uniform(-9.0, 9.0, (200, 3))
    positions[0], positions[1] = 0.0, 0.5 * np.array(GRID.lengths)
    boxes = partition(GRID, divisions, min(buffer, 0.5 * min(GRID.lengths) / max(divisions)))
    shares = np.array([box.shares(positions) for box in boxes])
    assert np.allclose(shares.sum(axis=0), 1.0, atol=1e-14)
    assert all(box.holds(positions)[share > 0].all() for box, share in zip(boxes, shares, strict=True))


def test_share_of_an_atom_is_the_support_where_it_lies() -> None:
    for box in partition(GRID, (1, 1, 2), 2.0):
        points = np.moveaxis(np.indices(box.grid.shape), 0, -1).reshape(-1, 3)
        shares = box.shares(box.origin + points * GRID.spacing)
        assert np.allclose(shares, box.support.ravel(), atol=1e-12)


def test_a_box_sees_atoms_where_the_cell_has_them() -> None:
    positions = np.random.default_rng(2).uniform(0.0, 8.0, (50, 3))
    for box in partition(GRID, (2, 1, 2), 0.8):
        back = box.local(positions) + box.origin - positions
        assert np.allclose(back / GRID.lengths, np.round(back / GRID.lengths), atol=1e-12)


def test_a_box_as_large_as_the_cell_is_the_cell() -> None:
    (box, _) = partition(GRID, (1, 1, 2), 2.0)
    assert box.grid.shape == GRID.shape
    with pytest.raises(PartitionError, match=r"larger than the cell.* along z.*give at most 2 bohr"):
        partition(GRID, (1, 1, 2), 2.1)


@pytest.mark.parametrize(
    ("divisions", "buffer", "words"),
    [
        ((1, 1, 3), 0.5, r"3 domains along z do not tile 20 grid points"),
        ((5, 1, 1), 0.5, r"5 domains along x do not tile 12 grid points"),
        ((1, 0, 1), 0.5, r"divisions \[1, 0, 1\]: give three whole numbers"),
        ((1, 1), 0.5, r"divisions \[1, 1\]"),
        ((1, 1, 2), -0.5, r"buffer of -0.5 bohr"),
        ((1, 1, 2), float("nan"), r"buffer of nan bohr"),
    ],
)
def test_what_cannot_be_cut_is_refused(divisions: tuple[int, ...], buffer: float, words: str) -> None:
    with pytest.raises(PartitionError, match=words):
        partition(GRID, divisions, buffer)


def test_potential_of_gaussians_agrees_with_the_spectral_one() -> None:
    """A width of 1.2 bohr on 0.5 bohr, as valence densities have it; 3-point differences are 2 % off."""
    grid = Grid((16, 20, 40), (8.0, 9.6, 20.0))
    x, y, z = grid.points()
    r2 = (x - 4.0) ** 2 + (y - 4.8) ** 2
    density = np.exp(-(r2 + (z - 8.0) ** 2) / 1.44) - 0.5 * np.exp(-(r2 + (z - 11.0) ** 2) / 1.44)
    exact = hartree_potential(density, grid)
    assert np.abs(GlobalHartree(grid)(density) - exact).max() < 2e-5 * np.abs(exact).max()


def test_solver_starts_from_its_last_potential_and_stays_exact() -> None:
    density = np.random.default_rng(3).random(GRID.shape)
    density = (density + np.roll(density, 1, 0) + np.roll(density, 1, 1) + np.roll(density, 1, 2)) / 4
    solver = GlobalHartree(GRID)
    first = solver(density)
    solver(2.0 * density)
    assert np.allclose(solver(density), first, atol=1e-7)


def test_a_density_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ConvergenceError, match="finite"):
        GlobalHartree(GRID)(np.full(GRID.shape, np.nan))
