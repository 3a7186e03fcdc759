"""`mpirun -n N mlmd run` with ``[domains]``: domains shared out among ranks, in the ground state and under light."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from .launch import needs_mpi
from .test_run import INPUT, Runs, assert_same

pytestmark = needs_mpi

DOMAINS = """[domains]
divisions = [2, 1, 1]
buffer = "1.5 bohr"
[laser]"""
STEPS = 30


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    text = INPUT.replace("[laser]", DOMAINS).replace("extra_bands = 3", "extra_bands = 3\nsmearing = 0.005")
    return Runs(tmp_path_factory.mktemp("divided"), text.replace("STEPS", str(STEPS)))


def test_two_ranks_share_out_the_domains(runs: Runs) -> None:
    answer = runs.start("two", 2)
    assert answer.returncode == 0, answer.stderr
    assert "2 over domains, 1 over bands" in answer.stderr
    assert runs.alone["domains/n_exc"].max() > 1e-7  # light did something
    assert_same(runs.series("two"), runs.alone)


@pytest.mark.parametrize(("ranks", "parallel"), [(3, ""), (2, "bands = 2")])
def test_more_ranks_than_domains_are_refused(runs: Runs, ranks: int, parallel: str) -> None:
    answer = runs.start("more", ranks, parallel=parallel)
    assert answer.returncode == 2
    assert answer.stderr.count("error:") == 1 and "there are 2 domain(s)" in answer.stderr


ROW = """
[system]
cell = [5.0, 5.0, 20.0]
units = "bohr"
coordinates = "cartesian"
atoms = [
  ["H", 2.5, 2.4, 1.8], ["H", 2.5, 2.6, 3.2], ["H", 2.2, 2.5, 6.9], ["H", 2.9, 2.5, 8.1],
  ["H", 2.5, 2.0, 12.2], ["H", 2.4, 3.3, 12.7], ["H", 2.5, 2.5, 16.8], ["H", 2.5, 2.4, 18.2],
]
[grid]
shape = [14, 14, 56]
[ground_state]
smearing = 0.005
extra_bands = 2
tolerance = 1e-8
[domains]
divisions = [1, 1, 4]
buffer = "2.5 bohr"
[laser]
type = "sin2"
photon_energy = "12 eV"
intensity = "1e14 W/cm2"
duration = "0.03 fs"
[dynamics]
dt = "1 as"
steps = STEPS
[output]
every = 10
plots = false
"""


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs that find their ground states themselves."""
    return Runs(tmp_path_factory.mktemp("row"), ROW.replace("STEPS", str(STEPS)), keep_ground_state=False)


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ground_state_and_light_are_the_same_on_any_number_of_ranks(row: Runs, ranks: int) -> None:
    assert row.alone["n_exc"][-1] > 1e-6  # light did something
    assert_same(row.run(f"on_{ranks}", ranks), row.alone)
    alone, shared = (ground_state(row, name) for name in ("alone", f"on_{ranks}"))
    assert shared.keys() == alone.keys() and len(shared["eigenvalues"]) == 4
    for name, values in alone.items():
        np.testing.assert_allclose(shared[name], values, rtol=0, atol=1e-10, err_msg=name)


def ground_state(runs: Runs, name: str) -> dict[str, np.ndarray]:
    """Energy terms, eigenvalues by domains and density in the file that a run wrote."""
    with h5py.File(runs.folder / name / "ground_state.h5") as file:
        state = file["state"]
        energy = {term: value for term, value in state["energy"].attrs.items() if term != "unit"}
        eigenvalues = np.array([state[f"domains/{place}/eigenvalues"][0] for place in range(len(state["domains"]))])
        return energy | {"eigenvalues": eigenvalues, "density": state["density"][()]}


@pytest.mark.parametrize(
    ("rank", "words"),
    [(0, "error: the disk of this node is gone"), (1, "error: rank 1 of 3: the disk of this node is gone")],
)
def test_a_rank_that_fails_in_its_domain_says_why_and_ends_the_job(row: Runs, rank: int, words: str) -> None:
    answer = row.start("failed", 3, WHERE="domains", HOW="raise", RANK=rank, AT=5)
    assert answer.returncode == 2
    assert answer.stderr.count("error:") == 1 and words in answer.stderr
    assert not (row.folder / "failed" / "ground_state.h5").exists()


def test_a_rank_that_is_killed_in_its_domain_ends_the_job(row: Runs) -> None:
    assert row.start("killed", 3, WHERE="domains", HOW="kill", RANK=2, AT=5).returncode != 0


def test_a_ground_state_that_does_not_converge_is_told_once(row: Runs) -> None:
    row.text, text = row.text.replace("[domains]", "max_iterations = 2\n[domains]"), row.text
    answer = row.start("hard", 3)
    row.text = text
    assert answer.returncode == 2
    assert answer.stderr.count("error:") == 1 and "after 2 iterations" in answer.stderr


def test_a_signal_ends_all_ranks_during_the_ground_state(row: Runs) -> None:
    answer = row.start("stopped", 3, WHERE="domains", HOW="stop", RANK="all", AT=5)
    assert answer.returncode == 130
    assert "stopped: during the ground state" in answer.stderr
    assert "rank 1" not in answer.stderr and "rank 2" not in answer.stderr
    assert not (row.folder / "stopped" / "ground_state.h5").exists()
