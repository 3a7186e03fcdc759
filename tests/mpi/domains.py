"""A film of four H2 domains on all ranks; rank 0 prints its A, currents and excited electrons."""

from __future__ import annotations

import json
from functools import partial

from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.maxwell import Domains, Film, Wave
from mlmd.dcmesh.parallel.team import split
from mlmd.dcmesh.qxmd import ground_state
from mlmd.laser import SinSquaredPulse

from ..dcmesh.conftest import hydrogen

CELLS, DT, STEPS = 4, 0.025, 2


def film(line_of_domains: object) -> Film:
    """The film, its domains shared out among a line of ranks."""
    start = ground_state(hydrogen(), (18, 18, 20), extra_bands=3, tol=1e-6)
    pulse = SinSquaredPulse(photon_energy=0.4, length=2.0, intensity=1e-4)
    domains = Domains(partial(LFD, start, DT), CELLS, STEPS, 0.4, line_of_domains)  # type: ignore[arg-type]
    return Film(Wave(CELLS + 4, 20.0, DT * STEPS, pulse), domains, first=2)


def main() -> None:
    """Twenty steps of the wave."""
    from mpi4py import MPI

    here = film(split(MPI.COMM_WORLD, bands=1, space=1).domains)
    for _ in range(20):
        here.advance()
    assert isinstance(here.medium, Domains)
    told = [here.wave.A.tolist(), here.medium.current().tolist(), here.medium.excited().tolist()]
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
