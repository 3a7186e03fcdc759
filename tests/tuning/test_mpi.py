"""Two ranks under mpirun: rank 0 tunes, and both plans have what it found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.mpi,
    pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is not here"),
    pytest.mark.skipif(find_spec("mpi4py") is None, reason="mpi4py is not here: pip install mpi4py"),
]

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
    command = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", sys.executable, "-c", PROGRAM]
    answer = subprocess.run(
        [*command, str(tmp_path)], capture_output=True, text=True, timeout=120, cwd=Path(__file__).resolve().parents[2]
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("agreed") == 2
    assert (tmp_path / "wisdom_0.jsonl").exists()
    assert not (tmp_path / "wisdom_1.jsonl").exists()
