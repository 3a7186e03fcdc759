"""The driver of ``mlmd run``: input -> structure -> ground state -> light in real time -> results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .backends import default_threads, launched_ranks
from .dcmesh.precision import label
from .engine import Engine, GroundState, Propagator
from .errors import CheckpointError, InputError, NumericsError
from .interrupt import Interrupted, StopSignals
from .io.atomic import make_folder, write_bytes
from .io.checkpoint import new_sealed, open_sealed, read_state, seal_of, write_state
from .io.folder import RunFolder
from .io.results import Results, write_results
from .io.series import Series
from .precision import Plan, find_plan
from .problem import Problem
from .progress import Progress
from .tuning.kept import kept_in


@dataclass
class Timings:
    """Wall-clock seconds."""

    ground_state: float = 0.0
    dynamics: float = 0.0


@dataclass
class Run:
    """One run in one folder.

    Parameters
    ----------
    problem : Problem
        What to compute.
    folder : RunFolder
        Where everything goes.
    engine : Engine
        The physics.
    progress : Progress
        Where to report.
    resume : bool
        Continue from the checkpoint of the folder.
    force : bool
        Replace the results that the folder holds.
    """

    problem: Problem
    folder: RunFolder
    engine: Engine
    progress: Progress
    resume: bool = False
    force: bool = False
    series: Series = field(default_factory=Series)
    timings: Timings = field(default_factory=Timings)
    _saved_step: int | None = field(default=None, init=False)

    def execute(self) -> dict[str, Any]:
        """Do the run.

        Returns
        -------
        dict
            The summary, as in ``summary.json``.

        Raises
        ------
        InputError
            When the physics refuses the input or a file cannot be written.
        CheckpointError
            When the run cannot be continued from the checkpoint.
        NumericsError
            When numbers become NaN.
        Interrupted
            After SIGINT or SIGTERM; the checkpoint is written.
        """
        self._check_folder()
        with self.problem.blame():
            notes = self.engine.check(self.problem.config, self.problem.atoms, self.problem.shape)
        plan = self._plan()
        for note in (self.problem.headline, *notes):
            self.progress.note(note)
        if plan is not None:
            self.progress.note(f"planned precision: {label(plan.levels)}")
        make_folder(self.folder.path)
        with StopSignals() as stop, kept_in(self.folder.path, not self.resume, write_bytes):
            ground_state = self.ground_state(stop)
            with self.problem.blame():
                electrons = self.engine.propagator(self.problem.config, ground_state, plan)
            if self.resume:
                self._restore(electrons)
            else:
                self.folder.clear_results()
            self._propagate(electrons, ground_state, stop)
            results = Results(self.problem, ground_state, electrons, self.series, self.timings)
            return write_results(results, self.folder)

    def _check_folder(self) -> None:
        """Raise when the folder is in no state for what is asked."""
        folder = self.folder
        if self.resume:
            if not folder.checkpoint.exists():
                problem = "there is no checkpoint to resume from"
                raise CheckpointError(folder.checkpoint, "--resume", problem, "run without --resume")
            return
        if self.force:
            return
        if folder.is_finished():
            raise InputError(
                folder.path,
                "--out",
                "holds the results of a finished run",
                "choose another folder with --out, go on to more steps with --resume, or replace them with --force",
            )
        if folder.checkpoint.exists():
            raise InputError(
                folder.path,
                "--out",
                "holds an unfinished run",
                "continue it with --resume, choose another folder with --out, or start anew with --force",
            )

    def _plan(self) -> Plan | None:
        """Return the plan of the precision, if the input asks for one: that of the checkpoint, else from wisdom."""
        if self.problem.config.dynamics.precision != "planned":
            return None
        if not self.resume:
            return find_plan(self.problem)
        with open_sealed(self.folder.checkpoint, "checkpoint", self.problem.physics) as stored:
            plan = Plan.from_json(stored["state/watch"].attrs["plan"])
        if plan.observable != self.problem.config.precision.observable:
            raise CheckpointError(
                self.folder.checkpoint,
                "[precision] observable",
                f"the run was planned for {plan.observable}",
                "restore that, or start the run anew with --force",
            )
        return plan

    def ground_state(self, stop: StopSignals) -> GroundState:
        """Return the ground state, from the folder if it is there, else computed and kept there.

        Parameters
        ----------
        stop : StopSignals
            Whether the user asked to stop.

        Raises
        ------
        InputError
            When the physics refuses the input or the file cannot be written.
        Interrupted
            After SIGINT or SIGTERM.
        """
        file, physics = self.folder.ground_state, self.problem.ground_state_physics
        if file.exists() or self.resume:
            try:
                with open_sealed(file, "ground state", physics) as stored:
                    self.progress.note(f"ground state: from {file}")
                    self.timings.ground_state = float(stored.attrs["seconds"])
                    return self.engine.load_ground_state(stored["state"])
            except CheckpointError as error:
                if self.resume:
                    raise
                self.progress.note(f"ground state: computed anew, because {error.file}: {error.problem}")
        computed = self._solve_ground_state(stop)
        with new_sealed(file, "ground state", physics) as fresh:
            fresh.attrs["seconds"] = self.timings.ground_state
            computed.save(fresh.create_group("state"))
        # A resumed run starts from the file: so does this one, and both are equal to the last bit.
        with open_sealed(file, "ground state", physics) as stored:
            return self.engine.load_ground_state(stored["state"])

    def _solve_ground_state(self, stop: StopSignals) -> GroundState:
        """Compute the ground state."""
        config = self.problem.config
        with self.problem.blame(), self.progress.ground_state(config.ground_state.max_iterations) as report:

            def watch(iteration: int, energy: float, residual: float) -> None:
                report(iteration, energy, residual)
                if stop.requested:
                    raise Interrupted("stopped during the ground state: nothing to resume; run again to start anew")

            result = self.engine.ground_state(config, self.problem.atoms, self.problem.shape, watch)
            self.timings.ground_state = report.seconds
        return result

    def _restore(self, electrons: Propagator) -> None:
        """Take up the run where the checkpoint left it."""
        file = self.folder.checkpoint
        with open_sealed(file, "checkpoint", self.problem.physics) as stored:
            if stored.attrs["ground_state"] != seal_of(self.folder.ground_state):
                raise CheckpointError(
                    file,
                    "--resume",
                    f"belongs to another ground state than {self.folder.ground_state.name}",
                    "start the run anew with --force",
                )
            began_on = str(stored.attrs["hardware"])
            self.timings.dynamics = float(stored.attrs["seconds"])
            self.series = Series.read(stored["series"])
            electrons.restore(read_state(stored["state"]))
        self._saved_step = electrons.step_count
        dynamics = self.problem.config.dynamics
        self.progress.note(f"resumed at step {electrons.step_count} of {dynamics.n_steps}")
        if began_on != self._hardware():
            self.progress.note(
                f"the run began on {began_on} and goes on with {self._hardware()}: "
                "equal to rounding, not to the last bit"
            )
        if electrons.step_count > dynamics.n_steps:
            raise CheckpointError(
                file,
                "[dynamics] steps" if dynamics.steps else "[dynamics] time",
                f"the checkpoint is at step {electrons.step_count}, beyond the end at {dynamics.n_steps}",
                "ask for more steps or start the run anew with --force",
            )

    def _propagate(self, electrons: Propagator, ground_state: GroundState, stop: StopSignals) -> None:
        """Go to the last step; observe and write checkpoints on the way."""
        output, total = self.problem.config.output, self.problem.config.dynamics.n_steps
        with (
            self.progress.dynamics(electrons.step_count, total, ground_state.electrons * self.problem.cells) as report,
            self._last_checkpoint_on_failure(),
        ):
            if len(self.series) == 0:
                self._observe(electrons)
            while electrons.step_count < total:
                self._advance(electrons, total)
                step = electrons.step_count
                if step % output.every == 0:
                    self._observe(electrons)
                if step % output.checkpoint_every == 0 or (self._is_fixed(step) and (stop.requested or step == total)):
                    self._save(electrons)
                report(step, self.timings.dynamics, self.series)
                if stop.requested and step < total:
                    raise Interrupted(
                        f"stopped at step {step} of {total}; the checkpoint is {self.folder.checkpoint}: "
                        "give the same command with --resume to go on"
                    )
            self._observe(electrons)

    def _advance(self, electrons: Propagator, total: int) -> None:
        """Go to the next fixed step, or to the end if that comes before.

        Steps are done in chunks that end at fixed steps, and checkpoints are written only there: how steps are
        chunked may change the last bits, so that the chunks must not depend on a signal or on the length of the run.
        """
        step, output = electrons.step_count, self.problem.config.output
        target = min(_next(step, output.every), _next(step, output.checkpoint_every))
        if target > total and self._saved_step != step:
            self._save(electrons)
        target = min(target, total)
        start = time.perf_counter()
        electrons.advance(target - step)
        self.timings.dynamics += time.perf_counter() - start

    def _is_fixed(self, step: int) -> bool:
        """Return whether chunks of steps end here in a run of any length."""
        output = self.problem.config.output
        return step % output.every == 0 or step % output.checkpoint_every == 0

    def _observe(self, electrons: Propagator) -> None:
        """Add a row to the series unless it has that step."""
        if len(self.series) and self.series["step"][-1] == electrons.step_count:
            return
        self.series.append(electrons.step_count, electrons.time, electrons.observe())

    def _save(self, electrons: Propagator) -> None:
        """Write the checkpoint."""
        with new_sealed(self.folder.checkpoint, "checkpoint", self.problem.physics) as file:
            file.attrs["ground_state"] = seal_of(self.folder.ground_state)
            file.attrs["hardware"] = self._hardware()
            file.attrs["seconds"] = self.timings.dynamics
            write_state(file.create_group("state"), electrons.state())
            self.series.write(file.create_group("series"))
        self._saved_step = electrons.step_count

    def _hardware(self) -> str:
        """Return what the last bits of the numbers depend on besides the physics."""
        dynamics = self.problem.config.dynamics
        place = f"backend '{dynamics.backend}' with {dynamics.threads or default_threads()} thread(s)"
        if (ranks := launched_ranks()) == 1:
            return place
        asked = self.problem.config.parallel.model_dump(exclude_none=True)
        return f"{place} on {ranks} ranks{' by ' if asked else ''}{', '.join(f'{n} = {c}' for n, c in asked.items())}"

    @contextmanager
    def _last_checkpoint_on_failure(self) -> Iterator[None]:
        """Add to a failure of the numbers where the last good state is."""
        try:
            yield
        except NumericsError as error:
            file = self.folder.checkpoint
            kept = f"the last good state is kept in {file}" if file.exists() else "no checkpoint was written before"
            raise NumericsError(f"{self.problem.path}: [dynamics] dt: {error}; try a smaller dt ({kept})") from error


def _next(step: int, every: int) -> int:
    """Return the first multiple of ``every`` after ``step``."""
    return (step // every + 1) * every


def default_folder(input_file: Path) -> Path:
    """Return the run folder used without ``--out``.

    Parameters
    ----------
    input_file : Path
        The input file.

    Returns
    -------
    Path
        A folder of that name in the current one.

    Examples
    --------
    >>> str(default_folder(Path("examples/pto_pulse.toml")))
    'pto_pulse_out'
    """
    return Path(f"{input_file.stem}_out")
