"""``mlmd spectrum``: the spectrum of finished runs, as tables and pictures beside them."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console

from .. import units
from ..errors import InputError
from ..perf.cli import Guard

if TYPE_CHECKING:
    from ..io.record import Record
    from .response import Array, Spectrum

EV = units.from_atomic(1.0, "eV", "energy")
FAINTEST = 0.1  # of the strongest Fourier component of a pulse: below it the end of the run shows through
LARGEST_PHASE = math.pi / 2  # of the highest energy between two samples


@dataclass(frozen=True)
class Wanted:
    """What to compute: damping, half width of a line, last energy and step of the energies in Ha, without images."""

    damping: str = "polynomial"
    width: float | None = None
    last: float = 30.0 / EV
    step: float = 0.01 / EV
    isolated: bool = False


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``spectrum`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def spectrum(
        folders: Annotated[list[Path], typer.Argument(metavar="RUN_FOLDER...", help="Finished runs.")],
        damping: Annotated[
            str, typer.Option(help="Window: polynomial, gaussian, exponential or none.")
        ] = Wanted.damping,
        width: Annotated[
            str | None,
            typer.Option(help='Half width of a line, such as "0.1 eV" (gaussian, exponential).', show_default=False),
        ] = None,
        max_energy: Annotated[str, typer.Option(help="Last energy.")] = "30 eV",
        step: Annotated[str, typer.Option(help="Step of the energies.")] = "0.01 eV",
        isolated: Annotated[
            bool, typer.Option("--isolated", help="One molecule in a cubic cell: without the field of its images.")
        ] = False,
        out: Annotated[
            Path | None, typer.Option(help="A picture of all runs together, PNG.", show_default=False)
        ] = None,
    ) -> None:
        """Spectra of runs after a kick or a pulse: dielectric function, conductivity, dipole strength.

        Each run folder receives spectrum.csv and spectrum.png; peaks and the sum rule are printed.
        """
        with guard(Console(stderr=True)):
            wanted = Wanted(
                _damping(damping),
                None if width is None else _energy("--width", width),
                _energy("--max-energy", max_energy),
                _energy("--step", step),
                isolated,
            )
            _write_all(folders, wanted, out)


def _damping(name: str) -> str:
    from .response import WINDOWS

    if name not in WINDOWS:
        raise InputError("mlmd spectrum", "--damping", f"'{name}' is not known", f"use one of {', '.join(WINDOWS)}")
    return name


def _energy(option: str, text: str) -> float:
    try:
        value = units.parse(float(text) if _is_number(text) else text, "energy")
    except ValueError as error:
        raise InputError("mlmd spectrum", option, str(error)) from error
    if value <= 0:
        raise InputError("mlmd spectrum", option, f"must be greater than 0, got {text}")
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _write_all(folders: list[Path], wanted: Wanted, out: Path | None) -> None:
    from ..io.atomic import write_bytes, write_text
    from ..io.folder import RunFolder
    from ..io.record import read_record
    from .picture import draw_spectra

    if out is not None and out.suffix.lower() != ".png":
        raise InputError(out, "--out", "is not a name of a PNG picture", "let it end in .png")
    records = [read_record(path) for path in folders]
    spectra = [spectrum_of(record, wanted) for record in records]
    console = Console()
    for record, spectrum in zip(records, spectra, strict=True):
        files = RunFolder(record.folder)
        write_text(files.spectrum, as_csv(spectrum))
        write_bytes(files.spectrum_plot, draw_spectra([(record.label, spectrum)], record.config.title))
        for line in lines(record, spectrum, wanted):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        console.print(f"  written: {files.spectrum}, {files.spectrum_plot}", markup=False, soft_wrap=True)
    if out is not None:
        labels = [record.label for record in records]
        names = labels if len(set(labels)) == len(labels) else [record.folder.name for record in records]
        write_bytes(out, draw_spectra(list(zip(names, spectra, strict=True)), records[0].config.title))
        console.print(f"picture: {out}", markup=False, soft_wrap=True)


def spectrum_of(record: Record, wanted: Wanted) -> Spectrum:
    """Spectrum of a finished run.

    Parameters
    ----------
    record : mlmd.io.record.Record
        The run.
    wanted : Wanted
        What to compute.

    Returns
    -------
    mlmd.spectra.Spectrum
        Along the polarisation of the light.

    Raises
    ------
    InputError
        A run without light, a pulse with another than exponential damping, samples too far apart for the energies,
        too few or uneven samples, or ``isolated`` in a cell that is no cube or after a pulse.
    """
    from ..config import Kick, NoLaser
    from .response import damping_rate, respond, without_images

    laser, folder = record.config.laser, record.folder
    if isinstance(laser, NoLaser):
        raise InputError(folder, "[laser] type", "the run was in the dark", 'do it again with type = "kick"')
    kick, volume = isinstance(laser, Kick), float(np.prod(record.lengths))
    if not kick and wanted.damping != "exponential":
        raise InputError(
            folder, "--damping", f"'{wanted.damping}' does not suit the response to a pulse", "use exponential"
        )
    time, current, polarization, field = _signals(record)
    _check_samples(record, time, wanted)
    if wanted.isolated:
        if not kick or np.ptp(record.lengths) > 1e-6 * record.lengths[0]:
            raise InputError(folder, "--isolated", "is for a kick on a molecule in a cubic cell", "leave it out")
        dipole = volume * polarization / field
        polarization = field / volume * without_images(dipole, time[1] - time[0], volume)
    energies = wanted.step * np.arange(1.0, round(wanted.last / wanted.step) + 1)
    rate = damping_rate(wanted.damping, float(time[-1]), wanted.width)
    spectrum = respond(time, current, polarization, field, volume, energies, wanted.damping, rate)
    return spectrum if kick else spectrum.where(_strong_enough(time, field, energies, rate))


def _signals(record: Record) -> tuple[Array, Array, Array, Any]:
    """Times from the kick on, current density and polarisation along the light, and the field (see `respond`)."""
    from scipy.interpolate import CubicSpline

    from ..config import Kick
    from ..kernels.constants import SPEED_OF_LIGHT

    laser, series, time = record.config.laser, record.series, record.series["time"]
    direction = np.asarray(laser.polarization)  # type: ignore[union-attr]
    current, polarization, A = (series[name] @ direction for name in ("J", "polarization", "A"))
    if not isinstance(laser, Kick):
        return time, current, polarization, -CubicSpline(time, A)(time, 1) / SPEED_OF_LIGHT
    first = int(np.searchsorted(time, laser.start * (1 - 1e-9)))
    if first == len(time) or abs(time[first] - laser.start) > 1e-9 * max(1.0, laser.start):
        raise InputError(
            record.folder, "[laser] start", "the kick fell between two samples", "let it be a multiple of dt * every"
        )
    moved = polarization[first:] - polarization[first]
    return time[first:] - time[first], current[first:], moved, -laser.strength


def _check_samples(record: Record, time: Array, wanted: Wanted) -> None:
    if len(time) < 10 or not np.allclose(np.diff(time), time[1] - time[0], rtol=1e-6):
        raise InputError(
            record.folder,
            "[output] every",
            "the run has fewer than 10 samples at even distances",
            "let 'every' divide the number of steps, and make the run longer",
        )
    highest = LARGEST_PHASE / (time[1] - time[0])
    if wanted.last > highest * (1 + 1e-9):
        raise InputError(
            record.folder,
            "[output] every",
            f"the samples are too far apart for {wanted.last * EV:.4g} eV",
            f"give --max-energy {highest * EV:.3g} at most, in eV, or sample the run finer",
        )


def _strong_enough(time: Array, field: Array, energies: Array, rate: float) -> Any:
    """Where the light has enough of an energy to tell the response."""
    light = np.abs(np.exp(1j * np.outer(energies, time)) @ (field * np.exp(-rate * time)))
    return light > FAINTEST * light.max()


def as_csv(spectrum: Spectrum) -> str:
    """Return a spectrum as comma-separated columns, energies in eV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["energy (eV)", "Re eps", "Im eps", "Re sigma (a.u.)", "Im sigma (a.u.)", "dipole strength (1/eV)"]
    )
    eps, sigma = spectrum.dielectric, spectrum.conductivity
    columns = (spectrum.energies * EV, eps.real, eps.imag, sigma.real, sigma.imag, spectrum.strength / EV)
    writer.writerows([f"{value:.8g}" for value in row] for row in zip(*columns, strict=True))
    return text.getvalue()


