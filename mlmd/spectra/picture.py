"""Picture of spectra: dielectric function and dipole strength, several runs over one another."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from .. import units
from ..style import BLUE, GREEN, GREY, ORANGE, as_png
from .response import Spectrum

COLOURS = (BLUE, ORANGE, GREEN, GREY)


def draw_spectra(spectra: Sequence[tuple[str, Spectrum]], title: str) -> bytes:
    """Draw spectra over one another.

    Parameters
    ----------
    spectra : sequence of (str, Spectrum)
        Labels and spectra.
    title : str
        Heading.

    Returns
    -------
    bytes
        PNG image.
    """
    return as_png(lambda: _figure(spectra, title))


def _figure(spectra: Sequence[tuple[str, Spectrum]], title: str) -> Figure:
    ev = units.from_atomic(1.0, "eV", "energy")
    figure = Figure(figsize=(11.0, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, (label, spectrum) in enumerate(spectra):
        colour, x = COLOURS[number % len(COLOURS)], spectrum.energies * ev
        left.plot(x, spectrum.dielectric.imag, color=colour, label=label)
        left.plot(x, spectrum.dielectric.real, color=colour, linestyle="--", linewidth=1.0, alpha=0.7)
        right.plot(x, spectrum.strength / ev, color=colour)
    # Towards zero energy eps of a short run diverges: the scale is that of its peaks.
    peaks = [height for _, spectrum in spectra for _, height in spectrum.peaks(spectrum.dielectric.imag)]
    if peaks and (highest := max(peaks)) > 0:
        left.set(ylim=(-highest, 1.15 * highest))
    left.set(title="Dielectric function: Im full, Re dashed")
    left.set(xlabel="energy (eV)", ylabel="$\\varepsilon$")
    right.set(xlabel="energy (eV)", ylabel="1/eV", title="Dipole strength")
    for axes in (left, right):
        axes.margins(x=0.0)
        axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13)
    figure.legend(loc="outside lower center", ncols=min(len(spectra), 3))
    return figure
