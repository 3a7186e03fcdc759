"""`mpirun -n N mlmd run`: the same numbers on any number of ranks, and no rank is left behind when one fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

from .launch import mpirun, needs_mpi

pytestmark = needs_mpi

INPUT = """
[system]
cell = [7.0, 7.0, 7.0]
units = "bohr"
coordinates = "cartesian"
atoms = [["N", 3.5, 3.5, 2.46], ["N", 3.5, 3.5, 4.54]]
[grid]
shape = [16, 14, 14]
[ground_state]
extra_bands = 3
tolerance = 1e-7
[laser]
type = "sin2"
photon_energy = "10 eV"
intensity = "1e13 W/cm2"
duration = "0.03 fs"
polarization = [1.0, 0.5, 0.3]
[dynamics]
dt = "1 as"
mode = "MODE"
steps = STEPS
[output]
every = 10
checkpoint_every = 10
plots = false
"""
STEPS = 40
FAILING = Path(__file__).parent / "failing.py"


class Runs:
    """Runs of one input in a folder, all from the same ground state unless told otherwise."""

    def __init__(self, folder: Path, text: str = INPUT, keep_ground_state: bool = True) -> None:
        self.folder, self.text, self.keep_ground_state = folder, text, keep_ground_state
        self.alone = self.run("alone", 1)

    def start(
        self,
        name: str,
        ranks: int,
        *options: str,
        steps: int = STEPS,
        parallel: str = "",
        more: str = "",
        mode: str = "shadow",
        **environment: object,
    ) -> subprocess.CompletedProcess[str]:
        """Run and return what the processes said."""
        file, out = self.folder / f"{name}_{ranks}_{steps}.toml", self.folder / name
        text = self.text.replace("STEPS", str(steps)).replace("MODE", mode)
        file.write_text(f"{text}[parallel]\n{parallel}\n{more}\n")
        out.mkdir(exist_ok=True)
        if name != "alone" and self.keep_ground_state:
            shutil.copy(self.folder / "alone" / "ground_state.h5", out)
        program = [FAILING] if environment else ["-c", "from mlmd.cli import main; main()"]
        return mpirun(ranks, *program, "run", file, "--out", out, *options, **environment)

    def run(
        self,
        name: str,
        ranks: int,
        *options: str,
        steps: int = STEPS,
        parallel: str = "",
        more: str = "",
        mode: str = "shadow",
    ) -> dict[str, np.ndarray]:
        """Run, and return the series."""
        answer = self.start(name, ranks, *options, steps=steps, parallel=parallel, more=more, mode=mode)
        assert answer.returncode == 0, answer.stderr
        return self.series(name)

    def series(self, name: str) -> dict[str, np.ndarray]:
        """All columns of a finished run."""
        columns: dict[str, np.ndarray] = {}
        with h5py.File(self.folder / name / "run.h5") as file:
            file["series"].visititems(
                lambda key, item: columns.update({key: item[()]} if isinstance(item, h5py.Dataset) else {})
            )
            columns["density"] = file["density/change"][()] if "density/change" in file else file["density"][()]
        return columns


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("mpi"))


@pytest.fixture(scope="module")
def two(runs: Runs) -> dict[str, np.ndarray]:
    """The run on two ranks that share out the bands."""
    return runs.run("two", 2)


def assert_same(got: dict[str, np.ndarray], expected: dict[str, np.ndarray], tolerance: float = 1e-10) -> None:
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, rtol=0, atol=tolerance, err_msg=name)


def test_two_ranks_by_bands(runs: Runs, two: dict[str, np.ndarray]) -> None:
    assert runs.alone["n_exc"][-1] > 1e-6  # light did something
    assert_same(two, runs.alone)


def test_two_ranks_by_space(runs: Runs) -> None:
    assert_same(runs.run("space", 2, parallel="space = 2"), runs.alone)


def test_four_ranks_by_bands_and_space(runs: Runs) -> None:
    assert_same(runs.run("both", 4, parallel="bands = 2\nspace = 2"), runs.alone)


MOVING = """
[nuclei]
motion = "ehrenfest"
steps_per_md = 10
temperature = "1000 K"
"""


@pytest.mark.parametrize(
    ("mode", "parallel", "basis_every"), [("shadow", "bands = 1\nspace = 2", 1), ("exact", "bands = 2", 100)]
)
def test_nuclei_move_alike(runs: Runs, mode: str, parallel: str, basis_every: int) -> None:
    more = f"{MOVING}basis_every = {basis_every}"
    alone, pair = (runs.run(f"{mode}_{n}", n, parallel=parallel, more=more, mode=mode) for n in (1, 2))
    assert np.ptp(alone["positions"], axis=0).max() > 1e-4
    assert_same(pair, alone)


def test_hops_are_for_one_rank(runs: Runs) -> None:
    answer = runs.start("hops", 2, more='[nuclei]\nmotion = "mesh"')
    assert answer.returncode == 2
    assert answer.stderr.count("error:") == 1
    assert 'motion = "mesh" runs on one rank' in answer.stderr


def test_a_killed_rank_ends_the_job_and_loses_nothing(runs: Runs, two: dict[str, np.ndarray]) -> None:
    answer = runs.start("killed", 2, HOW="kill", RANK=1, AT=20)
    assert answer.returncode != 0
    assert not (runs.folder / "killed" / "run.h5").exists()
    shutil.copytree(runs.folder / "killed", runs.folder / "chain")
    again = runs.run("killed", 2, "--resume")
    for name, values in two.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)
    runs.run("chain", 1, "--resume", steps=30)
    assert_same(runs.run("chain", 4, "--resume"), runs.alone)


def test_a_rank_that_fails_says_why_and_ends_the_job(runs: Runs) -> None:
    answer = runs.start("failed", 2, HOW="raise", RANK=1, AT=20)
    assert answer.returncode == 2
    assert "error: rank 1 of 2: the disk of this node is gone" in answer.stderr
    assert (runs.folder / "failed" / "checkpoint.h5").exists()


def test_what_all_ranks_meet_is_said_once(runs: Runs) -> None:
    answer = runs.start("nan", 2, HOW="nan", RANK="all", AT=20)
    assert answer.returncode == 2
    assert answer.stderr.count("the orbitals are not finite") == 1
    assert "the last good state is kept in" in answer.stderr
    assert "rank 1" not in answer.stderr


@pytest.mark.parametrize(
    ("parallel", "problem"),
    [
        ("domains = 2", "domains = 2: more ranks than work: there are 1 domain(s), 5 occupied band(s)"),
        ("bands = 3", "bands = 3 does not fit 4 ranks"),
    ],
)
def test_more_ranks_than_work(runs: Runs, parallel: str, problem: str) -> None:
    answer = runs.start("idle", 4, "--force", parallel=parallel)
    assert answer.returncode == 2
    assert answer.stderr.count("error:") == 1
    assert problem in answer.stderr
