"""The reference cases in real time (shared/reference/realtime), by this program; `docs/real_time.md` shows them.

    python -m tests.validation.reference_cases docs/images

does them all and draws the pictures of that page: six minutes on two cores.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import ase
import numpy as np
from ase.units import Bohr
from matplotlib.figure import Figure

from mlmd import units
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.qxmd import GroundState
from mlmd.io.atomic import write_bytes
from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.laser import DeltaKick, Laser, SinSquaredPulse
from mlmd.spectra.response import Array, Spectrum, respond, without_images
from mlmd.style import BLUE, GREY, ORANGE, as_png

from ..dcmesh.conftest import silicon
from .reference_grid import reference_ground_state

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "realtime"
DT = 0.05
EV = units.from_atomic(1.0, "eV", "energy")
ENERGIES = np.arange(1.0, 3001.0) * 0.01 / EV
SI_KICK, CH4_KICK = 0.005, 0.01
SI_PULSE = SinSquaredPulse(0.3, 100.0, intensity=0.03**2 * SPEED_OF_LIGHT / (8 * np.pi), cep=15 - np.pi / 2)


class Motion(NamedTuple):
    """Times, current times volume along the light, dipole of the cell, and excited electrons; all (nt,)."""

    time: Array
    current: Array
    dipole: Array
    n_exc: Array


def propagate(gs: GroundState, light: Laser, axis: int, mode: str, length: float, every: int) -> Motion:
    """Follow the electrons and observe them every so many steps."""
    lfd = LFD(gs, DT, light, mode=mode, hartree="fft")
    rows = []
    for step in range(0, round(length / DT) + 1, every):
        lfd.advance(step - lfd.step_count)
        o, volume = lfd.observe(), gs.grid.volume
        rows.append([lfd.time, o["J"][axis] * volume, o["polarization"][axis] * volume, o["n_exc"]])
    return Motion(*np.array(rows).T)


@cache
def silicon_state() -> GroundState:
    """Si8 on the 16 points of the reference, with 16 empty bands for the shadow."""
    return reference_ground_state(silicon(), (16, 16, 16), extra_bands=16)


@cache
def silicon_after_pulse(mode: str) -> Motion:
    return propagate(silicon_state(), SI_PULSE, 2, mode, 100.0, 20)


@cache
def silicon_after_kick(mode: str) -> Motion:
    return propagate(silicon_state(), DeltaKick(SI_KICK), 2, mode, 50.0, 4)


@cache
def methane_after_kick() -> Motion:
    """CH4 in the sphere of the reference, spacing 0.4 bohr, in a periodic box of 19.2 bohr; exact mode."""
    length, b = 19.2 * (1 - 1e-9), 1.1968641743
    hydrogens = b * np.array([[1, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]])
    positions = length / 2 + np.concatenate([np.zeros((1, 3)), hydrogens])
    atoms = ase.Atoms("CH4", positions * Bohr, cell=[length * Bohr] * 3, pbc=True)
    gs = reference_ground_state(atoms, (48, 48, 48), extra_bands=1, radius=9.0)
    return propagate(gs, DeltaKick(CH4_KICK, (1, 0, 0)), 0, "exact", 75.0, 5)


def reference(name: str, columns: list[int]) -> Array:
    """Columns of a reference series, (columns, nt)."""
    return np.asarray(np.loadtxt(REFERENCE / name)[:, columns].T)


def silicon_spectrum(time: Array, current: Array) -> Spectrum:
    """Dielectric function of Si8 from its current (times volume) after the kick."""
    volume = 10.26**3
    return respond(time, current / volume, np.zeros_like(time), -SI_KICK, volume, ENERGIES)


def methane_spectrum(time: Array, dipole: Array) -> Spectrum:
    """Dipole strength of CH4 from its dipole (electrons -1) after the kick; only that is meant."""
    return respond(time, np.zeros_like(time), dipole, -CH4_KICK, 1.0, ENERGIES)


def methane_reference() -> Spectrum:
    """Octopus gives the sum of the electrons' places after a kick by -0.01."""
    time, place = reference("CH4_0.4_kick.multipoles.txt", [1, 3])
    return methane_spectrum(time, place - place[0])


def methane_ours() -> Spectrum:
    """Without the field of the images in the box."""
    motion = methane_after_kick()
    alone = without_images(motion.dipole / -CH4_KICK, motion.time[1], (19.2) ** 3)
    return methane_spectrum(motion.time, alone * -CH4_KICK)


def _draw_pulse() -> Figure:
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(*reference("Si8_G_16_pulse.n_ex.txt", [1, 2]), color=GREY, linewidth=4.5, alpha=0.5, label="Octopus")
    for mode, colour in (("exact", BLUE), ("shadow", ORANGE)):
        motion = silicon_after_pulse(mode)
        axes.plot(motion.time, motion.n_exc, color=colour, linewidth=1.6, label=mode)
    axes.set(xlabel="time (a.u.)", ylabel="excited electrons per cell", title="Si8 under a sin² pulse")
    axes.legend()
    return figure


def _draw_kick() -> Figure:
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    time, current = reference("Si8_G_16_kick.total_current.txt", [0, 3])
    curves = [("Octopus", GREY, time, current)]
    for mode, colour in (("exact", BLUE), ("shadow", ORANGE)):
        motion = silicon_after_kick(mode)
        curves.append((mode, colour, motion.time, motion.current))
    shown = (ENERGIES * EV > 1.8) & (ENERGIES * EV < 12)  # below, the window of 50 a.u. shows and nothing else
    for label, colour, t, j in curves:
        style = {"color": colour, "linewidth": 4.5 if colour == GREY else 1.6, "alpha": 0.5 if colour == GREY else 1.0}
        left.plot(t, j, label=label, **style)
        right.plot(ENERGIES[shown] * EV, silicon_spectrum(t, j).dielectric.imag[shown], **style)
    left.set(xlabel="time (a.u.)", ylabel="total current (a.u.)", title="Si8 after a kick")
    right.set(xlabel="energy (eV)", ylabel="Im ε", title="Dielectric function")
    left.legend()
    return figure


def _draw_methane() -> Figure:
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    theirs, ours = methane_reference(), methane_ours()
    axes.plot(ENERGIES * EV, theirs.strength / EV, color=GREY, linewidth=4.5, alpha=0.5, label="Octopus")
    axes.plot(ENERGIES * EV, ours.strength / EV, color=BLUE, linewidth=1.6, label="exact")
    axes.set(xlabel="energy (eV)", ylabel="1/eV", title="Dipole strength of CH4")
    axes.legend()
    return figure


if __name__ == "__main__":
    for name, make in (("si_pulse", _draw_pulse), ("si_kick", _draw_kick), ("ch4_kick", _draw_methane)):
        write_bytes(Path(sys.argv[1]) / f"{name}.png", as_png(make))
        print(f"{sys.argv[1]}/{name}.png")
