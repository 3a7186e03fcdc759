"""How a run tells what it is doing: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column

from .io.series import IMBALANCE, Series

_LINE_INTERVAL = 10.0  # seconds between plain lines


class Progress:
    """Reports of one run.

    Parameters
    ----------
    console : rich.console.Console
        Where to write; bars are drawn only if it is a terminal.

    Examples
    --------
    >>> import io
    >>> text = io.StringIO()
    >>> Progress(Console(file=text)).note("reading")
    >>> text.getvalue()
    'reading\\n'
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    def note(self, text: str) -> None:
        """Write one line.

        Parameters
        ----------
        text : str
            The line.
        """
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def ground_state(self, max_iterations: int, name: str = "ground state") -> Iterator[GroundStateReport]:
        """Report on a ground state while the block lasts.

        Parameters
        ----------
        max_iterations : int
            Iterations after which it gives up.
        name : str
            What is solved for.

        Yields
        ------
        GroundStateReport
            To be called after each iteration.
        """
        bars = Bars(
            TextColumn(name),
            BarColumn(pulse_style="bar.pulse"),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        with bars:
            report = GroundStateReport(self, bars, max_iterations, name)
            yield report
        report.finish()

    @contextmanager
    def dynamics(self, first: int, total: int, electrons: float) -> Iterator[DynamicsReport]:
        """Report on the propagation while the block lasts.

        Parameters
        ----------
        first, total : int
            Steps done before, and steps of the whole run.
        electrons : float
            Electrons propagated, for the time per electron and step.

        Yields
        ------
        DynamicsReport
            To be called after each chunk of steps.
        """
        bars = Bars(
            TextColumn("light"),
            BarColumn(),
            # On a narrow terminal the bar gives way, not the numbers.
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[state]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        with bars:
            yield DynamicsReport(self, bars, first, total, electrons)


class GroundStateReport:
    """Progress of the self-consistency; called as ``report(iteration, energy, residual)``."""

    def __init__(self, progress: Progress, bars: Bars, max_iterations: int, name: str) -> None:
        self._progress, self._name = progress, name
        self._bars = bars
        self._task = bars.add_task("", total=None, state=f"at most {max_iterations} iterations")
        self._start = time.perf_counter()
        self._last: tuple[int, float, float] | None = None
        self._said = self._start

    def __call__(self, iteration: int, energy: float, residual: float) -> None:
        """Report one iteration.

        Parameters
        ----------
        iteration : int
            Its number.
        energy : float
            Total energy, hartree.
        residual : float
            Change of the density per electron.
        """
        self._last = (iteration, energy, residual)
        state = f"iteration {iteration}  energy {energy:.6f} Ha  residual {residual:.1e}"
        self._bars.update(self._task, state=state)
        now = time.perf_counter()
        if self._bars.disable and now - self._said > _LINE_INTERVAL:
            self._said = now
            self._progress.note(f"{self._name}: {state}")

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    def finish(self) -> None:
        """Write the closing line."""
        if self._last is not None:
            iterations, energy, _ = self._last
            self._progress.note(f"{self._name}: {energy:.6f} Ha after {iterations} iterations, {self.seconds:.1f} s")


class DynamicsReport:
    """Progress of the propagation; called as ``report(step, seconds, series)``."""

    def __init__(self, progress: Progress, bars: Bars, first: int, total: int, electrons: float) -> None:
        self._progress = progress
        self._bars = bars
        self._first = first
        self._total = total
        self._electrons = electrons
        self._task = bars.add_task("", total=total, completed=first, state="")
        self._start = time.perf_counter()
        self._said = (self._start, first)

    def __call__(self, step: int, seconds: float, series: Series) -> None:
        """Report that a step was reached.

        Parameters
        ----------
        step : int
            Steps done.
        seconds : float
            Time that all steps took, without observing and writing.
        series : Series
            What was observed so far.
        """
        now = time.perf_counter()
        left = (now - self._start) / max(1, step - self._first) * (self._total - step)
        speed = seconds / (step * self._electrons)
        clocks = f"{clock(left)} left" if step < self._total else f"took {clock(seconds)}"
        seen = f"n_exc {series['n_exc'][-1]:.3e}"
        if IMBALANCE in series:
            seen += f"  energy missing {100 * series[IMBALANCE][-1]:+.2f} %"
        state = f"{seen}  {clocks}  {speed:.1e} s/(electron*step)"
        self._bars.update(self._task, completed=step, state=state)
        if not self._bars.disable:
            return
        said_at, said_step = self._said
        due = now - said_at > _LINE_INTERVAL or step - said_step >= self._total / 10
        if due or step == self._total:
            self._said = (now, step)
            self._progress.note(f"light: step {step} of {self._total}  {state}")


def clock(seconds: float) -> str:
    """Return a duration as people read it.

    Parameters
    ----------
    seconds : float
        The duration.

    Returns
    -------
    str
        Such as ``"0:42"`` or ``"2:03:10"``.

    Examples
    --------
    >>> clock(42.3), clock(7390)
    ('0:42', '2:03:10')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
