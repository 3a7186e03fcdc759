"""Forces by ghosts and blocks: those of brute force in any cell, whatever the blocks; errors name the atom."""

from __future__ import annotations

import ase
import numpy as np
import pytest

from mlmd.errors import NumericsError
from mlmd.nnqmd.md.bricks import heights
from mlmd.nnqmd.md.calculator import BlockCalculator
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.integrators import VelocityVerlet
from mlmd.nnqmd.md.particles import gathered, make_system

from .md_potential import SYMBOLS, Gupta, alloy, brute_force


def cells() -> dict[str, ase.Atoms]:
    """Cells smaller than the cutoff, skew ones, slabs, wires, molecules, one atom."""
    crystal, small = alloy(), alloy((1, 1, 1))
    skew = ase.Atoms(
        "CuAu", [[0.1, 0, 0], [1.2, 1.5, 2.0]], cell=[[2.8, 0, 0], [1.4, 2.5, 0.3], [0, -0.8, 4.4]], pbc=True
    )
    slab, wire, molecule = crystal.copy(), crystal.copy(), crystal.copy()
    slab.pbc, wire.pbc = (True, True, False), (False, True, False)
    slab.positions[:, 2] += 100.0
    molecule.pbc, molecule.cell = False, None
    one = ase.Atoms("Au", [[7.0, -3.0, 1.0]], cell=[2.7, 2.9, 2.8], pbc=True)
    outside = alloy((2, 1, 1))
    outside.positions += np.random.default_rng(1).integers(-3, 4, (len(outside), 3)) @ outside.cell.array
    return {"crystal": crystal, "small": small, "skew": skew, "slab": slab, "wire": wire, "molecule": molecule} | {
        "one": one,
        "outside": outside,
    }


@pytest.mark.parametrize("name", cells())
def test_forces_are_those_of_brute_force(name: str) -> None:
    atoms = cells()[name]
    energy, forces, virial = brute_force(atoms)
    system = make_system(atoms, SYMBOLS)
    Forces([Gupta()]).update(system)
    assert system.energy == pytest.approx(energy, abs=1e-11 * len(atoms))
    np.testing.assert_allclose(gathered(system).forces, forces, atol=1e-11)
    np.testing.assert_allclose(system.virial, virial, atol=1e-10)


@pytest.mark.parametrize("blocks", [2, 5, 16])
def test_blocks_change_nothing(blocks: int) -> None:
    atoms = alloy((3, 2, 2))
    whole, parts = make_system(atoms, SYMBOLS), make_system(atoms, SYMBOLS)
    Forces([Gupta()]).update(whole)
    divided = Forces([Gupta()], blocks=blocks)
    divided.update(parts)
    assert divided.load.blocks == blocks
    assert parts.energy == pytest.approx(whole.energy, abs=1e-11)
    np.testing.assert_allclose(parts.particles.forces, whole.particles.forces, atol=1e-12)


def test_memory_chooses_the_blocks() -> None:
    system = make_system(alloy((3, 2, 2)), SYMBOLS)
    forces = Forces([Gupta()], memory=500 * Gupta.bytes_per_pair)
    forces.update(system)
    ((_, pairs),) = forces._parts
    begin, blocks = pairs.begin, pairs.blocks(500)
    assert forces.load.blocks == len(blocks) > 4
    sizes = [begin[last] - begin[first] for first, last in blocks]
    assert max(sizes) <= 500
    assert min(sizes) > 0.5 * max(sizes)


def test_the_list_of_neighbours_lasts_until_it_must_not() -> None:
    """With a skin the forces along a way are those of a list that is new at each step."""
    atoms = alloy((2, 2, 2), kelvin=900)
    ways = []
    for skin in (0.0, 0.7):
        system, forces, verlet = make_system(atoms, SYMBOLS), Forces([Gupta()], skin), VelocityVerlet(0.4)
        forces.update(system)
        for _ in range(60):
            verlet.step(system, forces)
        ways.append((gathered(system), forces.load.lists))
    assert ways[0][1] == 61
    assert 2 < ways[1][1] < 20
    np.testing.assert_allclose(ways[1][0].momenta, ways[0][0].momenta, atol=1e-9)


def test_a_stretched_cell_is_noticed() -> None:
    """Affine strain moves no atom from where the cell takes it, but pairs come within the cutoff."""
    atoms = alloy((2, 2, 2))
    calculator = BlockCalculator(lambda: Forces([Gupta()]), SYMBOLS)
    atoms.calc = calculator
    shear = np.array([[0, 0.1, 0], [0, 0, 0], [0, 0, 0.02]])
    for strain in (np.zeros((3, 3)), -0.01 * np.eye(3), -0.06 * np.eye(3), 0.03 * np.eye(3), shear):
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        energy, forces, virial = brute_force(atoms)
        assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-9)
        np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-10)
        np.testing.assert_allclose(atoms.get_stress(voigt=False), virial / atoms.get_volume(), atol=1e-11)


