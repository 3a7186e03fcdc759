"""`mlmd spectrum`: an oscillator of known energy comes back from a run, and what cannot be answered is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.signal import lsim

from mlmd.engine import light
from mlmd.io.record import read_record
from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.units import from_atomic

Mlmd = Callable[..., Any]
MakeRun = Callable[..., Path]
EV = from_atomic(1.0, "eV", "energy")
RESONANCE, FRICTION = 0.3, 0.004  # Ha
PULSE = 'type = "sin2"\nwavelength = "267 nm"\nintensity = "1e12 W/cm2"\nduration = "0.04 fs"'
KICK = (PULSE, 'type = "kick"\nstrength = 0.01')
LONG = ('dt = "1 as"\nsteps = 60', "dt = 0.5\nsteps = 800")
FINE = ("every = 10\n", "every = 1\n")


@pytest.fixture
def oscillator(mlmd_cli: Mlmd, write_input: Callable[..., Path], tmp_path: Path) -> MakeRun:
    """A finished run, two electrons of which swing along z as a damped oscillator under the light of the input."""

    def make(name: str, *replacements: tuple[str, str]) -> Path:
        result = mlmd_cli("run", write_input(*replacements, name=f"{name}.toml"), "--out", name)
        assert result.exit_code == 0, result.output
        record = read_record(tmp_path / name)
        time, volume, laser = record.series["time"], float(np.prod(record.lengths)), light(record.config.laser)
        A = np.array([laser.A(t) for t in time])
        x, v = 2 * swing(time, laser)
        with h5py.File(tmp_path / name / "run.h5", "a") as file:
            file["series/J"][:, 2], file["series/polarization"][:, 2], file["series/A"][:] = v / volume, -x / volume, A
        return tmp_path / name

    return make


def swing(time: np.ndarray, laser: Any) -> np.ndarray:
    """Place and velocity v of one electron, x' = v = p + A/c, p' = -w^2 x - g v; A as in the middle of a step."""
    a, middle = (np.array([laser.A(t)[2] for t in times]) / SPEED_OF_LIGHT for times in (time, time + 0.5 * time[1]))
    system = ([[0, 1], [-(RESONANCE**2), -FRICTION]], [[1], [-FRICTION]], np.eye(2), np.zeros((2, 1)))
    x, p = lsim(system, middle, time, interp=False)[1].T
    return np.array([x, p + a])


def columns(folder: Path) -> np.ndarray:
    return np.loadtxt(folder / "spectrum.csv", delimiter=",", skiprows=1)


def lorentz(energies: np.ndarray, rate: float) -> np.ndarray:
    """Polarizability of the two electrons, damped by the rate of an exponential window."""
    z = energies + 1j * rate
    return 2 / (RESONANCE**2 - z**2 - 1j * FRICTION * z)


def test_an_oscillator_comes_back_from_a_kick(mlmd_cli: Mlmd, oscillator: MakeRun) -> None:
    folder = oscillator("kicked", KICK, LONG, FINE)
    options = ("--damping", "exponential", "--width", "0.6 eV", "--max-energy", "15 eV")
    result = mlmd_cli("spectrum", "kicked", *options)
    assert result.exit_code == 0, result.output
    energy, re_eps, im_eps, re_sigma, im_sigma, strength = columns(folder).T
    alpha, volume = lorentz(energy / EV, 0.6 / EV), 8.0**3
    expected = 2 / np.pi * energy / EV * alpha.imag / EV
    np.testing.assert_allclose(strength, expected, atol=2e-3 * expected.max())
    # sigma = -i z alpha / V at the complex energy z, and eps - 1 = 4 pi i sigma / omega
    sigma = -1j * (energy / EV + 0.6j / EV) * alpha / volume
    np.testing.assert_allclose(re_sigma + 1j * im_sigma, sigma, atol=2e-3 * np.abs(sigma).max())
    eps = 1 + 4j * np.pi * sigma / (energy / EV)
    near = energy > 2.0
    np.testing.assert_allclose((re_eps + 1j * im_eps)[near], eps[near], atol=2e-3 * np.abs(eps[near]).max())
    assert "2 in all; the cell has 2" in result.stdout
    printed = re.search(r"peaks of dipole strength \(eV\): ([\d.]+)", result.stdout)
    assert printed is not None
    assert float(printed[1]) == pytest.approx(energy[np.argmax(expected)], abs=0.02)
    assert (folder / "spectrum.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("damping", ["polynomial", "gaussian", "none"])
def test_every_window_finds_the_line(mlmd_cli: Mlmd, oscillator: MakeRun, damping: str) -> None:
    folder = oscillator("kicked", KICK, LONG, FINE)
    assert mlmd_cli("spectrum", folder, "--damping", damping, "--max-energy", "15 eV").exit_code == 0
    energy, strength = columns(folder)[:, [0, 5]].T
    assert energy[np.argmax(strength)] == pytest.approx(RESONANCE * EV, abs=0.03)
    assert np.trapezoid(strength, energy) == pytest.approx(2.0, rel=0.05)


def test_a_pulse_tells_the_same_where_it_has_light(mlmd_cli: Mlmd, oscillator: MakeRun) -> None:
    pulse = 'type = "sin2"\nphoton_energy = "8 eV"\nintensity = "1e12 W/cm2"\nduration = "3 fs"'
    folder = oscillator("pulsed", (PULSE, pulse), LONG, FINE)
    options = ("--damping", "exponential", "--width", "0.6 eV", "--max-energy", "15 eV")
    assert mlmd_cli("spectrum", folder, *options).exit_code == 0
    energy, strength = columns(folder)[:, [0, 5]].T
    assert 5.0 < energy.min() < 7.0 < 9.0 < energy.max() < 11.0
    expected = 2 / np.pi * energy / EV * lorentz(energy / EV, 0.6 / EV).imag / EV
    np.testing.assert_allclose(strength, expected, atol=1e-2 * expected.max())


def test_a_late_kick_is_the_same(mlmd_cli: Mlmd, oscillator: MakeRun) -> None:
    now = oscillator("now", KICK, LONG, FINE)
    late = oscillator("late", (PULSE, KICK[1] + "\nstart = 10.0"), (LONG[0], "dt = 0.5\nsteps = 820"), FINE)
    assert mlmd_cli("spectrum", now, late, "--max-energy", "15 eV", "--out", "both.png").exit_code == 0
    np.testing.assert_allclose(columns(late), columns(now), rtol=1e-2, atol=2e-3 * np.abs(columns(now)).max())
    assert Path("both.png").read_bytes().startswith(b"\x89PNG")


def test_alone_in_the_cell(mlmd_cli: Mlmd, oscillator: MakeRun) -> None:
    """Without its images the line lies 4 pi f/3V higher in the square of its energy."""
    folder = oscillator("kicked", KICK, LONG, FINE)
    assert mlmd_cli("spectrum", folder, "--isolated", "--max-energy", "15 eV").exit_code == 0
    energy, strength = columns(folder)[:, [0, 5]].T
    expected = np.sqrt(RESONANCE**2 + 4 * np.pi * 2 / (3 * 8.0**3)) * EV
    assert energy[np.argmax(strength)] == pytest.approx(expected, abs=0.03)
    assert expected > RESONANCE * EV + 0.2


@pytest.mark.parametrize(
    ("replacements", "options", "words"),
    [
        (((PULSE, 'type = "none"'),), (), "[laser] type: the run was in the dark; do it again with"),
        ((), (), "--damping: 'polynomial' does not suit the response to a pulse; use exponential"),
        ((), ("--damping", "hann"), "--damping: 'hann' is not known; use one of polynomial, gaussian, exponential"),
        ((KICK,), ("--max-energy", "-3"), "--max-energy: must be greater than 0, got -3"),
        ((KICK,), ("--step", "3 nm"), "--step: 'nm' is not a unit of energy; use one of"),
        ((KICK,), (), "[output] every: the run has fewer than 10 samples at even distances"),
        ((KICK, ("steps = 60", "steps = 2000")), ("--max-energy", "300 eV"), "[output] every: the samples are too far"),
        ((KICK,), ("--out", "a.pdf"), "a.pdf: --out: is not a name of a PNG picture"),
        (
            (KICK, FINE, ("cell = [8.0, 8.0, 8.0]", "cell = [8.0, 8.0, 9.0]")),
            ("--isolated",),
            "--isolated: is for a kick on a molecule in a cubic cell; leave it out",
        ),
        (((PULSE, KICK[1] + '\nstart = "35 as"'),), (), "[laser] start: the kick fell between two samples"),
    ],
)
def test_what_is_refused(
    mlmd_cli: Mlmd, oscillator: MakeRun, replacements: tuple[tuple[str, str], ...], options: tuple[str, ...], words: str
) -> None:
    folder = oscillator("run", *replacements)
    result = mlmd_cli("spectrum", "run", *options)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (folder / "spectrum.csv").exists()
