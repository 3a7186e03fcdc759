"""Fourth stage: polarisation and topological charge over time, and which pulse switched the texture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..io.atomic import write_text
from .following import Followed, follow, write_exports
from .history import as_csv
from .job import DARK, Job, label, millijoules
from .light import Illuminated
from .motion import steps_of
from .topology import Array
from .verdict import Verdict, judge


@dataclass(frozen=True)
class Track:
    """A dynamics that is over.

    Attributes
    ----------
    fluence : float
        Of its pulse, atomic units; 0 in the dark.
    seed : int
        Of velocities and noise.
    seen : Followed
        Rows and polarisations, each averaged over the window of time before it.
    verdict : Verdict
        What became of the texture.
    times, temperature : array (rows,)
        In fs and K.
    """

    fluence: float
    seed: int
    seen: Followed
    verdict: Verdict
    times: Array
    temperature: Array

    @property
    def name(self) -> str:
        """A few words."""
        return f"{label(self.fluence)}, seed {self.seed}"


@dataclass(frozen=True)
class Outcome:
    """All runs of a job, the dark ones first, then by fluence, and what the pulses left."""

    tracks: list[Track]
    lights: Mapping[float, Illuminated]

    @property
    def verdicts(self) -> list[Verdict]:
        """One of each run."""
        return [track.verdict for track in self.tracks]


def outcome(job: Job, lights: Mapping[float, Illuminated]) -> Outcome:
    """Observe and judge all runs of a job; write tables, and fields for OVITO and ParaView.

    Parameters
    ----------
    job : Job
        Whose dynamics are over.
    lights : mapping
        Fluence (atomic units) -> what the pulse left.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        A trajectory that cannot be read, a file that cannot be written.
    """
    seeds, tracks, before = job.config.switch.seeds, [], dict[int, float]()
    for fluence in (DARK, *job.fluences):
        for seed in seeds:
            seen = _seen(job, fluence, seed)
            charges = [row.charge for row in seen.rows]
            before.setdefault(seed, charges[0])
            verdict = _judge(job, fluence, seed, charges, before[seed], lights.get(fluence))
            times, temperature = _temperature(job, fluence, seed)
            tracks.append(Track(fluence, seed, seen, verdict, times, temperature))
    found = Outcome(tracks, lights)
    _write_tables(job, found.verdicts)
    return found


def _seen(job: Job, fluence: float, seed: int) -> Followed:
    """A run by the mean over each window of time; leaves its table and its fields in its folder."""
    switch, folder = job.config.switch, job.switched(fluence, seed)
    window = max(1, steps_of(switch.window, switch) // steps_of(switch.frame, switch))
    trajectory = folder / "trajectory.xyz"
    seen = follow(trajectory, job.texture, "born", average=window, keep=True)
    write_exports(folder, seen, trajectory)
    # The first frame is that at the start; whole windows only.
    seen.rows, seen.kept = seen.rows[window:], seen.kept[window:]
    write_text(folder / "topology.csv", as_csv(seen.rows))
    return seen


def _judge(
    job: Job, fluence: float, seed: int, charges: list[float], before: float, light: Illuminated | None
) -> Verdict:
    electrons = 0.0 if light is None else float(light.electrons.mean())
    weight = 0.0 if light is None else float(light.weights.mean())
    return judge(charges, before, job.config.texture.skyrmions, millijoules(fluence), seed, electrons, weight)


def _temperature(job: Job, fluence: float, seed: int) -> tuple[Array, Array]:
    table = np.genfromtxt(job.switched(fluence, seed) / "observables.csv", delimiter=",", names=True)
    return np.atleast_1d(table["time_fs"]), np.atleast_1d(table["temperature_K"])


def _write_tables(job: Job, verdicts: list[Verdict]) -> None:
    rows = [vars(verdict) for verdict in verdicts]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(job.folder / "outcome.csv", text.getvalue())
    write_text(job.folder / "outcome.json", json.dumps({"title": job.config.title, "runs": rows}, indent=1))
