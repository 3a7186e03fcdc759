"""Independent parts of a work shared out over processes of this machine, or over the ranks of mpirun."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from ..backends import default_threads, launched_ranks
from ..errors import MlmdError
from ..interrupt import Interrupted, StopSignals

Result = TypeVar("Result")
Done = Callable[[int], None]
PATIENCE = 0.5  # seconds between two looks at the signals


class Ensemble:
    """An executor of `concurrent.futures` that stops in good order.

    Parameters
    ----------
    executor : Executor
        With workers that have no work yet.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as threads:
    ...     Ensemble(threads).map(pow, [(2, 3), (3, 2)])
    [8, 9]
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def map(
        self, function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], done: Done = lambda number: None
    ) -> list[Result]:
        """Call a function with each of the arguments.

        Parameters
        ----------
        function : callable
            At the top of a module.
        arguments : sequence of tuple
            Of each call.
        done : callable
            Told the number of a call that is over.

        Returns
        -------
        list
            Results in the order of the arguments.

        Raises
        ------
        Interrupted
            When this process, or a worker, was asked to stop. Workers stop, too.
        Exception
            Of the first call that fails; calls that have begun end first.
        """
        with StopSignals() as stop:
            number_of: dict[Future[Result], int] = {
                self._executor.submit(function, *one): number for number, one in enumerate(arguments)
            }
            waiting = set(number_of)
            try:
                while waiting:
                    over, waiting = wait(waiting, PATIENCE, FIRST_COMPLETED)
                    for future in over:
                        future.result()
                        done(number_of[future])
                    if stop.requested:
                        raise Interrupted("stopped before all parts were done")
            except BaseException:
                for future in waiting:
                    future.cancel()
                for child in multiprocessing.active_children() if stop.requested else ():
                    child.terminate()
                raise
        return [future.result() for future in number_of]


@contextmanager
def processes(workers: int) -> Iterator[Ensemble]:
    """Processes of this machine, which share out its processors.

    Parameters
    ----------
    workers : int
        How many.

    Yields
    ------
    Ensemble
    """
    kept = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(max(1, default_threads() // workers))
    try:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            yield Ensemble(pool)
    finally:
        if kept is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = kept


@contextmanager
def ranks() -> Iterator[Ensemble | None]:
    """The ranks of mpirun: the first one hands out work, the others do it.

    Yields
    ------
    Ensemble or None
        None on ranks that did their work in the meantime and have nothing left to do.

    Raises
    ------
    MlmdError
        Without mpi4py.
    """
    try:
        from mpi4py.futures import MPICommExecutor
    except ImportError as error:
        raise MlmdError("mpirun needs mpi4py; pip install 'mlmd[mpi]'") from error
    with MPICommExecutor() as entered:
        executor = cast("Executor | None", entered)  # mpi4py's types say MPICommExecutor
        yield None if executor is None else Ensemble(executor)


@contextmanager
def workers(count: int | None) -> Iterator[Ensemble | None]:
    """Ranks under mpirun, else so many processes; None where there is no work for this one."""
    with ranks() if launched_ranks() > 1 else processes(count or 1) as ensemble:
        yield ensemble
