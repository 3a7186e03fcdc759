"""What a run with ``[maxwell]`` leaves besides the files of every run: the light at both ends, spectra, the account."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import units
from ..config import PulseSettings
from ..dcmesh.maxwell import Bulk, Film
from ..light_plots import Spectra, draw_bulk, draw_film
from ..problem import Problem
from .atomic import write_bytes, write_text
from .folder import RunFolder
from .series import IMBALANCE, Series

Array = NDArray[np.float64]
FAINTEST = 1e-2  # of the largest incident spectral intensity: spectra are given where there is more light
FREQUENCIES = 1001


def write_light(problem: Problem, light: Film | Bulk, series: Series, folder: RunFolder) -> None:
    """Write the files of the light.

    Parameters
    ----------
    problem : Problem
        The input.
    light : Film or Bulk
        At the end of the run.
    series : Series
        The observations.
    folder : RunFolder
        Where the files go.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    plots = problem.config.output.plots
    if isinstance(light, Bulk):
        if plots:
            write_bytes(folder.light_energies, draw_bulk(problem, series))
        return
    found = spectra(light, problem)
    write_text(folder.light, _ends_table(light))
    write_text(folder.light_spectra, _spectra_table(found))
    if plots:
        pictures = draw_film(problem, light, series, found)
        for path, picture in zip(folder.film_plots, pictures, strict=True):
            write_bytes(path, picture)


def light_summary(light: Film | Bulk, series: Series) -> dict[str, Any]:
    """Return the account of energies at the end, for ``summary.json``; units are part of the names.

    Parameters
    ----------
    light : Film or Bulk
        At the end of the run.
    series : Series
        The observations.

    Returns
    -------
    dict
        Energies that came in (of a single cell: the largest work of the pulse), and where they are, as parts of them.
    """
    film = isinstance(light, Film)
    whole = light.largest if isinstance(light, Bulk) else float(series["light/incident"][-1])
    parts = [*(["reflected", "transmitted"] if film else ["work"]), "absorbed", "field"]
    return {
        "incident_hartree_per_bohr2" if film else "largest_work_hartree_per_bohr3": whole,
        **{part: float(series[f"light/{part}"][-1]) / whole for part in parts},
        "imbalance": float(series[IMBALANCE][-1]),
        "largest_imbalance": float(np.abs(series[IMBALANCE]).max()),
        "n_exc_by_domain": series["domains/n_exc"][-1].tolist(),
    }


def spectra(film: Film, problem: Problem) -> Spectra:
    """Return what is reflected and transmitted at the frequencies that the pulse holds.

    Parameters
    ----------
    film : Film
        At the end of a run.
    problem : Problem
        The input, with a pulse.
    """
    laser = problem.config.laser
    assert isinstance(laser, PulseSettings)  # validated
    omega = np.linspace(0.0, 3.0 * laser.frequency, FREQUENCIES)[1:]
    incident, reflected, transmitted = film.intensities(omega)
    lit = incident > FAINTEST * incident.max()
    energies = units.from_atomic(1.0, "eV", "energy") * omega[lit]
    whole = incident[lit]
    return Spectra(energies, whole / incident.max(), reflected[lit] / whole, transmitted[lit] / whole)


def _ends_table(film: Film) -> str:
    """Return A at the ends over time as CSV."""
    times, *waves = film.ends()
    names = [f"{what}_A{axis}" for what in ("incident", "reflected", "transmitted") for axis in "xyz"]
    columns = np.column_stack([units.from_atomic(1.0, "fs", "time") * times, *waves])
    return _csv(["time_fs", *names], columns)


def _spectra_table(found: Spectra) -> str:
    """Return spectra as CSV."""
    return _csv(["photon_energy_eV", "incident", "reflected", "transmitted"], np.column_stack(found))


def _csv(names: list[str], columns: Array) -> str:
    text = io.StringIO()
    np.savetxt(text, columns, fmt="%.9e", delimiter=",", header=",".join(names), comments="")
    return text.getvalue()
