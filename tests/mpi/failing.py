"""The command line with a rank (or all) that fails at a step: HOW = raise, kill or nan, RANK, AT in the environment."""

from __future__ import annotations

import os
import signal

import numpy as np

from mlmd.cli import main
from mlmd.dcmesh.lfd import LFD
from mlmd.errors import MlmdError

advance = LFD.advance


def failing(lfd: LFD, steps: int) -> None:
    """Advance, but for the rank that fails."""
    from mpi4py import MPI

    if lfd.step_count >= int(os.environ["AT"]) and os.environ["RANK"] in ("all", str(MPI.COMM_WORLD.rank)):
        match os.environ["HOW"]:
            case "raise":
                raise MlmdError("the disk of this node is gone")
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "nan":
                lfd.psi[0][0, 0, 0, 0] = np.nan
    advance(lfd, steps)


if __name__ == "__main__":
    LFD.advance = failing  # type: ignore[method-assign]
    main()
