"""Programs under mpirun."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")

needs_mpi = [
    pytest.mark.mpi,
    pytest.mark.skipif(MPIRUN is None, reason="mpirun is not here: pip install 'mlmd[mpi]'"),
    pytest.mark.skipif(find_spec("mpi4py") is None, reason="mpi4py is not here: pip install 'mlmd[mpi]'"),
]


@lru_cache
def _options() -> tuple[str, ...]:
    """Open MPI wants to be told that there may be more ranks than processors, and that the user may be root."""
    assert MPIRUN is not None
    answer = subprocess.run([MPIRUN, "--version"], capture_output=True, text=True, timeout=60, check=False)
    return ("--allow-run-as-root", "--oversubscribe") if "Open MPI" in answer.stdout else ()


def mpirun(
    ranks: int, *arguments: object, timeout: float = 120, **environment: object
) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments on so many ranks, in the root of the repository."""
    assert MPIRUN is not None
    variables = {**os.environ, "OMP_NUM_THREADS": "1", **{key: str(value) for key, value in environment.items()}}
    command = [MPIRUN, *_options(), "-n", str(ranks), sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, cwd=ROOT, env=variables, check=False
    )
