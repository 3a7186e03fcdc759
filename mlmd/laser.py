r"""Light as a uniform vector potential A(t), Gaussian atomic units.

The electric field is :math:`E = -\frac1c \dot A`; a field of amplitude :math:`E_0` has the intensity
:math:`I = c E_0^2 / 8\pi`, so that 1 a.u. of field is 3.51e16 W/cm^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .kernels.constants import SPEED_OF_LIGHT

Array = NDArray[np.float64]
Vector = Sequence[float]


class Laser(Protocol):
    """What a propagation needs to know of the light."""

    @property
    def duration(self) -> float:
        """Time after which A no longer changes."""

    @property
    def frequency(self) -> float:
        """Angular carrier frequency (photon energy in Ha); 0 without a carrier."""

    def A(self, t: float) -> Array:
        """Vector potential (3,) at time t."""


def _direction(vector: Vector) -> Array:
    """Unit vector.

    Raises
    ------
    ValueError
        Not three numbers, or all zero.
    """
    v = np.asarray(vector, dtype=float)
    if v.shape != (3,) or not np.all(np.isfinite(v)) or not np.any(v):
        raise ValueError(f"direction {list(vector)}: three numbers, not all zero, are needed")
    return v / np.linalg.norm(v)


@dataclass(frozen=True)
class NoLaser:
    """Darkness."""

    duration: float = 0.0
    frequency: float = 0.0

    def A(self, t: float) -> Array:
        """Zero."""
        return np.zeros(3)


@dataclass(frozen=True)
class DeltaKick:
    """Sudden constant vector potential: every electron gains the momentum ``strength``.

    Parameters
    ----------
    strength
        Momentum A/c in 1/bohr.
    direction
        Polarisation; normalised.
    start
        Time of the kick.

    Examples
    --------
    >>> DeltaKick(0.005, (0, 0, 1)).A(1.0).round(6).tolist()
    [0.0, 0.0, 0.68518]
    """

    strength: float
    direction: Vector = (0.0, 0.0, 1.0)
    start: float = 0.0
    frequency: float = 0.0

    @property
    def duration(self) -> float:
        """The start: A is constant afterwards."""
        return self.start

    def A(self, t: float) -> Array:
        """Vector potential at time t."""
        return (t >= self.start) * self.strength * SPEED_OF_LIGHT * _direction(self.direction)


@dataclass(frozen=True)
class Pulse:
    r"""Linearly polarised pulse :math:`A(t) = -\frac{cE_0}{\omega}\,g(t)\,\sin(\omega(t-t_c)+\varphi)`.

    With the carrier-envelope phase 0 the electric field peaks at the centre of the envelope g.

    Parameters
    ----------
    photon_energy
        Carrier frequency, Ha.
    intensity, fluence
        Peak intensity (cycle average; Ha/(bohr^2 a.u. of time)) or energy per area (Ha/bohr^2): one of them.
    length
        Time scale of the envelope; see the two kinds of pulse.
    polarization
        Direction of A.
    cep
        Carrier-envelope phase, rad.
    start
        Beginning of the pulse.
    """

    photon_energy: float
    length: float
    intensity: float | None = None
    fluence: float | None = None
    polarization: Vector = (0.0, 0.0, 1.0)
    cep: float = 0.0
    start: float = 0.0

    def __post_init__(self) -> None:
        if not self.photon_energy > 0 or not self.length > 0:
            raise ValueError("a pulse needs a positive photon energy and a positive duration")
        if (self.intensity is None) == (self.fluence is None):
            raise ValueError("a pulse needs exactly one of intensity and fluence")
        if (self.intensity or self.fluence or 0.0) < 0:
            raise ValueError("a pulse cannot have a negative intensity or fluence")
        _direction(self.polarization)

    @property
    def frequency(self) -> float:
        """Angular carrier frequency, the photon energy in Ha."""
        return self.photon_energy

    @property
    def duration(self) -> float:
        """End of the pulse."""
        return self.start + self._span

    @property
    def _span(self) -> float:
        raise NotImplementedError

    @property
    def _squared_area(self) -> float:
        """Integral of g^2."""
        raise NotImplementedError

    def envelope(self, t: float) -> float:
        """Envelope g(t) of the vector potential, 1 at its centre."""
        raise NotImplementedError

    @property
    def peak_intensity(self) -> float:
        """Cycle-averaged intensity at the centre, Ha/(bohr^2 a.u. of time)."""
        if self.intensity is not None:
            return self.intensity
        assert self.fluence is not None
        return self.fluence / self._squared_area

    @property
    def peak_field(self) -> float:
        """Amplitude of the electric field, a.u."""
        return float(np.sqrt(8 * np.pi * self.peak_intensity / SPEED_OF_LIGHT))

    def A(self, t: float) -> Array:
        """Vector potential at time t."""
        centre = self.start + 0.5 * self._span
        amplitude = -SPEED_OF_LIGHT * self.peak_field / self.photon_energy
        carrier = np.sin(self.photon_energy * (t - centre) + self.cep)
        return amplitude * self.envelope(t) * carrier * _direction(self.polarization)


@dataclass(frozen=True)
class SinSquaredPulse(Pulse):
    """Envelope sin^2(pi t / T), zero outside; ``length`` is its whole length T.

    Examples
    --------
    >>> pulse = SinSquaredPulse(photon_energy=0.17, length=100.0, intensity=1e-4)
    >>> pulse.duration, pulse.envelope(50.0), bool(pulse.A(-1.0).any()), bool(pulse.A(100.0).any())
    (100.0, 1.0, False, False)
    """

    @property
    def _span(self) -> float:
        return self.length

    @property
    def _squared_area(self) -> float:
        return 0.375 * self.length

    def envelope(self, t: float) -> float:
        """Envelope of the vector potential."""
        x = (t - self.start) / self.length
        return float(np.sin(np.pi * x) ** 2) if 0.0 < x < 1.0 else 0.0


@dataclass(frozen=True)
class GaussianPulse(Pulse):
    """Gaussian envelope; ``length`` is the full width at half maximum of the intensity.

    It is cut at 5 standard deviations of the field (4e-6 of the peak) on both sides.
    """

    @property
    def _sigma(self) -> float:
        return self.length / (2 * np.sqrt(np.log(2)))

    @property
    def _span(self) -> float:
        return float(10 * self._sigma)

    @property
    def _squared_area(self) -> float:
        return float(np.sqrt(np.pi) * self._sigma)

    def envelope(self, t: float) -> float:
        """Envelope of the vector potential."""
        x = (t - self.start) / self._sigma - 5.0
        return float(np.exp(-0.5 * x**2)) if abs(x) < 5.0 else 0.0
