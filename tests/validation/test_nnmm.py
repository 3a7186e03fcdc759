"""NN/MM of PbTiO3 in SrTiO3: SrTiO3 at 300 K, a relaxed superlattice, energy over a picosecond, time of a step.

pytest -m slow -s tests/validation/test_nnmm.py, about 5 minutes of one core
"""

from __future__ import annotations

import time
from pathlib import Path

import ase
import numpy as np
import pytest

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

from mlmd.nnqmd.md.calculator import BlockCalculator
from mlmd.nnqmd.md.dynamics import Dynamics, Plan, Settings, prepare
from mlmd.nnqmd.md.embedding import SHARE, SURROUNDINGS, embedded, perovskite, shares_by_composition, shares_of
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.network import Network
from mlmd.nnqmd.md.particles import make_system
from mlmd.nnqmd.md.record import Record
from mlmd.nnqmd.md.rigid_ions import STRONTIUM_TITANATE, RigidIons
from mlmd.nnqmd.shipped import shipped_model

from ..nnqmd.perovskites import superlattice

pytestmark = pytest.mark.slow
WITHIN = SURROUNDINGS["srtio3"]
# Born charges of A, Ti, O along and across the bond, Zhong, King-Smith and Vanderbilt, PRL 72, 3618 (1994)
BORN = {"Pb": (3.90, 7.06, -5.83, -2.565), "Sr": (2.54, 7.12, -5.66, -2.0)}


def shared(atoms: ase.Atoms) -> ase.Atoms:
    atoms.set_array(SHARE, shares_by_composition(atoms, WITHIN.links))
    return atoms


def relaxed(atoms: ase.Atoms, clamped: bool) -> ase.Atoms:
    """Positions and lengths of the cell along the axes; clamped: along z alone."""
    network = Network(shipped_model("pto_ground"), "float64")
    parts = embedded([network], network.elements, WITHIN)
    forces = (parts.networks, parts.surroundings)
    atoms = shared(atoms)
    atoms.calc = BlockCalculator(lambda: Forces(forces[0], surroundings=forces[1]), parts.elements, shares=shares_of)
    mask = [not clamped, not clamped, True, False, False, False]
    assert BFGS(FrechetCellFilter(atoms, mask=mask), logfile=None).run(fmax=0.002, steps=500)
    return atoms


