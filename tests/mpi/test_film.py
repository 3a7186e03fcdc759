"""`mpirun -n N mlmd run` with ``[maxwell]``: domains shared out among ranks, and bands within them."""

from __future__ import annotations

import numpy as np
import pytest

from .launch import needs_mpi
from .test_run import INPUT, Runs, assert_same

pytestmark = needs_mpi

FILM = """[maxwell]
domains = 4
spacing = "1.6 nm"
axis = "z"
density_of = 4
[dynamics]"""
STEPS = 100


def film(text: str) -> str:
    return text.replace("[dynamics]", FILM).replace("[1.0, 0.5, 0.3]", "[1.0, 0.5, 0.0]")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("film"), film(INPUT).replace("STEPS", str(STEPS)))


def ends(films: Runs, name: str) -> np.ndarray:
    return np.loadtxt(films.folder / name / "light.csv", delimiter=",", skiprows=1)


@pytest.mark.parametrize(
    ("ranks", "parallel", "layout"),
    [
        (2, "", "2 over domains, 1 over bands"),
        (3, "", "3 over domains, 1 over bands"),
        (4, "", "4 over domains, 1 over bands"),
        (4, "bands = 2", "2 over domains, 2 over bands"),
    ],
)
def test_a_film_is_the_same_on_any_ranks(films: Runs, ranks: int, parallel: str, layout: str) -> None:
    name = f"on_{ranks}{parallel[:1]}"
    answer = films.start(name, ranks, parallel=parallel)
    assert answer.returncode == 0, answer.stderr
    assert layout in answer.stderr
    n_exc = films.alone["domains/n_exc"][-1]
    assert len(set(n_exc)) == 4 and n_exc.min() > 1e-7  # light did something in each, and not the same
    assert_same(films.series(name), films.alone)
    np.testing.assert_allclose(ends(films, name), ends(films, "alone"), rtol=0, atol=1e-10)


def test_a_film_goes_on_with_other_ranks_after_one_was_killed(films: Runs) -> None:
    answer = films.start("killed", 2, HOW="kill", RANK=1, AT=60)
    assert answer.returncode != 0
    assert_same(films.run("killed", 4, "--resume"), films.alone)


def test_a_domain_of_another_rank_that_is_not_finite(films: Runs) -> None:
    answer = films.start("nan", 2, HOW="nan", RANK=1, AT=60)
    assert answer.returncode == 2
    assert answer.stderr.count("domain 3 of 4: the orbitals are not finite after") == 1
    assert "the last good state is kept in" in answer.stderr


def test_more_ranks_than_domains(films: Runs) -> None:
    answer = films.start("idle", 2, "--force", parallel="domains = 5")
    assert answer.returncode == 2
    assert "domains = 5 does not fit 2 ranks" in answer.stderr
