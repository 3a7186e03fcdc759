"""The command line with a rank (or all) that fails: HOW, WHERE (default: light), RANK and AT in the environment.

HOW is raise, kill, nan (light only) or stop, a signal. AT is a step of the light, or with WHERE=domains how many times
the rank has solved for a domain of the ground state.
"""

from __future__ import annotations

import os
import signal
from itertools import count

import numpy as np

from mlmd.cli import main
from mlmd.dcmesh.domains import Domain
from mlmd.dcmesh.lfd import LFD
from mlmd.errors import MlmdError

advance, solve, solutions = LFD.advance, Domain.solve, count()


def failing_light(lfd: LFD, steps: int) -> None:
    """Advance, but for the rank that fails."""
    if fails_at(lfd.step_count):
        fail(lfd)
    advance(lfd, steps)


def failing_domain(domain: Domain, *arguments: object) -> float:
    """Solve, but for the rank that fails."""
    if fails_at(next(solutions)):
        fail()
    return solve(domain, *arguments)


def fails_at(done: int) -> bool:
    """Whether this rank is to fail after so much work."""
    from mpi4py import MPI

    return done >= int(os.environ["AT"]) and os.environ["RANK"] in ("all", str(MPI.COMM_WORLD.rank))


def fail(lfd: LFD | None = None) -> None:
    """Fail as asked."""
    match os.environ["HOW"]:
        case "raise":
            raise MlmdError("the disk of this node is gone")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGINT)
        case "nan":
            assert lfd is not None
            lfd.psi[0][0, 0, 0, 0] = np.nan


if __name__ == "__main__":
    if os.environ.get("WHERE") == "domains":
        Domain.solve = failing_domain  # type: ignore[method-assign]
    else:
        LFD.advance = failing_light  # type: ignore[method-assign]
    main()
