"""Weak scaling: one domain on one rank against as many domains as ranks, in turn in one job.

    mpirun -n 2 python -m tests.mpi.weak_scaling

Each rank has a domain of silicon in shadow mode and one thread. In each round rank 0 steps alone while the others
sleep, then all step together and sum up their currents after each wave step, as in a film. The efficiency is the median
over rounds of the ratio of the times.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.maxwell import CellField, Domains
from mlmd.dcmesh.parallel import ALONE
from mlmd.dcmesh.parallel.team import split
from mlmd.dcmesh.qxmd import ground_state

from ..dcmesh.conftest import silicon

MPI = pytest.importorskip("mpi4py.MPI", reason="mpi4py is not here", exc_type=ImportError)
DT, WAVE_STEPS, STEPS, ROUNDS = 0.04, 5, 4, 25


def wait_for_all() -> None:
    """A barrier that leaves the processors to those who still work."""
    request = MPI.COMM_WORLD.Ibarrier()
    while not request.Test():
        time.sleep(1e-4)


def timed(call: Callable[[], object]) -> float:
    """Seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Print the efficiency."""
    world = MPI.COMM_WORLD
    state = world.bcast(ground_state(silicon(), (16, 16, 16), tol=1e-5) if world.rank == 0 else None)

    def make(light: CellField) -> LFD:
        return LFD(state, DT, light, threads=1)

    alone = Domains(make, 1, STEPS, 0.1, ALONE.domains) if world.rank == 0 else None
    together = Domains(make, world.size, STEPS, 0.1, split(world, 1, 1).domains)
    field = np.full((world.size, 3), 0.1)

    def step(domains: Domains) -> None:
        for _ in range(WAVE_STEPS):
            domains.advance(field, field, field)
            domains.current()

    pairs = []
    for _ in range(ROUNDS):
        one = timed(lambda: step(alone)) if alone is not None else 0.0
        wait_for_all()
        everybody = timed(lambda: step(together))
        wait_for_all()
        pairs.append((one, max(world.allgather(everybody))))
    ratios = [one / all_ for one, all_ in pairs[2:]]
    if world.rank == 0:
        seconds = np.median(np.array(pairs[2:]), axis=0) / (WAVE_STEPS * STEPS)
        print(f"one domain on one rank: {seconds[0]:.4f} s a step; {world.size} on {world.size}: {seconds[1]:.4f} s")
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        print(f"weak efficiency {middle:.3f} (quartiles {low:.3f} to {high:.3f}, {len(ratios)} rounds)")


if __name__ == "__main__":
    main()
