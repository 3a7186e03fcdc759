"""Starting measurements under mpirun."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import MlmdError

PATIENCE = 600.0  # seconds for one measurement


def mpirun() -> str | None:
    """The mpirun that belongs to this Python, else that of the system; None without one or without mpi4py."""
    if find_spec("mpi4py") is None:
        return None
    return shutil.which("mpirun", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


@lru_cache
def _options(program: str) -> tuple[str, ...]:
    """Open MPI wants to be told that the user may be root, and that ranks need no processor of their own."""
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    return ("--allow-run-as-root", "--oversubscribe") if "Open MPI" in answer.stdout else ()


def _reason(said: str) -> str:
    """The last Python error of what a job said, else its last line.

    Examples
    --------
    >>> _reason("Traceback\\nmlmd.errors.PlanError: too small\\nAbort(1) on node 0")
    'mlmd.errors.PlanError: too small'
    """
    lines = said.strip().splitlines()
    errors = [line for line in lines if re.match(r"[\w.]+Error: ", line)]
    return (errors or lines or ["it said nothing"])[-1]


def on_ranks(ranks: int, job: dict[str, Any]) -> str:
    """Do a job of `worker` on some ranks; gives its result, JSON.

    Raises
    ------
    MlmdError
        There is no mpirun, or it fails.
    """
    program = mpirun()
    if program is None:
        raise MlmdError("mpirun or mpi4py is not here: pip install 'mlmd[mpi]'")
    with tempfile.TemporaryDirectory() as folder:
        order, result = Path(folder) / "job.json", Path(folder) / "result.json"
        order.write_text(json.dumps(job), encoding="utf-8")
        # mpi4py ends all ranks when one fails.
        worker = [sys.executable, "-m", "mpi4py", "-m", "mlmd.scaling.worker"]
        command = [program, *_options(program), "-n", str(ranks), *worker]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            answer = subprocess.run(
                [*command, str(order), str(result)],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise MlmdError(f"{ranks} ranks gave no answer in {PATIENCE:g} s; start fewer with --ranks") from error
        if answer.returncode or not result.exists():
            raise MlmdError(f"mpirun -n {ranks} failed ({_reason(answer.stderr)}); --ranks 1 measures without it")
        return result.read_text(encoding="utf-8")
