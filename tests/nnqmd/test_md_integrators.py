"""Integrators: the trajectories of ASE's, canonical distributions, conserved energies."""

from __future__ import annotations

import ase
import numpy as np
import pytest
from ase import units
from ase.md.nose_hoover_chain import IsotropicMTKNPT, NoseHooverChainNVT
from ase.md.verlet import VelocityVerlet as AseVerlet

from mlmd.nnqmd.md.barostat import Barostat
from mlmd.nnqmd.md.calculator import BlockCalculator
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.integrators import Integrator, Langevin, VelocityVerlet
from mlmd.nnqmd.md.nose_hoover import NoseHoover
from mlmd.nnqmd.md.particles import System, gathered, make_system

from .md_potential import SYMBOLS, Gupta, alloy

KELVIN, STEPS = 300.0, 100
kT = units.kB * KELVIN


class Springs:
    """Each atom on a spring of its own."""

    def __init__(self, stiffness: float) -> None:
        self.stiffness = stiffness

    def update(self, system: System) -> None:
        x = system.particles.positions
        system.particles.forces = -self.stiffness * x
        system.energy = 0.5 * self.stiffness * float(np.sum(x**2))


def ours(atoms: ase.Atoms, integrator: Integrator) -> System:
    system, forces = make_system(atoms, SYMBOLS), Forces([Gupta()])
    forces.update(system)
    for _ in range(STEPS):
        integrator.step(system, forces)
        system.step += 1
    return system


@pytest.mark.parametrize("name", ["verlet", "chain", "npt"])
def test_trajectories_are_those_of_ase(name: str) -> None:
    atoms, dt, period = alloy(), 2 * units.fs, 50 * units.fs
    reference, degrees = atoms.copy(), 3 * len(atoms)  # ASE counts the total momentum, too
    reference.calc = BlockCalculator(lambda: Forces([Gupta()]), SYMBOLS)
    if name == "verlet":
        system = ours(atoms, VelocityVerlet(dt))
        AseVerlet(reference, dt).run(STEPS)
    elif name == "chain":
        system = ours(atoms, NoseHoover(dt, KELVIN, period, degrees))
        NoseHooverChainNVT(reference, dt, temperature_K=KELVIN, tdamp=period).run(STEPS)
    else:
        pressure = 2 * units.GPa
        barostat = Barostat(dt, KELVIN, pressure, (period, 5 * period), degrees)
        barostat.cell.inertia[0] *= 9  # what ASE takes for the first thermostat of the cell
        system = ours(atoms, barostat)
        IsotropicMTKNPT(reference, dt, temperature_K=KELVIN, pressure_au=pressure, tdamp=period, pdamp=5 * period).run(
            STEPS
        )
    everything = gathered(system)
    np.testing.assert_allclose(everything.momenta, reference.get_momenta(), atol=1e-8)
    np.testing.assert_allclose(everything.positions + everything.images @ system.cell, reference.positions, atol=1e-8)
    np.testing.assert_allclose(system.cell, reference.cell.array, atol=1e-10)


@pytest.mark.parametrize("name", ["verlet", "langevin", "chain", "npt", "axes"])
def test_what_is_conserved_is_so_to_second_order(name: str) -> None:
    """Its fluctuation goes down with the square of the time step; for Langevin the heat is of the same order."""
    atoms, degrees = alloy(), 93
    spans = []
    for dt in (2 * units.fs, 1 * units.fs):
        integrator: Integrator = {
            "verlet": lambda dt=dt: VelocityVerlet(dt),
            "langevin": lambda dt=dt: Langevin(dt, KELVIN, 0.01 / units.fs, seed=1),
            "chain": lambda dt=dt: NoseHoover(dt, KELVIN, 40 * units.fs, degrees),
            "npt": lambda dt=dt: Barostat(dt, KELVIN, 0.0, (40 * units.fs, 200 * units.fs), degrees),
            "axes": lambda dt=dt: Barostat(dt, KELVIN, 0.0, (40 * units.fs, 200 * units.fs), degrees, isotropic=False),
        }[name]()
        system, forces, found = make_system(atoms, SYMBOLS), Forces([Gupta()]), []
        forces.update(system)
        for _ in range(round(300 * units.fs / dt)):
            integrator.step(system, forces)
            system.step += 1
            found.append(system.energy + system.kinetic_energy() + integrator.reservoir(system))
        spans.append(np.std(found))
    assert spans[0] < 5e-3
    assert spans[1] < (0.5 if name == "langevin" else 0.3) * spans[0]


