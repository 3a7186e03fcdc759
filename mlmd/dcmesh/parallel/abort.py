"""The end of a job by force."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, NoReturn

FAILED = 2
LAST_WORDS = 0.5  # seconds: what mpiexec has not passed on when it ends the ranks is lost


def abort(world: Any, words: str, code: int = FAILED) -> NoReturn:
    """Say why on the standard error, and end all ranks of a communicator of mpi4py."""
    sys.stderr.write(words if words.endswith("\n") else words + "\n")
    sys.stderr.flush()
    time.sleep(LAST_WORDS)
    world.Abort(code)
    os._exit(code)  # MPICH leaves the end to mpiexec: on a busy machine its Abort comes back before that
