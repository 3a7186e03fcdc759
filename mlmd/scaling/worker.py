"""What runs under mpirun: ``python -m mlmd.scaling.worker JOB.json RESULT.json``, started by `launch`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ..io.atomic import write_text
from .measure import measure_network, measure_ranks


def main() -> None:
    """Do a job; rank 0 writes the result."""
    from mpi4py import MPI

    job, result = map(Path, sys.argv[1:])
    wanted = json.loads(job.read_text(encoding="utf-8"))
    found = measure_ranks(MPI.COMM_WORLD, **wanted) if wanted else measure_network(MPI.COMM_WORLD)
    if MPI.COMM_WORLD.rank == 0:
        write_text(result, found.model_dump_json())


if __name__ == "__main__":
    main()
