"""`mlmd run` under mpirun: rank 0 leads, the other ranks follow its orders.

Rank 0 runs the driver as if it were alone: it reads the input, writes files, reports, and notes stop signals. Its
engine (`Leader`) and its propagator (`Led`) hand each call on to the other ranks as an order. So all ranks make the
same calls on their parts of the same propagator, which sum up among themselves. The ground state of a divided cell is
such an order too; for any other one rank 0 solves alone. After each iteration rank 0 tells whether to go on, so that
all end where a signal stops it.

A rank that fails tells why and ends the job. An error that all ranks meet alike, such as numbers that are no longer
finite, is left to rank 0, which reports it once.
"""

from __future__ import annotations

import os
import pickle
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import h5py
import numpy as np
import typer
from ase import Atoms

from .backends import default_threads, launched_ranks
from .config import Config
from .dcmesh.errors import DecompositionError
from .dcmesh.parallel import Line
from .dcmesh.parallel.abort import FAILED, abort
from .dcmesh.parallel.team import split
from .engine import DcMesh, GroundState, Propagator, Report, electrons, work_of
from .errors import MlmdError
from .interrupt import Interrupted
from .precision import Plan
from .tuning.choose import may_time

GRACE = 3.0  # seconds that a rank which failed waits for rank 0 to end the job itself
SHORTEST_WAIT, LONGEST_WAIT = 1e-5, 1e-3  # seconds between two looks for an order
_SOLVE, _MAKE, _END = "solve", "make", "end"


class Crew:
    """The ranks of a job, as rank 0 or another one sees them.

    Parameters
    ----------
    world
        Communicator of mpi4py.
    """

    def __init__(self, world: Any) -> None:
        self.world, self.rank, self.size = world, int(world.rank), int(world.size)

    def order(self, name: str, *arguments: Any) -> None:
        """Tell the others what to do next; rank 0 then does the same."""
        content = np.frombuffer(pickle.dumps((name, arguments), pickle.HIGHEST_PROTOCOL), np.uint8)
        self.world.Ibcast(np.array([content.size])).Wait()
        self.world.Bcast(content.copy())

    def next_order(self, patience: float = np.inf) -> tuple[str, tuple[Any, ...]] | None:
        """What rank 0 wants next; None if it wants nothing for so many seconds.

        Ranks that wait leave the processors to rank 0.
        """
        size = np.zeros(1, np.int64)
        request, pause, end = self.world.Ibcast(size), SHORTEST_WAIT, time.monotonic() + patience
        while not request.Test():
            if time.monotonic() > end:
                return None
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_WAIT)
        content = np.empty(size[0], np.uint8)
        self.world.Bcast(content)
        name, arguments = pickle.loads(content.tobytes())
        return name, arguments

    def dismiss(self, code: int) -> None:
        """End the job; ranks that do not hear it within `GRACE` are ended by force."""
        self.order(_END, code)
        farewell, end = self.world.Ibarrier(), time.monotonic() + GRACE
        while not farewell.Test():
            if time.monotonic() > end:
                self.world.Abort(code or FAILED)
            time.sleep(SHORTEST_WAIT)

    def follow(self) -> int:
        """Do as rank 0 says; gives the exit code of the job."""
        for number in (signal.SIGINT, signal.SIGTERM):  # rank 0 decides when to stop
            signal.signal(number, signal.SIG_IGN)
        warnings.simplefilter("ignore")  # rank 0 tells them
        try:
            code = self._serve()
        except Exception as error:
            answer = self.next_order(GRACE)
            if answer is None or answer[0] != _END:
                self._fail(error)
            code = int(answer[1][0]) if answer is not None else FAILED
        self.world.Ibarrier().Wait()
        return code

    def _serve(self) -> int:
        subject: Any = None
        while (got := self.next_order()) is not None:
            name, arguments = got
            if name == _END:
                return int(arguments[0])
            if name == _SOLVE:
                _solve(self, *arguments)
            elif name == _MAKE:
                subject = _make(self, *arguments)
            else:
                getattr(subject, name)(*arguments)
        raise AssertionError("patience has no end")

    def _fail(self, error: BaseException) -> None:
        """Say why, and end the job."""
        path = "" if isinstance(error, MlmdError) else "".join(traceback.format_exception(error))
        abort(self.world, f"{path}error: rank {self.rank} of {self.size}: {error!s}")


def _solve(
    crew: Crew, config: Config, atoms: Atoms, shape: tuple[int, int, int], report: Report | None = None
) -> GroundState:
    """The ground state of a divided cell; the same call on all ranks, of which rank 0 reports."""
    team = split(crew.world, bands=1, space=1)
    return DcMesh(team).ground_state(config, atoms, shape, partial(_report_together, team.domains, report))


def _report_together(line: Line, report: Report | None, iteration: int, energy: float, residual: float) -> None:
    """Report on rank 0; if that is told to stop, all ranks do."""
    stopped = []
    try:
        if report is not None:
            report(iteration, energy, residual)
    except Interrupted as signal_came:
        stopped.append(signal_came)
    if everywhere := line.collect(stopped):
        raise everywhere[0]