def layers(atoms: ase.Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Distance of the planes AO around each Ti in Angstrom, and polarisation along z there in uC/cm^2."""
    cells = atoms.positions[:, 2].reshape(-1, 5)
    above = np.roll(cells, -1, axis=0)
    above[-1] += atoms.cell[2, 2]
    names = np.array(atoms.get_chemical_symbols()).reshape(-1, 5)[:, 0]
    charges = np.array([np.mean([BORN[a], BORN[b]], axis=0) for a, b in zip(names, np.roll(names, -1), strict=True)])
    a, axial = (cells[:, 0] + above[:, 0]) / 2, (cells[:, 2] + above[:, 2]) / 2
    places = np.stack([a, cells[:, 1], axial, cells[:, 3] + cells[:, 4]], axis=1)
    heights = above[:, 0] - cells[:, 0]
    return heights, (charges * places).sum(axis=1) / (atoms.cell[0, 0] * atoms.cell[1, 1] * heights) * 1602.18


def test_strontium_titanate_at_room_temperature(tmp_path: Path) -> None:
    """The cubic cell stays, without polarisation; experiment 3.905 A."""
    elements = ("O", "Ti", "Sr")
    settings = Settings("npt-axes", temperature=300, step=2.0, barostat=300, seed=1)
    start = prepare(perovskite("SrTiO3", 3.905).repeat(4), settings)
    forces = Forces([RigidIons(STRONTIUM_TITANATE, elements)])
    record = Record(tmp_path, start, {})
    Dynamics(make_system(start, elements), forces, settings, record).run(Plan(3000, frames=20, checkpoints=3000))
    frames = ase.io.read(tmp_path / "trajectory.xyz", "50:")
    lengths = np.array([frame.cell.lengths() / 4 for frame in frames]).mean(axis=0)
    mean = np.mean([frame.get_scaled_positions(wrap=False) for frame in frames], axis=0) * lengths * 4
    ideal = perovskite("SrTiO3", 1.0).repeat(4).positions * lengths
    moved = mean - ideal
    moved -= moved.mean(axis=0)
    print(f"300 K: a, b, c {lengths.round(4)} A; mean places within {np.abs(moved).max():.3f} A of the cubic ones")
    np.testing.assert_allclose(lengths, lengths.mean(), rtol=2e-3)
    np.testing.assert_allclose(lengths, 3.905, rtol=0.01)
    assert np.abs(moved).max() < 0.1


def test_relaxed_superlattices() -> None:
    """PbTiO3 keeps most of its polarisation, SrTiO3 its lattice constant, and little is induced in it."""
    _, bulk = layers(relaxed(superlattice(4, 0, c=4.15, polar=True), clamped=True))
    heights, _ = layers(relaxed(superlattice(0, 4), clamped=True))
    print(f"bulk on 3.905 A: PbTiO3 {bulk[0]:.1f} uC/cm^2, SrTiO3 c {heights[0]:.3f} A")
    for count in (4, 8):
        atoms = relaxed(superlattice(count, count, c=4.15, polar=True), clamped=True)
        c, polarisation = layers(atoms)
        print(f"{count} + {count} layers: c {c.round(3)} A; P {polarisation.round(1)} uC/cm^2")
        inside, outside = np.abs(polarisation[: count - 1]), np.abs(polarisation[count + 1 : -2])
        assert inside.max() > 0.85 * abs(bulk[0])
        assert outside.min() < 0.06 * abs(bulk[0])
        assert np.abs(c[count + 1 : -2] - heights[0]).min() < 0.01
    a, b, _ = relaxed(superlattice(4, 4, c=4.15, polar=True), clamped=False).cell.lengths()
    print(f"4 + 4 layers, free: a {a:.4f}, b {b:.4f} A")
    assert a == pytest.approx(b, abs=1e-3)


def test_energy_is_conserved_over_a_picosecond(tmp_path: Path) -> None:
    network = Network(shipped_model("pto_ground"))
    parts = embedded([network], network.elements, WITHIN)
    settings = Settings("nve", temperature=400)
    start = prepare(shared(superlattice(4, 4, c=4.1, polar=True, repeat=2)), settings)
    system = make_system(start, parts.elements, shares=shares_of(start))
    forces = Forces(parts.networks, surroundings=parts.surroundings)
    Dynamics(system, forces, settings, Record(tmp_path, start, {})).run(Plan(1500, rows=10))
    table = np.genfromtxt(tmp_path / "observables.csv", delimiter=",", names=True)
    energy, picoseconds = table["total_eV"] / len(start), table["time_fs"] / 1000
    drift = np.polyfit(picoseconds[30:], energy[30:], 1)[0]
    print(
        f"{len(start)} atoms, {table['temperature_K'][-50:].mean():.0f} K: energy within {np.ptp(energy):.1e} eV/atom, "
        f"drift {drift:.1e} eV/atom/ps"
    )
    assert np.ptp(energy) < 1e-4
    assert abs(drift) < 1e-5


def test_time_of_a_step() -> None:
    """A slab of PbTiO3 in three times as much SrTiO3, against the network for everything and the ions alone.

    In seconds of one processor (OMP_NUM_THREADS=1), whatever else it does.
    """
    network = Network(shipped_model("pto_ground"))
    parts = embedded([network], network.elements, WITHIN)
    atoms = shared(superlattice(8, 24, c=4.1, polar=True, repeat=4))
    atoms.rattle(0.03)
    shares = {"network": np.ones(len(atoms)), "NN/MM": shares_of(atoms), "ions": np.zeros(len(atoms))}
    found = {}
    for name, share in shares.items():
        system = make_system(atoms, parts.elements, shares=share)
        forces = Forces(parts.networks, surroundings=parts.surroundings)
        forces.update(system)
        laps = []
        for _ in range(5):
            begin = time.process_time()
            forces.update(system)
            laps.append(time.process_time() - begin)
        found[name] = min(laps)
    print(f"{len(atoms)} atoms, {np.mean(shares_of(atoms) > 0):.0%} with a share:", end=" ")
    print(", ".join(f"{name} {seconds * 1e6 / len(atoms):.0f} us/atom" for name, seconds in found.items()))
    assert found["ions"] < found["NN/MM"] < 0.8 * found["network"]
