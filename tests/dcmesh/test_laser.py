"""Laser pulses: field, intensity, fluence and envelope in physical units."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.laser import DeltaKick, GaussianPulse, NoLaser, Pulse, SinSquaredPulse

FIELD_UNIT = SPEED_OF_LIGHT / (8 * np.pi)  # intensity of a field of 1 a.u.: 3.51e16 W/cm^2
KINDS = (SinSquaredPulse, GaussianPulse)


def electric_field(pulse: Pulse, t: float) -> float:
    step = 1e-4
    return float(-(pulse.A(t + step) - pulse.A(t - step))[2] / (2 * step) / SPEED_OF_LIGHT)


@pytest.mark.parametrize("kind", KINDS)
def test_peak_field_follows_from_the_intensity(kind: type[Pulse]) -> None:
    pulse = kind(photon_energy=0.15, length=400.0, intensity=0.01**2 * FIELD_UNIT)
    assert pulse.peak_field == pytest.approx(0.01)
    centre = pulse.duration / 2
    assert electric_field(pulse, centre) == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_fluence_is_the_integral_of_the_intensity(kind: type[Pulse]) -> None:
    """A long pulse: the slope of the envelope adds (1/omega length)^2 to the carrier's energy."""
    pulse = kind(photon_energy=0.3, length=1500.0, fluence=1e-3)
    t = np.arange(0.0, pulse.duration, 0.5)
    intensity = [SPEED_OF_LIGHT / (4 * np.pi) * electric_field(pulse, x) ** 2 for x in t]
    assert np.trapezoid(intensity, t) == pytest.approx(1e-3, rel=2e-4)


def test_gaussian_length_is_the_width_of_the_intensity() -> None:
    pulse = GaussianPulse(photon_energy=0.3, length=50.0, intensity=1.0)
    centre = pulse.duration / 2
    assert pulse.envelope(centre + 25.0) ** 2 == pytest.approx(0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_phase_start_and_polarisation(kind: type[Pulse]) -> None:
    pulse = kind(0.2, 100.0, intensity=1e-4, polarization=(3, 0, 4), cep=0.7, start=20.0)
    plain = kind(0.2, 100.0, intensity=1e-4, polarization=(0, 0, 1), cep=0.7)
    t = 0.4 * plain.duration
    np.testing.assert_allclose(pulse.A(t + 20.0), plain.A(t)[2] * np.array([0.6, 0.0, 0.8]), rtol=1e-12)
    assert pulse.duration == pytest.approx(plain.duration + 20.0)
    assert not np.any(pulse.A(19.0))
    assert not np.any(pulse.A(pulse.duration + 1e-9))


def test_kick_and_darkness() -> None:
    kick = DeltaKick(0.005, (0, 2, 0), start=1.0)
    assert not np.any(kick.A(0.5))
    np.testing.assert_allclose(kick.A(1.5) / SPEED_OF_LIGHT, [0, 0.005, 0])
    assert not np.any(NoLaser().A(3.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"intensity": 1.0, "fluence": 1.0}, "exactly one"),
        ({}, "exactly one"),
        ({"intensity": -1.0}, "negative"),
        ({"intensity": 1.0, "polarization": (0, 0, 0)}, "direction"),
    ],
)
def test_bad_pulses_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SinSquaredPulse(0.2, 100.0, **options)
