"""MPI: rank 0 decides, all others do as it says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ..backends import MlmdError

T = TypeVar("T")


class Communicator(Protocol):
    """What is needed of a communicator of mpi4py."""

    rank: int
    size: int

    def bcast(self, obj: Any, root: int = 0) -> Any:
        """Give the object of the root to all."""


def world() -> Communicator | None:
    """The communicator of all ranks, if the caller has initialised MPI and there are two or more."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None or not mpi.Is_initialized() or mpi.Is_finalized():
        return None
    everybody: Communicator = mpi.COMM_WORLD
    return everybody if everybody.size > 1 else None


def decided_by_first(decide: Callable[[], T], ranks: Communicator | None) -> T:
    """What ``decide`` gives on rank 0; a collective call.

    Raises
    ------
    MlmdError
        On all ranks, if it failed on rank 0.

    Examples
    --------
    >>> decided_by_first(lambda: 7, None)
    7
    """
    if ranks is None:
        return decide()
    answer: tuple[Any, str] | None = None
    if ranks.rank == 0:
        try:
            answer = decide(), ""
        except MlmdError as error:
            answer = None, str(error)
        except BaseException as error:
            ranks.bcast((None, f"rank 0 stopped: {error!r}"))
            raise
    decision, failure = ranks.bcast(answer)
    if failure:
        raise MlmdError(failure)
    return decision