def test_two_potentials_are_mixed_by_the_weights() -> None:
    class Strong(Gupta):
        strength = 1.3

    atoms = alloy()
    weights = np.random.default_rng(3).uniform(size=len(atoms))
    ends = []
    for potential in (Gupta(), Strong()):
        system = make_system(atoms, SYMBOLS)
        Forces([potential]).update(system)
        ends.append((gathered(system).forces, system.virial))
    mixed = make_system(atoms, SYMBOLS, weights=weights)
    Forces([Gupta(), Strong()], blocks=3).update(mixed)
    (ground, first), (excited, second) = ends
    w = weights[:, None]
    np.testing.assert_allclose(gathered(mixed).forces, (1 - w) * ground + w * excited, atol=1e-12)
    np.testing.assert_allclose(mixed.virial, first + weights.mean() * (second - first), atol=1e-10)


def test_parts_of_two_potentials_are_the_gradient_of_their_energy() -> None:
    """Shares of the energy that differ from atom to atom; the other potential reaches further."""

    class Around(Gupta):
        cutoff, strength = 6.0, 0.8

    atoms = alloy((2, 1, 1))
    shares = np.clip(np.random.default_rng(4).uniform(-0.3, 1.3, len(atoms)), 0, 1)
    calculator = BlockCalculator(
        lambda: Forces([Gupta()], blocks=3, surroundings=Around()), SYMBOLS, shares=lambda atoms: shares
    )
    atoms.calc = calculator
    forces = atoms.get_forces()
    for place in np.ndindex(forces.shape):
        ends = []
        for step in (1e-4, -1e-4):
            moved = atoms.copy()
            moved.calc = calculator
            moved.positions[place] += step
            ends.append(moved.get_potential_energy())
        assert forces[place] == pytest.approx(-(ends[0] - ends[1]) / 2e-4, abs=1e-6)


def test_errors_name_the_atom() -> None:
    atoms = alloy()
    atoms.positions[5] = atoms.positions[9] + [0.05, 0, 0]
    with pytest.raises(NumericsError, match=r"step 0: atom [59] \((Cu|Au)\) has another 0\.05 Angstrom away"):
        Forces([Gupta()]).update(make_system(atoms, SYMBOLS))

    atoms = alloy()
    atoms.positions[7, 1] = np.nan
    with pytest.raises(NumericsError, match="position of atom 7 is not finite"):
        Forces([Gupta()]).update(make_system(atoms, SYMBOLS))

    class Broken(Gupta):
        def __call__(self, edges):  # type: ignore[no-untyped-def]
            return super().__call__(edges)[0], np.full_like(edges.vectors, np.nan)

    with pytest.raises(NumericsError, match="energy or forces are not finite"):
        Forces([Broken()]).update(make_system(alloy(), SYMBOLS))


def test_a_lost_atom_is_noticed() -> None:
    atoms = alloy((2, 1, 1))
    atoms.pbc = False
    system, forces = make_system(atoms, SYMBOLS), Forces([Gupta()])
    forces.update(system)
    system.particles.positions[list(system.particles.ids).index(3)] += 30.0
    with pytest.raises(NumericsError, match="atom 3 is lost"):
        forces.update(system)


def test_an_atom_alone_is_not_lost() -> None:
    system = make_system(ase.Atoms("Au", cell=[20, 20, 20], pbc=True), SYMBOLS)
    Forces([Gupta()]).update(system)
    assert system.energy == 0.0


def test_heights_of_a_skew_cell() -> None:
    cell = np.array([[4.0, 0, 0], [3.0, 4.0, 0], [0, 0, 2.0]])
    np.testing.assert_allclose(heights(cell), [16 / 5, 4, 2])


def test_faded_weights_are_a_fraction_of_the_weights() -> None:
    class Strong(Gupta):
        strength = 1.3

    atoms, weights = alloy(), np.random.default_rng(3).uniform(size=32)
    faded, scaled = make_system(atoms, SYMBOLS, weights=weights), make_system(atoms, SYMBOLS, weights=0.3 * weights)
    forces = Forces([Gupta(), Strong()])
    forces.update(faded)
    forces.fade(faded, 0.3)
    forces.update(faded)
    Forces([Gupta(), Strong()]).update(scaled)
    np.testing.assert_allclose(faded.particles.forces, scaled.particles.forces, atol=1e-14)
    np.testing.assert_allclose(faded.virial, scaled.virial, atol=1e-13)
    forces.fade(faded, 0.0)
    forces.update(faded)
    Forces([Gupta()]).update(scaled)
    assert np.array_equal(faded.particles.forces, scaled.particles.forces)
