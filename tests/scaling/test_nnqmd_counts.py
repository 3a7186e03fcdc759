"""What is said about the ghosts and messages of XS-NNQMD is what comes out where atoms are counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlmd.errors import PlanError
from mlmd.perf.scaling import published_nnqmd as published
from mlmd.perf.scaling.model import Rate, Roofs
from mlmd.perf.scaling.network import EXCHANGE, Network, message_seconds
from mlmd.perf.scaling.series import project
from mlmd.scaling.crystal import DENSITY, brick_with_ghosts
from mlmd.scaling.nnqmd import VECTOR, Brick, Crystal, cube, load, memory, messages, strong_series, weak_series
from mlmd.scaling.nnqmd import Network as Model

CUTOFF = 5.0
PEROVSKITE = Crystal(density=0.08, cutoff=5.2, neighbours=50.0)
MODEL = Model("made up", 1000, {"dense": (4000.0, 2000.0), "edges": (500.0, 800.0)}, held=1e5)


@pytest.fixture(scope="module")
def gas() -> np.ndarray:
    """Points at random in a periodic cell of 3 x 3 x 3 bricks."""
    return np.random.default_rng(0).uniform(0.0, 1.0, (60_000, 3)) * 3 * np.array([14.0, 11.0, 9.0])


SIDES = np.array([14.0, 11.0, 9.0])


def ghosts_of(points: np.ndarray, place: np.ndarray) -> set[tuple[int, int, int, int]]:
    """Points outside a brick and their images that are within the cutoff of its faces: (number, image)."""
    low, high = place * SIDES, (place + 1) * SIDES
    found = set()
    for image in itertools.product((-1, 0, 1), repeat=3):
        at = points + 3 * SIDES * np.array(image)
        near = np.all((at >= low - CUTOFF) & (at < high + CUTOFF), axis=1)
        inside = np.all((at >= low) & (at < high), axis=1)
        found |= {(int(k), *image) for k in np.flatnonzero(near & ~inside)}
    return found


def test_ghosts_are_those_of_a_brute_force_count(gas: np.ndarray) -> None:
    """Of all 27 bricks together, within four standard deviations of the mean."""
    brick = Brick(tuple(SIDES), Crystal(len(gas) / np.prod(3 * SIDES), CUTOFF, 50.0))  # type: ignore[arg-type]
    counted = [len(ghosts_of(gas, np.array(place))) for place in itertools.product(range(3), repeat=3)]
    assert brick.ghosts * 27 == pytest.approx(sum(counted), rel=4 / len(gas) ** 0.5)


def test_three_exchanges_bring_all_ghosts(gas: np.ndarray) -> None:
    """Along x, then y, then z, what came before passed on: all ghosts, none twice, and as many as is said."""
    places = [np.array(place) for place in itertools.product(range(3), repeat=3)]
    has = {}
    for place in places:
        inside = np.all((gas >= place * SIDES) & (gas < (place + 1) * SIDES), axis=1)
        has[tuple(place)] = [(int(k), np.zeros(3, int)) for k in np.flatnonzero(inside)]
    brick = Brick(tuple(SIDES), Crystal(len(gas) / np.prod(3 * SIDES), CUTOFF, 50.0))  # type: ignore[arg-type]
    for axis in range(3):
        came: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = {tuple(place): [] for place in places}
        sent = 0
        for place, to in itertools.product(places, (-1, 1)):
            other, turn = place.copy(), np.zeros(3, int)
            other[axis] += to
            turn[axis] = -(other[axis] // 3)  # across the border of the cell
            other[axis] %= 3
            face = (place[axis] + (to > 0)) * SIDES[axis]
            for number, image in has[tuple(place)]:
                away = to * (face - (gas[number] + 3 * SIDES * image)[axis])
                if 0 <= away <= CUTOFF:
                    came[tuple(other)].append((number, image + turn))
                    sent += 1
        assert sent / 54 == pytest.approx(brick.sent[axis], rel=0.03)
        for key, news in came.items():
            has[key] += news
    for place in places[::5]:
        own = sum(not image.any() and _inside(gas[number], place) for number, image in has[tuple(place)])
        got = [(number, *map(int, image)) for number, image in has[tuple(place)]][own:]
        assert len(got) == len(set(got))
        assert set(got) == ghosts_of(gas, place)


def _inside(point: np.ndarray, place: np.ndarray) -> bool:
    return bool(np.all((point >= place * SIDES) & (point < (place + 1) * SIDES)))


@pytest.mark.parametrize("cells", [3, 10])
def test_bricks_that_are_measured_have_the_ghosts_of_the_geometry(cells: int) -> None:
    """To half of the distance of two planes of the lattice, by which a shell of points may be thicker or thinner."""
    atoms, own = brick_with_ghosts(cells, 5.2)
    sides, grain = (3.9 * cells, 3.9 * cells, 4.1 * cells), 4.1 / 4
    thin, thick = (Brick(sides, Crystal(DENSITY, 5.2 + move, 50.0)).ghosts for move in (-grain, grain))
    assert own == 5 * cells**3 == pytest.approx(Brick(sides, Crystal(DENSITY, 5.2, 50.0)).atoms)
    assert thin < len(atoms) - own < thick


def test_limits() -> None:
    """Few ghosts round a large brick, many round a small one; none thinner than the cutoff."""
    large, small = cube(1e9, PEROVSKITE), cube(3000, PEROVSKITE)
    shell = 6 * PEROVSKITE.cutoff / large.sides[0]
    assert large.ghosts / large.atoms == pytest.approx(shell, rel=shell)
    assert small.ghosts / small.atoms == pytest.approx((1 + 10.4 / small.sides[0]) ** 3 - 1)
    with pytest.raises(PlanError, match=r"thinner than the cutoff of 5\.2; project to fewer ranks"):
        cube(10, PEROVSKITE)


def test_messages_carry_each_ghost_in_and_its_force_out() -> None:
    """Two messages an axis each way; bytes are those of all ghosts, twice."""
    brick = cube(1000, PEROVSKITE)
    found = messages(brick, 8)
    exchanged = sum(2 * m.calls * m.nbytes for m in found if m.kind == EXCHANGE)
    assert exchanged == pytest.approx(2 * VECTOR * brick.ghosts)
    assert messages(brick, 1) == []
    free = Network(latency=1e-6, link=1e30)
    assert sum(message_seconds(m, free) for m in found if m.kind == EXCHANGE) == pytest.approx(12e-6)


def test_work_goes_with_pairs_and_memory_is_bounded() -> None:
    """Networks see the pairs of own atoms, the search those of ghosts too; a block at a time is in memory."""
    brick = cube(1000, PEROVSKITE)
    work = load(brick, MODEL)
    assert work["dense"].flops == pytest.approx(1000 * 50 * 4000)
    assert work["neighbours"].nbytes > work["neighbours"].nbytes * 1000 / (brick.atoms + brick.ghosts)
    assert load(cube(2000, PEROVSKITE), MODEL)["edges"].nbytes == pytest.approx(2 * work["edges"].nbytes)
    assert memory(cube(1e6, PEROVSKITE), MODEL) < 2 * memory(cube(1e5, PEROVSKITE), MODEL)


def test_series_of_the_paper() -> None:
    """Atoms and ranks of Figures 5a and 5b; efficiency where nothing is lost, and where only ghosts count."""
    rates = {name: Rate(0.0, 1.0, 0.0) for name in ("dense", "edges", "neighbours", "atoms")}
    weak = weak_series(published.WEAK_RANKS, PEROVSKITE, MODEL)
    assert [series.cases[-1].quantity for series in weak] == [1.92e10, 7.68e10, 1.2288e12]
    for series in weak:
        runs = project(series, rates, Roofs(1e13, 1e12), Network(1e-6, 1e30))
        assert runs[-1].efficiency == pytest.approx(1.0, abs=1e-2)
    strong = strong_series(published.STRONG_RANKS, PEROVSKITE, MODEL)
    assert {case.quantity for series in strong for case in series.cases} == {221_400_000, 984_000_000}
    small, large = (project(series, rates, Roofs(1e13, 1e12), Network(0.0, 1e30))[-1].efficiency for series in strong)
    assert 0.0 < small < large < 1.0
    only = {name: Rate(0.0, 1.0 if name == "atoms" else 1e30, 0.0) for name in rates}
    runs = project(strong[0], only, Roofs(1e13, 1e12), Network(0.0, 1e30))
    first, last = (cube(221_400_000 / run.ranks, PEROVSKITE) for run in (runs[0], runs[-1]))
    lost = (1 + first.ghosts / first.atoms) / (1 + last.ghosts / last.atoms)
    assert runs[-1].efficiency == pytest.approx(lost)
