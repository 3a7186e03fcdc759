"""The report of a photo-switching from what became of it."""

from __future__ import annotations

from pathlib import Path

from .job import Job, label
from .motion import femtoseconds, kelvin
from .numbers import signless
from .outcome import Outcome, Track
from .pictures import Map
from .report import Report, Run, write_report


def tell(job: Job, found: Outcome) -> Path:
    """Write the page of a photo-switching, and its pictures, into the folder of the run.

    Parameters
    ----------
    job : Job
        What was asked.
    found : Outcome
        What came out.

    Returns
    -------
    path
        Of ``report.html``.
    """
    strongest = found.tracks[-1]
    light = found.lights[job.fluences[-1]]
    sides = strongest.seen.sides
    report = Report(
        title=job.config.title or job.path.name,
        told=_asked(job),
        runs=[Run(track.name, track.seen.rows, track.verdict) for track in found.tracks],
        sides=sides,
        maps=_maps(found.tracks[0], strongest),
        film=[(row, strongest.seen.mean_layer(P)) for row, P in strongest.seen.kept],
        excitation=light.electrons.max(axis=2),
        domain=(sides[0] * job.config.domains.cells[0], sides[1] * job.config.domains.cells[1]),
        temperatures={track.name: (track.times, track.temperature) for track in found.tracks},
        pulse=0.0,
        files=_files(job, found),
    )
    return write_report(job.folder, report)


def _maps(dark: Track, lit: Track) -> list[Map]:
    """The texture in the dark, and after the strongest pulse a third on and at the end."""
    before = ("in the dark", dark.seen.mean_layer(dark.seen.kept[0][1]))
    chosen = [lit.seen.kept[len(lit.seen.kept) // 3], lit.seen.kept[-1]]
    return [
        before,
        *(
            (
                f"{label(lit.fluence)}, {row.time_fs:.0f} fs, Q = {signless(row.charge)}",
                lit.seen.mean_layer(P),
            )
            for row, P in chosen
        ),
    ]


def _asked(job: Job) -> dict[str, str]:
    asked = job.config
    return {
        "texture": f"{asked.texture.kind}, {asked.texture.skyrmions or 1} in the box",
        "crystal": f"{' x '.join(map(str, asked.crystal.cells))} cells, {len(job.ideal)} atoms",
        "networks": f"{asked.networks.ground}, {asked.networks.excited}",
        "pulses": ", ".join(label(fluence) for fluence in job.fluences),
        "lifetime": f"{femtoseconds(asked.carriers.lifetime):g} fs",
        "temperature": f"{kelvin(asked.switch.temperature):g} K",
        "time": f"{femtoseconds(asked.switch.time):g} fs",
        "seeds": ", ".join(map(str, asked.switch.seeds)),
    }


def _files(job: Job, found: Outcome) -> dict[str, str]:
    files = {"outcome.csv": "the table above"}
    for track in found.tracks:
        folder = job.switched(track.fluence, track.seed).relative_to(job.folder).as_posix()
        files[f"{folder}/trajectory.xyz"] = f"{track.name}: positions, momenta, forces"
        files[f"{folder}/ovito.dump"] = f"{track.name}: the same with polarisation, LAMMPS dump"
        files[f"{folder}/fields.xdmf"] = f"{track.name}: polarisation and charge density of the cells"
    return files