def _make(crew: Crew, config: Config, ground_state: Any, plan: Plan | None, wisdom: str | None) -> Propagator:
    """The propagator of this rank; the same call on all ranks."""
    if wisdom is not None:
        os.environ["MLMD_WISDOM"] = wisdom
    work = work_of(config, ground_state.grid.shape, ground_state.electrons)
    layout = config.parallel.layout(crew.size, work)
    return DcMesh(split(crew.world, layout.bands, layout.space)).propagator(config, ground_state, plan)


class Led:
    """The propagator of rank 0: each call goes to the other ranks too."""

    def __init__(self, crew: Crew, own: Propagator) -> None:
        self._crew, self._own = crew, own

    @property
    def time(self) -> float:
        """Time reached."""
        return self._own.time

    @property
    def step_count(self) -> int:
        """Steps done."""
        return self._own.step_count

    def __getattr__(self, name: str) -> Any:
        """A method of the propagator, done on all ranks; what is no method is that of this rank."""
        method = getattr(self._own, name)
        if not callable(method):
            return method

        def on_all_ranks(*arguments: Any) -> Any:
            self._crew.order(name, *arguments)
            return method(*arguments)

        return on_all_ranks


class Leader:
    """DC-MESH on all ranks, as rank 0 uses it: an `mlmd.engine.Engine`.

    Parameters
    ----------
    crew
        All ranks.
    say
        Where a line about the layout goes.
    """

    def __init__(self, crew: Crew, say: Callable[[str], None]) -> None:
        self._crew, self._say, self._alone = crew, say, DcMesh()

    def check(self, config: Config, atoms: Atoms, shape: tuple[int, int, int]) -> list[str]:
        """See `DcMesh.check`; besides, that there is work for all ranks, and nothing to be timed on one of them.

        Raises
        ------
        DecompositionError
            If there is not.
        """
        notes = self._alone.check(config, atoms, shape)
        layout = config.parallel.layout(self._crew.size, work_of(config, shape, electrons(config, atoms, shape)))
        if config.nuclei.motion in ("hopping", "mesh"):
            raise DecompositionError(
                f'[nuclei] motion = "{config.nuclei.motion}" runs on one rank: leave out mpirun, or take "ehrenfest"'
            )
        if may_time():
            raise DecompositionError(
                "under mpirun no kernel is timed: tune with 'mlmd tune' first, and unset MLMD_TUNING and MLMD_EFFORT"
            )
        parts = ", ".join(f"{count} over {name}" for name, count in layout._asdict().items())
        self._say(f"{self._crew.size} ranks: {parts}; {default_threads()} thread(s) each")
        return notes

    def ground_state(self, config: Config, atoms: Atoms, shape: tuple[int, int, int], report: Report) -> GroundState:
        """See `DcMesh.ground_state`: of a divided cell by all ranks, else by rank 0 alone."""
        if config.domains is None:
            return self._alone.ground_state(config, atoms, shape, report)
        job = (config, atoms, shape)
        self._crew.order(_SOLVE, *job)
        return _solve(self._crew, *job, report)

    def load_ground_state(self, group: h5py.Group) -> GroundState:
        """See `DcMesh.load_ground_state`."""
        return self._alone.load_ground_state(group)

    def propagator(self, config: Config, ground_state: GroundState, plan: Plan | None = None) -> Propagator:
        """See `DcMesh.propagator`: made on all ranks, each with its part."""
        job = (config, ground_state, plan, os.environ.get("MLMD_WISDOM"))
        self._crew.order(_MAKE, *job)
        return Led(self._crew, _make(self._crew, *job))


def find_crew() -> Crew | None:
    """All ranks of this job; None without mpirun.

    Raises
    ------
    MlmdError
        mpi4py is not installed, or belongs to another MPI than mpirun.
    """
    ranks = launched_ranks()
    if ranks == 1:
        return None
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise MlmdError(
            f"mpirun started {ranks} ranks, but mpi4py does not work ({error}): pip install 'mlmd[mpi]'"
        ) from error
    if MPI.COMM_WORLD.size != ranks:
        raise MlmdError(
            f"mpirun started {ranks} ranks, but mpi4py is of another MPI and knows of {MPI.COMM_WORLD.size}: "
            "take the mpirun that was installed with mlmd[mpi], or build mpi4py with yours"
        )
    return Crew(MPI.COMM_WORLD)


@contextmanager
def leading(crew: Crew | None) -> Iterator[None]:
    """Send the other ranks home when the block ends, in whatever way.

    Parameters
    ----------
    crew
        None does nothing.
    """
    try:
        yield
    except typer.Exit as end:
        if crew is not None:
            crew.dismiss(end.exit_code)
        raise
    except BaseException:
        if crew is not None:
            abort(crew.world, traceback.format_exc())
        raise
    if crew is not None:
        crew.dismiss(0)
