"""The Hartree potential shared out in slabs: the numbers of one rank, on any number of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlmd.backends import get
from mlmd.dcmesh.domains import GlobalHartree
from mlmd.dcmesh.domains.poisson import CYCLES
from mlmd.dcmesh.domains.slabs import SharedCycles
from mlmd.dcmesh.errors import ConvergenceError
from mlmd.dcmesh.grid import Grid
from mlmd.dcmesh.parallel import Line
from mlmd.dcmesh.parallel.halo import with_halo
from mlmd.kernels import Hartree
from mlmd.kernels.multigrid import Levels

from .lines import on_ranks

H = (0.5, 0.55, 0.45)


def density_on(shape: tuple[int, int, int]) -> np.ndarray:
    """Random, without the shortest waves."""
    density = np.random.default_rng(3).random(shape)
    return sum(np.roll(density, step, axis) for axis in range(3) for step in (-1, 0, 1)) / 9


def grid_of(shape: tuple[int, int, int]) -> Grid:
    return Grid(shape, tuple(n * h for n, h in zip(shape, H, strict=True)))


@pytest.mark.parametrize(("ranks", "planes", "width"), [(1, 3, 8), (2, 9, 4), (3, 10, 8), (4, 5, 3)])
def test_a_halo_is_what_the_neighbours_have(ranks: int, planes: int, width: int) -> None:
    """Wider than a slab, than all slabs, and slabs that differ."""
    field = np.random.default_rng(0).random((planes, 2, 3))
    slabs = on_ranks(ranks, lambda line: with_halo(line, field[line.block(planes)], width, planes // ranks))
    for rank, slab in enumerate(slabs):
        first, end = rank * planes // ranks - width, (rank + 1) * planes // ranks + width
        np.testing.assert_array_equal(slab, field.take(range(first, end), axis=0, mode="wrap"))


SHAPES = [(32, 24, 16), (33, 17, 25), (16, 16, 70), (45, 9, 11)]


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
@pytest.mark.parametrize("thinnest", [1, 8, 16])
@pytest.mark.parametrize("shape", [*SHAPES, (5, 6, 7)])
def test_cycles_on_slabs_are_those_of_the_whole(shape: tuple[int, int, int], ranks: int, thinnest: int) -> None:
    """With slabs down to one plane, and levels with fewer planes than ranks."""
    rhs = density_on(shape)
    rhs -= rhs.mean()
    whole = Hartree(shape, H, method="multigrid", tol=0.0, max_cycles=CYCLES, threads=1)(rhs) / (4 * np.pi)

    def work(line: Line) -> tuple[np.ndarray, int]:
        cycles = SharedCycles(line, shape, H, CYCLES, 1, thinnest)
        return cycles(rhs[line.block(shape[0])]), len(cycles.slabs)

    parts = on_ranks(ranks, work)
    v = np.concatenate([slab for slab, _ in parts])
    assert np.abs(v - v.mean() - whole).max() < 1e-12 * np.abs(whole).max()
    if thinnest == 1 and min(shape) > 8:
        assert parts[0][1] > 2  # levels are shared out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low": np.full(16, 7)}, "lie beyond those of the next level"),
        ({"low": np.arange(16)[::-1] // 4}, "lie beyond those of the next level"),
        ({"low": np.arange(15) // 2}, "one for each plane"),
        ({"rhs": np.zeros((16, 8, 7))}, "of the slab's shape"),
        ({"coarse": np.zeros((9, 4, 4))}, "of the shape of the next level"),
        ({"periodic": (1, 1, 1)}, "not periodic along x"),
        ({"shapes": [[16, 8, 8], [17, 4, 4]], "coarse": np.zeros((17, 4, 4))}, "does not fit the slab"),
        ({"shapes": [[16, 8, 8]]}, "has two levels"),
    ],
)
def test_the_compiled_visit_refuses_what_does_not_fit(change: dict[str, Any], words: str) -> None:
    given = {"shapes": [[16, 8, 8], [8, 4, 4]], "periodic": (0, 1, 1), "low": np.minimum(np.arange(16) // 2, 6)}
    given |= {"rhs": np.zeros((16, 8, 8)), "coarse": np.zeros((8, 4, 4))} | change
    shapes = np.array(given["shapes"], np.int32)
    numbers = (np.ones((len(shapes), 3)), np.ones((len(shapes), 2)))
    levels = Levels(shapes, *numbers, np.array(given["periodic"], np.int32))
    down = get("cpu").load("slab_down")
    with pytest.raises(ValueError, match=words):
        down(levels, given["low"], np.zeros(16), None, given["rhs"], np.zeros((16, 8, 8)), given["coarse"], 1)


@pytest.mark.parametrize("ranks", [2, 3, 4])
@pytest.mark.parametrize("shape", [*SHAPES, (5, 6, 7), (3, 3, 3)])
def test_potential_on_ranks_is_that_of_one(shape: tuple[int, int, int], ranks: int) -> None:
    """Even and odd grids, slabs thinner than the differences reach, and more ranks than planes."""
    density, grid = density_on(shape), grid_of(shape)
    alone = GlobalHartree(grid, 1)
    expected = alone(density)

    def work(line: Line) -> tuple[np.ndarray, int]:
        solver = GlobalHartree(grid, 1, line, smallest=0)
        return solver(density), solver.iterations

    for v, iterations in on_ranks(ranks, work):
        np.testing.assert_allclose(v, expected, rtol=0, atol=1e-10)
        assert iterations == alone.iterations


def test_a_plane_wave_of_density_on_three_ranks() -> None:
    grid = Grid((12, 16, 40), (6.0, 8.0, 20.0))
    wave = np.cos(2 * np.pi * grid.points()[2] / 20.0) + np.zeros(grid.shape)
    for v in on_ranks(3, lambda line: GlobalHartree(grid, 1, line, smallest=0)(wave)):
        np.testing.assert_allclose(v, 4 * np.pi / (2 * np.pi / 20.0) ** 2 * wave, rtol=0, atol=1e-8)


def iterations_on(points: int, ranks: int) -> int:
    """Iterations for two charges of the width of valence ones in a cube."""
    grid = Grid((points,) * 3, (0.5 * points,) * 3)
    x, y, z = (axis - 0.25 * points for axis in grid.points())
    density = np.exp(-(x**2 + y**2 + z**2) / 1.44) - 0.3 * np.exp(-(x**2 + y**2 + (z - 4.0) ** 2) / 2.0)

    def work(line: Line) -> int:
        solver = GlobalHartree(grid, 1, line, smallest=0)
        solver(density)
        return solver.iterations

    counts = set(on_ranks(ranks, work))
    assert len(counts) == 1
    return counts.pop()


def test_iterations_do_not_grow_with_the_grid() -> None:
    alone = [iterations_on(points, 1) for points in (32, 64)]
    assert [iterations_on(points, 2) for points in (32, 64)] == alone
    assert abs(alone[1] - alone[0]) <= 1


@pytest.mark.parametrize("ranks", [1, 2])
def test_cycles_by_threads_and_tiles_are_those_of_one_thread(ranks: int) -> None:
    """Planes so large that a pass takes them in tiles."""
    shape = (70, 150, 120)
    rhs = density_on(shape)
    rhs -= rhs.mean()
    whole = Hartree(shape, H, method="multigrid", tol=0.0, max_cycles=CYCLES, threads=1)(rhs) / (4 * np.pi)
    own = [slice(rank * 70 // ranks, (rank + 1) * 70 // ranks) for rank in range(ranks)]
    parts = on_ranks(ranks, lambda line: SharedCycles(line, shape, H, CYCLES, 3)(rhs[own[line.rank]]))
    v = np.concatenate(parts)
    assert np.abs(v - v.mean() - whole).max() < 1e-12 * np.abs(whole).max()


@pytest.mark.slow
def test_iterations_do_not_grow_with_a_large_grid() -> None:
    assert abs(iterations_on(128, 3) - iterations_on(32, 3)) <= 1


def test_a_density_that_is_not_finite_is_refused_on_all_ranks() -> None:
    def work(line: Line) -> bool:
        with pytest.raises(ConvergenceError, match="finite"):
            GlobalHartree(grid_of((12, 8, 9)), 1, line, smallest=0)(np.full((12, 8, 9), np.nan))
        return True

    assert all(on_ranks(2, work))
