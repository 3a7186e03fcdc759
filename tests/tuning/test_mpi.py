"""Two ranks under mpirun: rank 0 tunes, and both plans have what it found."""

from __future__ import annotations

from pathlib import Path

from ..mpi.launch import mpirun, needs_mpi

pytestmark = needs_mpi

PROGRAM = """
import os, sys
from mpi4py import MPI
rank = MPI.COMM_WORLD.rank
os.environ["MLMD_TUNING"] = "cache"
os.environ["MLMD_WISDOM"] = f"{sys.argv[1]}/wisdom_{rank}.jsonl"
from mlmd import kernels
from mlmd.tuning import choose
choose.BUDGETS["measure"] = 0.3
plans = [kernels.density((n, 8, 9), 4, "complex64", threads=1, effort="measure") for n in (8, 9, 8)]
lonely = kernels.density((7, 7, 7), 3, "complex64", threads=1) if rank else None  # a look-up is no collective call
everybody = MPI.COMM_WORLD.allgather([plan.tuning for plan in plans])
assert everybody[0] == everybody[1], everybody
print("agreed", flush=True)
"""


def test_rank_0_tunes_for_all(tmp_path: Path) -> None:
    answer = mpirun(2, "-c", PROGRAM, tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("agreed") == 2
    assert (tmp_path / "wisdom_0.jsonl").exists()
    assert not (tmp_path / "wisdom_1.jsonl").exists()
