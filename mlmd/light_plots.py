"""Pictures of light that goes through a film: the field over place and time, depth, spectra, energies."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from . import units
from .dcmesh.maxwell import Film
from .io.series import Series
from .plots import femtoseconds, title_of
from .problem import Problem
from .style import BLUE, GREEN, GREY, ORANGE, PULSE, as_png

Array = NDArray[np.float64]


class Spectra(NamedTuple):
    """Photon energies in eV, incident intensity (largest: 1), and its parts that are reflected and transmitted."""

    energies: Array
    incident: Array
    reflected: Array
    transmitted: Array


def draw_film(problem: Problem, film: Film, series: Series, spectra: Spectra) -> tuple[bytes, ...]:
    """Draw all pictures of a film.

    Parameters
    ----------
    problem : Problem
        The input.
    film : Film
        At the end of the run.
    series : Series
        The observations.
    spectra : Spectra
        Of both ends.

    Returns
    -------
    tuple of bytes
        PNG images: A(X, t), depth, spectra, energies.
    """
    figures = (
        partial(field_map, problem, film, series),
        partial(depth, problem, film, series),
        partial(spectra_at_ends, problem, spectra),
        partial(energies, problem, series),
    )
    return tuple(as_png(figure) for figure in figures)


def draw_bulk(problem: Problem, series: Series) -> bytes:
    """Draw the account of energies of a single cell as a PNG image."""
    return as_png(partial(energies, problem, series))


def field_map(problem: Problem, film: Film, series: Series) -> Figure:
    """Return a figure of A over place and time, along the polarisation of the light."""
    A = series["light/A"] @ _polarization(problem)
    edges = _nanometres(film) * (np.arange(A.shape[1] + 1) - film.place.start)
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    largest = float(np.abs(A).max()) or 1.0
    image = axes.pcolormesh(
        edges, femtoseconds(series), _between(A), cmap="RdBu_r", vmin=-largest, vmax=largest, rasterized=True
    )
    for X in (0.0, _nanometres(film) * film.medium.cells):
        axes.axvline(X, color=GREY, linewidth=1.0, linestyle="--")
    axes.grid(False)
    axes.set(xlabel="X (nm), film between the lines", ylabel="time (fs)", title=title_of(problem, "Vector potential"))
    figure.colorbar(image, ax=axes, label="$A$ (a.u.)")
    return figure


def depth(problem: Problem, film: Film, series: Series) -> Figure:
    """Return a figure of the energy gained and the electrons excited at the end, over the depth in the film."""
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    X = _nanometres(film) * (np.arange(film.medium.cells) + 0.5)
    cell = float(np.prod(problem.atoms.cell.lengths()))  # cubic Angstrom
    volume = cell / units.from_atomic(1.0, "angstrom", "length") ** 3
    gained = units.from_atomic(1.0, "eV", "energy") * volume * series["domains/gained"][-1]
    for axes, values, color in ((left, gained, ORANGE), (right, series["domains/n_exc"][-1], BLUE)):
        axes.plot(X, values, "o-", color=color)
        axes.set(xlabel="depth (nm)")
        axes.set_ylim(bottom=min(0.0, 1.05 * float(values.min())))
    left.set(ylabel="energy absorbed (eV per cell)", title=title_of(problem, "Absorbed energy"))
    right.set(ylabel="excited electrons per cell", title="Excited electrons")
    return figure


def spectra_at_ends(problem: Problem, spectra: Spectra) -> Figure:
    """Return a figure of the reflected and transmitted parts over the photon energy."""
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(spectra.energies, spectra.incident, color=PULSE, alpha=0.2, linewidth=0, label="pulse")
    _parts(axes, spectra.energies, {"reflected": spectra.reflected, "transmitted": spectra.transmitted})
    axes.set(xlabel="photon energy (eV)", ylabel="part of the intensity", title=title_of(problem, "Spectra"))
    axes.set_ylim(bottom=0.0)
    axes.margins(x=0.0)
    axes.legend()
    return figure


def energies(problem: Problem, series: Series) -> Figure:
    """Return a figure of where the energy of the light is over time."""
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.subplots()
    time = femtoseconds(series)
    film = "light/incident" in series
    whole, unit = ("incident", "hartree / bohr²") if film else ("work", "hartree / bohr³")
    parts = [*(["reflected", "transmitted"] if film else []), "field", "absorbed"]
    axes.plot(time, series[f"light/{whole}"], color=GREY, linewidth=4.5, alpha=0.4, label=whole)
    _parts(axes, time, {part: series[f"light/{part}"] for part in parts})
    axes.plot(time, sum(series[f"light/{part}"] for part in parts), color="black", linewidth=1.0, label="sum")
    axes.set(xlabel="time (fs)", ylabel=unit, title=title_of(problem, "Where the energy is"))
    axes.margins(x=0.0)
    axes.legend()
    return figure


_COLORS = {"reflected": BLUE, "transmitted": GREEN, "field": PULSE, "absorbed": ORANGE}


def _parts(axes: Axes, x: Array, parts: dict[str, Array]) -> None:
    for name, values in parts.items():
        axes.plot(x, values, color=_COLORS[name], label=name)


def _polarization(problem: Problem) -> Array:
    return np.asarray(getattr(problem.config.laser, "polarization", (0.0, 0.0, 1.0)))


def _nanometres(film: Film) -> float:
    """Length of a cell."""
    return units.from_atomic(film.wave.spacing, "nm", "length")


def _between(A: Array) -> Array:
    """Values at the middles of the times, for a map whose edges are the times."""
    return 0.5 * (A[1:] + A[:-1])