def lines(record: Record, spectrum: Spectrum, wanted: Wanted) -> list[str]:
    """What is printed for a run: damping, resolution, sum rule, peaks."""
    from ..config import Kick

    length = float(record.series["time"][-1])
    last = spectrum.energies[-1] * EV
    found = [
        f"{record.folder}: {record.label}",
        f"  {wanted.damping} damping over {units.from_atomic(length, 'fs', 'time'):.4g} fs: "
        f"energies closer than {2 * math.pi / length * EV:.2g} eV are not told apart",
    ]
    if isinstance(record.config.laser, Kick):
        whole = spectrum.volume * float(_signals(record)[1][0]) / record.config.laser.strength
        found.append(
            f"  sum rule: {spectrum.electrons:.4g} electrons up to {last:.4g} eV, {whole:.5g} in all; "
            f"the cell has {record.electrons:.5g} (nonlocal pseudopotentials shift the sum)"
        )
    for name, curve in (("Im eps", spectrum.dielectric.imag), ("dipole strength", spectrum.strength)):
        highest = sorted(sorted(spectrum.peaks(curve), key=lambda peak: -peak[1])[:5])
        found.append(f"  peaks of {name} (eV): " + (", ".join(f"{e * EV:.3f}" for e, _ in highest) or "none"))
    return found
