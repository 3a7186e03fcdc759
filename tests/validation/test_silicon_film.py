"""A film of eight domains of silicon from the command line: where the energy goes, and its linear limit.

    pytest -s -m slow tests/validation/test_silicon_film.py      # the example takes 10 to 20 minutes, the rest 2

The reflected and transmitted parts of weak light are compared with Airy's formula for a slab, with the dielectric
function that a kick on the same cell gives. All is taken at complex frequencies (records damped by an exponential):
there both are exact though the electrons ring on at the end of the runs.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from mlmd import units
from mlmd.cli import app
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.qxmd import GroundState
from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.laser import DeltaKick

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "silicon_film.toml"
EV, FS, NM = (units.from_atomic(1.0, *unit) for unit in (("eV", "energy"), ("fs", "time"), ("nm", "length")))
WIDTH = 0.05  # of the lines, hartree
CELL = """
[system]
cell = [10.26, 10.26, 10.26]
units = "bohr"
coordinates = "fractional"
atoms = [
    ["Si", 0.0, 0.0, 0.0], ["Si", 0.5, 0.0, 0.5], ["Si", 0.0, 0.5, 0.5], ["Si", 0.5, 0.5, 0.0],
    ["Si", 0.25, 0.25, 0.25], ["Si", 0.75, 0.25, 0.75], ["Si", 0.25, 0.75, 0.75], ["Si", 0.75, 0.75, 0.25],
]
[grid]
shape = [14, 14, 14]
[ground_state]
extra_bands = 8
kpoints = [2, 1, 2]
kpoint_shift = [0.5, 0.5, 0.5]
tolerance = 1e-7
[dynamics]
dt = "2.4 as"
steps = 1000
hartree = "fft"
[output]
every = 100
checkpoint_every = 1000
plots = false
[laser]
type = "sin2"
photon_energy = "2.7 eV"
intensity = "1e9 W/cm2"
duration = "1.8 fs"
[maxwell]
domains = 2
spacing = "5 nm"
stride = 4
"""
DOMAINS, STEPS = 2, 1000


def mlmd(*arguments: object) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


def dielectric(start: GroundState, dt: float, steps: int, omega: np.ndarray) -> np.ndarray:
    """Dielectric function of the cell at complex frequencies, from a kick along z."""
    kick, electrons, current = 1e-3, LFD(start, dt, DeltaKick(1e-3), hartree="fft"), []
    for _ in range(steps // 4):
        current.append(electrons.current()[2])
        electrons.advance(4)
    weights = np.full(len(current), 4 * dt)
    weights[0] *= 0.5
    sigma = np.exp(1j * np.outer(omega, 4 * dt * np.arange(len(current)))) @ (weights * current) / kick
    return 1 + 4j * np.pi * sigma / omega


def slab(omega: np.ndarray, epsilon: np.ndarray, thickness: float) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes that a slab in vacuum reflects and transmits, both at its faces (Airy's formula)."""
    n = np.sqrt(epsilon)
    r, phase = (1 - n) / (1 + n), np.exp(1j * n * omega / SPEED_OF_LIGHT * thickness)
    whole = 1 - r**2 * phase**2
    return r * (1 - phase**2) / whole, (1 - r**2) * phase / whole


def amplitudes(light: Path, omega: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a run says of reflected and transmitted light, per incident light at the first cell."""
    table = np.loadtxt(light, delimiter=",", skiprows=1)
    phases = np.exp(1j * np.outer(omega, table[:, 0] / FS))
    incident, reflected, transmitted = (phases @ np.diff(table[:, z], prepend=0.0) for z in (3, 6, 9))
    return reflected / incident, transmitted / incident


def test_all_the_energy_is_accounted_for(tmp_path: Path) -> None:
    mlmd("run", EXAMPLE, "--out", tmp_path / "film")
    told = json.loads((tmp_path / "film" / "summary.json").read_text())["light"]
    print({name: told[name] for name in ("reflected", "transmitted", "absorbed", "field", "imbalance")})
    assert told["reflected"] + told["transmitted"] + told["absorbed"] == pytest.approx(1.0, abs=0.01)
    assert told["largest_imbalance"] < 0.01
    assert min(told["reflected"], told["transmitted"], told["absorbed"]) > 0.1


def test_weak_light_meets_a_slab(tmp_path: Path) -> None:
    weak = tmp_path / "weak"
    (tmp_path / "weak.toml").write_text(CELL)
    mlmd("run", tmp_path / "weak.toml", "--out", weak)
    with h5py.File(weak / "ground_state.h5") as file:
        start = GroundState.load(file["state"]).unfolded()
    omega = np.linspace(2.0, 3.4, 29) / EV + 1j * WIDTH
    epsilon = dielectric(start, units.parse("2.4 as", "time"), STEPS, omega)
    expected = slab(omega, epsilon, DOMAINS * 5.0 / NM)
    found = amplitudes(weak / "light.csv", omega)
    # The first cell is 1.5 cells before the face of the film, the last one 1.5 behind the other.
    beyond = np.exp(1j * omega / SPEED_OF_LIGHT * 3.0 * 5.0 / NM)
    print("epsilon at 2 and 3.4 eV:", epsilon[[0, -1]].round(2))
    for name, value, exact in zip(("reflected", "transmitted"), found, expected, strict=True):
        error = np.abs(value / beyond - exact) / np.abs(exact)
        seen, known = (np.abs(amplitude[[0, -1]]) ** 2 for amplitude in (value / beyond, exact))
        print(
            f"{name}: {seen.round(4)}, slab {known.round(4)}; largest error of the amplitude {100 * error.max():.2f} %"
        )
        assert error.max() < 0.03
