r"""Linear response from a time series.

A field E(t) drives a current density j(t) and a polarisation P(t). With the transform of a damped signal,

.. math:: \hat f(\omega) = \int_0^T f(t)\,w(t)\,e^{i\omega t}\,dt ,

conductivity, dielectric function, polarisability of the cell and dipole strength are

.. math:: \sigma = \frac{\hat\jmath}{\hat E}, \qquad \varepsilon = 1 + \frac{4\pi i}{\omega}\sigma, \qquad
          \alpha = V\frac{\hat P}{\hat E}, \qquad S = \frac{2\omega}{\pi}\,\mathrm{Im}\,\alpha ,

in atomic units. A kick, A/c = k at t = 0, is the field E(t) = -k delta(t). The strength holds the sum rule
:math:`\int_0^\infty S\,d\omega = N` for N electrons in a local potential. The same sum is
:math:`\frac{2V}{\pi}\int \mathrm{Re}\,\sigma\,d\omega`, which equals V J(0)/k at any damping, J(0) being the current of
the electrons just after the kick. The windows w are those of Octopus and SALMON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.signal import find_peaks, lfilter

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
END_OF_WINDOW = 1e-4  # what an exponential or Gaussian window falls to at the end, unless a rate is given

WINDOWS: Mapping[str, Callable[[Array, float, float], Array]] = {
    "polynomial": lambda t, length, rate: 1 - 3 * (t / length) ** 2 + 2 * (t / length) ** 3,
    "gaussian": lambda t, length, rate: np.exp(-((rate * t) ** 2)),
    "exponential": lambda t, length, rate: np.exp(-rate * t),
    "none": lambda t, length, rate: np.ones_like(t),
}
"""w(t; length of the signal, rate): 1 at the start."""


@dataclass(frozen=True)
class Spectrum:
    """Response of a cell, atomic units.

    Attributes
    ----------
    energies : ndarray
        (n,) photon energies, Ha.
    conductivity, dielectric : ndarray
        (n,) complex, along the light.
    polarizability : ndarray
        (n,) complex, of the whole cell, bohr^3.
    volume : float
        Of the cell, bohr^3.

    Examples
    --------
    One electron bound with 0.3 Ha and damped at 0.02, kicked by 0.01: its Lorentz oscillator comes back.

    >>> t = np.arange(0.0, 600.0, 0.1)
    >>> free = np.sqrt(0.3**2 - 0.01**2)
    >>> x = 0.01 * np.exp(-0.01 * t) * np.sin(free * t) / free
    >>> s = respond(t, np.gradient(x, t, edge_order=2), -x, -0.01, 1.0, np.linspace(0.2, 0.4, 201), "none", 0.0)
    >>> lorentz = 1 / (0.3**2 - s.energies**2 - 0.02j * s.energies)
    >>> bool(np.abs(s.polarizability - lorentz).max() < 1e-2 * np.abs(lorentz).max())
    True
    >>> [round(float(energy), 3) for energy, height in s.peaks(s.strength)]
    [0.3]
    """

    energies: Array
    conductivity: Complex
    dielectric: Complex
    polarizability: Complex
    volume: float

    @property
    def strength(self) -> Array:
        """Dipole strength function S, 1/Ha."""
        return 2 / np.pi * self.energies * self.polarizability.imag

    @property
    def electrons(self) -> float:
        """Electrons in the sum rule of the conductivity up to the last energy."""
        whole = cumulative_trapezoid(self.conductivity.real, self.energies)
        return float(2 * self.volume / np.pi * whole[-1])

    def where(self, kept: NDArray[np.bool_]) -> Spectrum:
        """Only some of the energies."""
        return Spectrum(
            self.energies[kept],
            self.conductivity[kept],
            self.dielectric[kept],
            self.polarizability[kept],
            self.volume,
        )

    def peaks(self, curve: Array, lowest: float = 0.02) -> list[tuple[float, float]]:
        """Energies (Ha) and heights of the maxima of a curve over `energies`, between the points by a parabola.

        Parameters
        ----------
        curve
            (n,) values.
        lowest
            Peaks that stand out by less than this share of what the most prominent one does are left out.
        """
        step, found = self.energies[1] - self.energies[0], []
        places, about = find_peaks(curve, prominence=0.0)
        for i in places[about["prominences"] >= lowest * about["prominences"].max(initial=0.0)]:
            left, top, right = curve[i - 1 : i + 2]
            shift = 0.5 * (left - right) / (left - 2 * top + right)
            found.append((float(self.energies[i] + shift * step), float(top - 0.25 * (left - right) * shift)))
        return found


def damping_rate(window: str, length: float, width: float | None = None) -> float:
    """Rate of a window, so that a sharp line gets a given half width.

    Parameters
    ----------
    window
        One of `WINDOWS`.
    length
        Of the signal, a.u.
    width
        Half width at half maximum of a line, Ha; by default the window falls to 1e-4 at the end of the signal.

    Returns
    -------
    float
        For "exponential" and "gaussian"; 0 for the others, whose width comes from the length alone.

    Examples
    --------
    >>> damping_rate("exponential", 1000.0, 0.01)
    0.01
    >>> round(1000.0 * damping_rate("exponential", 1000.0), 3)
    9.21
    """
    if window == "exponential":
        return width if width is not None else -math.log(END_OF_WINDOW) / length
    if window == "gaussian":
        if width is not None:
            return width / (2 * math.sqrt(math.log(2)))
        return math.sqrt(-math.log(END_OF_WINDOW)) / length
    return 0.0


def respond(
    time: Array,
    current: Array,
    polarization: Array,
    field: float | Array,
    volume: float,
    energies: Array,
    window: str = "polynomial",
    rate: float = 0.0,
) -> Spectrum:
    """Spectrum of a current and a polarisation.

    Parameters
    ----------
    time
        (nt,) evenly spaced from 0, a.u.
    current, polarization
        (nt,) *particle* current density of the electrons (charge -1), and polarisation in e/bohr^2, along the light.
    field
        Strength of a kick, E(t) = field delta(t); or (nt,) the electric field of a pulse, which only an exponential
        window treats exactly (as a complex energy).
    volume
        Of the cell, bohr^3.
    energies
        (n,) Ha, above 0 and evenly spaced.
    window, rate
        One of `WINDOWS`, and its rate (see `damping_rate`).

    Raises
    ------
    ValueError
        Times that are not evenly spaced from 0.
    """
    step = time[1] - time[0]
    if time[0] != 0.0 or not np.allclose(np.diff(time), step, rtol=1e-6):
        raise ValueError("a spectrum needs evenly spaced times from 0")
    weights = step * WINDOWS[window](time, time[-1], rate)
    weights[[0, -1]] *= 0.5
    signals = [-current, polarization] + ([] if np.isscalar(field) else [np.asarray(field)])
    moved = _transform(time, np.array(signals) * weights, energies)
    light: Any = field if np.isscalar(field) else moved[2]
    sigma = moved[0] / light
    return Spectrum(energies, sigma, 1 + 4j * np.pi * sigma / energies, volume * moved[1] / light, volume)


def _transform(time: Array, signals: Array, energies: Array) -> Complex:
    """Sums of each row of signals (m, nt) times exp(i energy t), (m, n)."""
    blocks = np.array_split(energies, max(1, energies.size * time.size // 10**7))
    return np.concatenate([signals @ np.exp(1j * np.outer(time, block)) for block in blocks], axis=1)


def without_images(dipole: Array, step: float, volume: float) -> Array:
    r"""Dipole of one molecule alone, from that of a molecule in a cubic cell with its periodic images.

    A periodic Hartree potential has no uniform part, so that each molecule feels the external field and the field
    :math:`\frac{4\pi}{3}P` of its images (Lorentz). The response of the cell is therefore
    :math:`\alpha_c = \alpha / (1 - \frac{4\pi}{3V}\alpha)` (Clausius and Mossotti), turned around here in time, where
    products are convolutions: a power series divided by another. Exact for point dipoles.

    Parameters
    ----------
    dipole
        (nt,) dipole of the cell after a kick, divided by the strength of the field, bohr^3 / a.u. of time.
    step
        Time between two values.
    volume
        Of the cubic cell.

    Returns
    -------
    ndarray
        (nt,) that of the molecule alone.

    Examples
    --------
    An oscillator among its images swings more slowly, by 4 pi f/3V in the square of its frequency:

    >>> t, volume = np.arange(0.0, 200.0, 0.01), 500.0
    >>> slow = np.sqrt(0.3**2 - 4 * np.pi / (3 * volume))
    >>> alone = without_images(np.sin(slow * t) / slow, 0.01, volume)
    >>> bool(np.allclose(alone, np.sin(0.3 * t) / 0.3, atol=1e-3))
    True
    """
    series = 4 * np.pi / (3 * volume) * step * dipole
    series[0] += 1.0
    impulse = np.zeros_like(dipole)
    impulse[0] = 1.0
    return np.asarray(lfilter(dipole, series, impulse))
