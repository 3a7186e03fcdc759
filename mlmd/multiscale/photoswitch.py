"""The driver of a photo-switching: prepare the texture, shine light on it, let it move, look at what became of it.

Each stage leaves files from which the next begins, and takes what it finds there: a run that was stopped, or killed at
any moment, goes on with the same command and ends with the same numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ase
from rich.console import Console

from ..interrupt import Interrupted, StopSignals
from ..io.atomic import make_folder
from ..nnqmd.md.record import Observables
from ..progress import Progress
from .ensemble import Ensemble
from .job import DARK, Job, label
from .light import Excited, Illuminated, check, find_cells, gather, shine
from .local_cells import LocalCells
from .motion import Report, steps_of
from .outcome import Outcome, outcome
from .preparation import relax, thermalise
from .progress import bar
from .switching import switch
from .tell import tell

STAGES = 4
LEFT = (
    *("texture.extxyz", "relaxed.extxyz", "relaxed.h5", "prepared", "light", "runs"),
    *("outcome.csv", "outcome.json", "report.html"),
    *("charge.png", "temperature.png", "excitation.png", "maps.png", "fluences.png", "film.gif"),
)


@dataclass
class Photoswitch:
    """A photo-switching with its console.

    Parameters
    ----------
    job : Job
        What to do.
    console : Console
        Where to report.
    ensemble : Ensemble, optional
        Who does pulses, local cells and runs; where not given, this process does one after the other.
    """

    job: Job
    console: Console
    ensemble: Ensemble | None = None

    def run(self) -> Outcome:
        """Do all four stages.

        Returns
        -------
        Outcome
            Of the runs in the dark and after each pulse.

        Raises
        ------
        MlmdError
            What an input, a file or the numbers have against it.
        Interrupted
            When it was stopped; the same command goes on.
        """
        job = self.job
        check(job)
        make_folder(job.folder)
        with _same_command():
            with StopSignals() as stop:
                relaxed, starts = self._prepare(lambda: stop.requested)
            lights = self._light(relaxed)
            self._switch(starts, lights)
        self._say(4, "what became of the texture")
        found = outcome(job, lights)
        self._note(f"report: {tell(job, found)}")
        return found

    def _prepare(self, stop: Callable[[], bool]) -> tuple[ase.Atoms, dict[int, ase.Atoms]]:
        job, asked = self.job, self.job.config
        self._say(1, f"{asked.texture.kind} in {len(job.ideal)} atoms relaxes, then moves in the dark")
        with bar(self.console, "relax", asked.prepare.iterations) as show:
            relaxed = relax(job, lambda step, force: show(step, f"{force:.3f} eV/Å"), stop)
        starts = {}
        for seed in asked.switch.seeds:
            with self._moving(f"seed {seed}", asked.prepare.time) as report:
                starts[seed] = thermalise(job, relaxed, seed, report, stop)
        return relaxed, starts

    def _light(self, crystal: ase.Atoms) -> dict[float, Illuminated]:
        job = self.job
        cells = find_cells(job, crystal)
        chosen = range(len(cells.chosen))
        self._say(2, f"{len(chosen)} local cells for {cells.standing_for.size} domains go through the light")
        # The first pulse leaves the ground state of each cell for the others.
        first, others = job.fluences[:1], job.fluences[1:]
        found = {}
        for fluences in (first, others):
            tasks: list[tuple[Any, ...]] = [(job, cells, number, fluence) for fluence in fluences for number in chosen]
            names = [f"local cell {number}, {label(fluence)}" for _, _, number, fluence in tasks]
            results = self._all(_shine_alone, self._show_shine, tasks, names)
            found.update({task[2:]: result for task, result in zip(tasks, results, strict=True)})
        lights = {}
        for fluence in job.fluences:
            lights[fluence] = light = gather(job, crystal, cells, [found[n, fluence] for n in chosen], fluence)
            electrons, weight = light.electrons.mean(), light.weights.mean()
            self._note(f"{label(fluence)}: {electrons:.4f} electrons lifted in a formula unit, weight {weight:.3f}")
        return lights

    def _switch(self, starts: dict[int, ase.Atoms], lights: dict[float, Illuminated]) -> None:
        job = self.job
        self._say(3, "the texture moves on, in the dark and after each pulse")
        tasks: list[tuple[Any, ...]] = [
            (job, start, fluence, lights.get(fluence), seed)
            for fluence in (DARK, *job.fluences)
            for seed, start in starts.items()
        ]
        names = [f"{label(fluence)}, seed {seed}" for _, _, fluence, _, seed in tasks]
        self._all(_switch_alone, self._show_switch, tasks, names)

    def _all(
        self, alone: Callable[..., Any], shown: Callable[..., Any], tasks: list[tuple[Any, ...]], names: list[str]
    ) -> list[Any]:
        """Do tasks one after the other and show how they go on, or let the ensemble do them."""
        if self.ensemble is None:
            return [shown(name, *task) for name, task in zip(names, tasks, strict=True)]
        return self.ensemble.map(alone, tasks, lambda number: self._note(f"done: {names[number]}"))

    def _show_switch(
        self, name: str, job: Job, start: ase.Atoms, fluence: float, light: Illuminated | None, seed: int
    ) -> None:
        with StopSignals() as stop, self._moving(name, job.config.switch.time) as report:
            switch(job, start, fluence, light, seed, report, lambda: stop.requested)

    def _show_shine(self, name: str, job: Job, cells: LocalCells, number: int, fluence: float) -> Excited:
        return shine(job, cells, number, fluence, Progress(self.console))

    @contextmanager
    def _moving(self, name: str, time: float) -> Iterator[Report]:
        with bar(self.console, name, steps_of(time, self.job.config.switch)) as show:

            def report(row: Observables) -> None:
                show(row.step, f"{row.temperature_K:.0f} K")

            yield report

    def _say(self, stage: int, text: str) -> None:
        self._note(f"stage {stage} of {STAGES}: {text}")

    def _note(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _shine_alone(job: Job, cells: LocalCells, number: int, fluence: float) -> Excited:
    return shine(job, cells, number, fluence, Progress(Console(quiet=True)))


def _switch_alone(job: Job, start: ase.Atoms, fluence: float, light: Illuminated | None, seed: int) -> None:
    with StopSignals() as stop:
        switch(job, start, fluence, light, seed, lambda row: None, lambda: stop.requested)


@contextmanager
def _same_command() -> Iterator[None]:
    """Say of a stop that the same command goes on."""
    try:
        yield
    except Interrupted as error:
        raise Interrupted(f"{str(error).split(';')[0]}; the same command goes on") from error


def forget(job: Job) -> None:
    """Remove what a photo-switching left in its folder, and nothing else."""
    for path in (job.folder / name for name in LEFT):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