def test_langevin_gives_the_canonical_distribution() -> None:
    """Momenta and places on springs: means and variances of both energies, within four standard errors."""
    atoms, stiffness, dt = alloy((1, 1, 1)), 5.0, 4 * units.fs
    atoms.symbols = "Cu"
    system, field = make_system(atoms, SYMBOLS), Springs(stiffness)
    system.particles.positions[:] = 0
    field.update(system)
    thermostat, kinetic, potential = Langevin(dt, KELVIN, 0.05 / units.fs, seed=2), [], []
    for _ in range(20_000):
        thermostat.step(system, field)
        system.step += 1
        kinetic.append(system.kinetic_energy())
        potential.append(system.energy)
    degrees, between = 12, 1 - stiffness * dt**2 / system.particles.masses[0] / 4  # of velocity Verlet: x is kT / (k f)
    for energies, temperature in ((kinetic, kT), (potential, kT / between)):
        canonical(np.array(energies[1000:]), degrees, temperature)


def canonical(energies: np.ndarray, degrees: int, temperature: float) -> None:
    """Energies of so many quadratic degrees of freedom: mean n kT / 2 and variance n (kT)^2 / 2, by blocks in time."""
    blocks = energies[: len(energies) // 40 * 40].reshape(40, -1)
    means = blocks.mean(axis=1)
    assert means.mean() == pytest.approx(degrees * temperature / 2, abs=4 * means.std(ddof=1) / 40**0.5)
    squares = ((blocks - degrees * temperature / 2) ** 2).mean(axis=1)
    assert squares.mean() == pytest.approx(degrees * temperature**2 / 2, abs=4 * squares.std(ddof=1) / 40**0.5)
    assert means.std() / 40**0.5 < 0.03 * means.mean()  # enough to tell
    assert squares.std() / 40**0.5 < 0.1 * squares.mean()


class Nothing:
    """An ideal gas."""

    def update(self, system: System) -> None:
        pass


@pytest.mark.slow
@pytest.mark.parametrize("isotropic", [True, False])
def test_a_barostat_gives_the_volumes_of_an_ideal_gas(isotropic: bool) -> None:
    """pytest -m slow: P V is distributed as kT times a gamma variable of shape n / 3 + 1, n = 3 N - 3."""
    atoms, dt = alloy((2, 1, 1)), 10 * units.fs
    degrees, pressure = 3 * len(atoms) - 3, len(atoms) * kT / atoms.get_volume()
    system, products = make_system(atoms, SYMBOLS), []
    barostat = Barostat(dt, KELVIN, pressure, (100 * units.fs, 400 * units.fs), degrees, isotropic)
    for _ in range(60_000):
        barostat.step(system, Nothing())
        products.append(pressure * system.volume / kT)
    blocks = np.array(products[2000:]).reshape(40, -1)
    shape, means = degrees / 3 + 1, blocks.mean(axis=1)
    assert means.mean() == pytest.approx(shape, abs=4 * means.std(ddof=1) / 40**0.5)
    squares = ((blocks - shape) ** 2).mean(axis=1)
    assert squares.mean() == pytest.approx(shape, abs=4 * squares.std(ddof=1) / 40**0.5)
    assert means.std() / 40**0.5 < 0.05 * shape


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chain", "npt", "axes"])
def test_thermostats_and_barostats_of_a_crystal(name: str) -> None:
    """pytest -m slow tests/nnqmd/test_md_integrators.py: kinetic energies are canonical, the pressure is kept."""
    atoms, dt, pressure = alloy((2, 2, 2)), 4 * units.fs, 1 * units.GPa
    degrees, periods = 3 * len(atoms) - 3, (60 * units.fs, 300 * units.fs)
    integrator: Integrator = NoseHoover(dt, KELVIN, periods[0], degrees)
    if name != "chain":
        integrator = Barostat(dt, KELVIN, pressure, periods, degrees, isotropic=name == "npt")
    system, forces, kinetic, pressures = make_system(atoms, SYMBOLS), Forces([Gupta()]), [], []
    forces.update(system)
    for _ in range(42_000):
        integrator.step(system, forces)
        kinetic.append(system.kinetic_energy())
        pressures.append(np.diag(system.pressure(system.kinetic())))
    canonical(np.array(kinetic[2000:]), degrees, kT)
    if name != "chain":
        means = np.array(pressures[2000:]).reshape(40, -1, 3).mean(axis=1)
        means = means.mean(axis=1, keepdims=True) if name == "npt" else means
        errors = means.std(axis=0, ddof=1) / 40**0.5
        assert errors.max() < 0.05 * units.GPa
        assert np.all(np.abs(means.mean(axis=0) - pressure) < 4 * errors)
