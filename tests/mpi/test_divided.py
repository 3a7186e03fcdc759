"""`mpirun -n N mlmd run` with ``[domains]``: the domains shared out among ranks."""

from __future__ import annotations

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
