"""NN/MM with a cheap stand-in for the network: an exact gradient, its two ends, the border, checkpoints."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest

from mlmd.errors import MlmdError
from mlmd.interrupt import Interrupted
from mlmd.nnqmd.md.calculator import BlockCalculator
from mlmd.nnqmd.md.dynamics import Dynamics, Plan, Settings, prepare
from mlmd.nnqmd.md.embedding import (
    SHARE,
    SURROUNDINGS,
    Embedding,
    balanced,
    embedded,
    perovskite,
    pulls,
    shares_by_composition,
    shares_of,
)
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.particles import make_system
from mlmd.nnqmd.md.potential import Edges
from mlmd.nnqmd.md.record import Record
from mlmd.nnqmd.md.rigid_ions import STRONTIUM_TITANATE, RigidIons

from .md_potential import Gupta
from .perovskites import superlattice

WITHIN = SURROUNDINGS["srtio3"]
KNOWN = ("O", "Ti", "Pb")


class StandIn(Gupta):
    """A many-body potential of three elements, with a record of the atoms that it was asked for."""

    repulsive = np.array([[0.05, 0.3, 0.2], [0.3, 0.1, 0.1], [0.2, 0.1, 0.1]])
    bonding = np.array([[0.5, 1.5, 0.9], [1.5, 0.3, 0.4], [0.9, 0.4, 0.2]])

    def __init__(self, strength: float = 1.0) -> None:
        self.strength, self.asked = strength, 0

    def __call__(self, edges: Edges) -> tuple[np.ndarray, np.ndarray]:
        self.asked += len(edges.types)
        return super().__call__(edges)


def embedding(*networks: StandIn) -> Embedding:
    return embedded(networks or [StandIn()], KNOWN, WITHIN)


def calculator(parts: Embedding, weights: np.ndarray | None = None, blocks: int = 1) -> BlockCalculator:
    return BlockCalculator(
        lambda: Forces(parts.networks, blocks=blocks, surroundings=parts.surroundings),
        parts.elements,
        None if weights is None else lambda atoms: weights,
        shares_of,
    )


def shared(atoms: ase.Atoms, shares: np.ndarray | None = None, seed: int = 0) -> ase.Atoms:
    """With shares (by composition where not given), rattled."""
    atoms = atoms.copy()
    atoms.set_array(SHARE, shares_by_composition(atoms, WITHIN.links) if shares is None else np.asarray(shares, float))
    atoms.rattle(0.05, seed=seed)
    return atoms


def evaluated(atoms: ase.Atoms, calc: BlockCalculator) -> tuple[float, np.ndarray, np.ndarray]:
    atoms.calc = calc
    return atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(voigt=False)


def test_forces_and_stress_are_the_gradient_of_the_energy() -> None:
    atoms, calc = shared(superlattice(2, 2)), calculator(embedding())
    assert 0 < atoms.arrays[SHARE].min() < 0.4 < 0.6 < atoms.arrays[SHARE].max() < 1
    _, forces, stress = evaluated(atoms, calc)
    for atom, axis in itertools.product(range(0, len(atoms), 3), range(3)):
        ends = []
        for step in (1e-4, -1e-4):
            moved = atoms.copy()
            moved.positions[atom, axis] += step
            ends.append(evaluated(moved, calc)[0])
        assert forces[atom, axis] == pytest.approx(-(ends[0] - ends[1]) / 2e-4, abs=1e-5)
    ends = []
    for strain in (1e-5, -1e-5):
        strained = atoms.copy()
        deformation = np.eye(3) + strain * np.array([[0, 0, 0], [0, 0, 0.5], [0, 0.5, 1]])
        strained.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
        ends.append(evaluated(strained, calc)[0])
    expected = (ends[0] - ends[1]) / 2e-5 / atoms.get_volume()
    assert stress[1, 2] + stress[2, 2] == pytest.approx(expected, abs=1e-6)


def test_both_ends_are_the_potentials_themselves() -> None:
    parts, lead = embedding(), superlattice(3, 0, polar=True)
    whole = evaluated(shared(lead, np.ones(15)), calculator(parts))
    alone = evaluated(shared(lead, np.ones(15)), BlockCalculator(lambda: Forces([StandIn()]), KNOWN))
    for one, other in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(one, other)
    mixed = superlattice(2, 2)
    nothing = evaluated(shared(mixed, np.zeros(20)), calculator(parts))
    mixed.symbols[mixed.symbols == "Pb"] = "Sr"
    elements = ("O", "Ti", "Sr")
    ions = BlockCalculator(lambda: Forces([RigidIons(STRONTIUM_TITANATE, elements)]), elements)
    for one, other in zip(nothing, evaluated(shared(mixed, np.zeros(20)), ions), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


def test_the_network_is_asked_only_where_it_counts() -> None:
    network = StandIn()
    parts = embedding(network)
    atoms = shared(superlattice(8, 8))
    shares = atoms.arrays[SHARE]
    network.asked = 0
    evaluated(atoms, calculator(parts))
    assert network.asked == np.count_nonzero(shares) < 0.8 * len(atoms)
    assert np.count_nonzero(shares == 1) > 0.2 * len(atoms)


def test_blocks_change_nothing() -> None:
    atoms, parts = shared(superlattice(4, 4)), embedding()
    whole = evaluated(atoms, calculator(parts))
    for one, other in zip(evaluated(atoms.copy(), calculator(parts, blocks=7)), whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


def test_forces_deep_inside_are_those_of_the_network() -> None:
    """Further from the ramp, which is in PbTiO3 alone, than both potentials reach."""
    atoms = superlattice(20, 0, polar=True)
    height = atoms.cell[2, 2]
    atoms = shared(atoms, np.clip(2.4 - 6 * np.abs(atoms.positions[:, 2] / height - 0.5), 0, 1))
    _, forces, _ = evaluated(atoms, calculator(embedding()))
    alone = atoms.copy()
    alone.arrays[SHARE][:] = 1
    _, expected, _ = evaluated(alone, calculator(embedding()))
    z = atoms.positions[:, 2]
    away = z[:, None] - z[atoms.arrays[SHARE] < 1]
    deep = np.abs(away - height * np.round(away / height)).min(axis=1) > 10.1
    assert np.count_nonzero(deep) >= 15
    np.testing.assert_allclose(forces[deep], expected[deep], atol=1e-12)
    assert np.abs(forces - expected).max() > 0.1


def test_forces_are_continuous_where_an_atom_crosses_the_border() -> None:
    """Along 2 Angstrom through the ramp, past the cutoffs of both potentials, for all atoms."""
    atoms, calc = shared(superlattice(4, 4)), calculator(embedding())
    mover = int(np.argmin(np.abs(atoms.arrays[SHARE] - 0.5)))

    def forces(z: float) -> np.ndarray:
        moved = atoms.copy()
        moved.positions[mover, 2] += z
        return evaluated(moved, calc)[1]

    assert_continuous(forces, -1.0, 1.0)


def test_forces_are_continuous_as_the_border_moves() -> None:
    """As its reach grows from 6 to 12 Angstrom, past shells of neighbours."""
    atoms, parts = superlattice(4, 4), embedding()

    def forces(border: float) -> np.ndarray:
        return evaluated(shared(atoms, shares_by_composition(atoms, WITHIN.links, border)), calculator(parts))[1]

    assert_continuous(forces, 6.0, 12.0)


def assert_continuous(function: Callable[[float], np.ndarray], first: float, last: float) -> None:
    """The largest change between 101 places gets a tenth, at most a fifth, where its interval is cut into ten."""
    places = np.linspace(first, last, 101)
    changes = np.abs(np.diff([function(x) for x in places], axis=0)).max(axis=(1, 2))
    worst = int(changes.argmax())
    finer = np.linspace(places[worst], places[worst + 1], 11)
    finest = np.abs(np.diff([function(x) for x in finer], axis=0)).max(axis=(1, 2))
    print(f"largest change {changes.max():.3f} eV/A, in a tenth of the step {finest.max():.3f} eV/A")
    assert 0.001 < finest.max() < 0.2 * changes.max()


def test_excitation_goes_on_working_inside() -> None:
    """F = (1 - w) F_GS + w F_XS, each with the surroundings around it."""
    atoms = shared(superlattice(3, 2))
    ground, excited = StandIn(), StandIn(1.3)
    fractions = embedding(ground).fractions
    weights = np.random.default_rng(3).uniform(size=len(atoms))
    ends = []
    for one in (ground, excited):
        parts = embedded([one], KNOWN, WITHIN)
        ions = RigidIons(STRONTIUM_TITANATE, ["O", "Ti", "Sr", "Sr"], fractions=fractions)
        ends.append(evaluated(atoms, calculator(Embedding(parts.elements, parts.networks, ions, fractions)))[1])
    mixed = evaluated(atoms, calculator(embedding(ground, excited), weights))[1]
    w = weights[:, None]
    np.testing.assert_allclose(mixed, (1 - w) * ends[0] + w * ends[1], atol=1e-10)


def test_a_balanced_ramp_exerts_no_force_on_a_cubic_crystal() -> None:
    """At first order in its slope, but for the difference of the pressures, which all atoms share."""
    network, own = StandIn(), ("O", "Sr", "Ti")
    linked = embedding(network).networks[0]
    fractions = balanced(linked, (*KNOWN, "Sr"), WITHIN)

    def left(**options: dict[tuple[str, str], float]) -> np.ndarray:
        ions = RigidIons(STRONTIUM_TITANATE, own, **options)  # type: ignore[arg-type]
        return pulls(linked, WITHIN.crystal, (*KNOWN, "Sr")) - pulls(ions, WITHIN.crystal, own)

    assert np.ptp(left()) > 1
    assert np.ptp(left(fractions=fractions)) < 0.01
    atoms = perovskite("SrTiO3", 3.905).repeat((1, 1, 24))
    slope, center = 1 / 70, 46.86
    shares = np.clip((center - np.abs(atoms.positions[:, 2] - center)) * slope, 0, 1)
    atoms.set_array(SHARE, shares)
    _, forces, _ = evaluated(atoms, calculator(embedding(network)))
    middle = np.abs(atoms.positions[:, 2] - center / 2) < 3.905 / 2
    assert np.ptp(forces[middle, 2]) < 0.01 * slope * 2


def test_shares_by_composition() -> None:
    shares = shares_by_composition(superlattice(8, 8, repeat=2), WITHIN.links)
    planes = shares[: 5 * 16].reshape(16, 5)
    assert (planes[3:5] == 1).all() and (planes[11:13] == 0).all()
    assert planes[7, 1] == pytest.approx(0.5)  # Ti between PbO and SrO
    np.testing.assert_allclose(planes[:, 3], planes[:, 4])
    np.testing.assert_allclose(planes[:8, 0] + planes[8:, 0], 1)
    np.testing.assert_allclose(shares.reshape(4, -1), shares.reshape(4, -1)[:1].repeat(4, axis=0))
    assert (shares_by_composition(superlattice(2, 0), WITHIN.links) == 1).all()
    assert (shares_by_composition(superlattice(0, 2), WITHIN.links) == 0).all()
    assert shares_by_composition(ase.Atoms("H"), WITHIN.links).tolist() == [1]
    moved = superlattice(8, 8)
    moved.positions += [100.0, 3.0, -55.0]
    np.testing.assert_allclose(shares_by_composition(moved, WITHIN.links), planes.ravel(), atol=1e-12)


def test_bad_input_is_told() -> None:
    with pytest.raises(MlmdError, match="the surroundings know no Cu; the model was trained for Cu, Pb"):
        embedded([StandIn()], ("Cu", "Pb"), WITHIN)
    with pytest.raises(MlmdError, match="need a network that knows Pb; the model was trained for O, Ti"):
        embedded([StandIn()], ("O", "Ti"), WITHIN)
    atoms = superlattice(1, 1)
    with pytest.raises(MlmdError, match="has no shares of the network"):
        shares_of(atoms)
    atoms.set_array(SHARE, np.linspace(0, 1.5, 10))
    with pytest.raises(MlmdError, match=r"the share of the network of atom 7 is 1\.1"):
        shares_of(atoms)


def test_a_stopped_run_goes_on_to_the_last_bit(tmp_path: Path) -> None:
    plan = Plan(steps=12, rows=3, frames=4, checkpoints=5)
    settings, parts = Settings("langevin", temperature=600, step=1.0, friction=0.02), embedding()
    start = prepare(shared(superlattice(3, 3)), settings)

    def dynamics(folder: Path) -> Dynamics:
        system = make_system(start, parts.elements, shares=shares_of(start))
        forces = Forces(parts.networks, surroundings=parts.surroundings)
        return Dynamics(system, forces, settings, Record(folder, start, {}))

    dynamics(tmp_path / "whole").run(plan)
    count = itertools.count(1)
    with pytest.raises(Interrupted):
        dynamics(tmp_path / "parts").run(plan, stop=lambda: next(count) == 7)
    dynamics(tmp_path / "parts").run(plan)
    for name in ("observables.csv", "trajectory.xyz"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    np.testing.assert_allclose(ase.io.read(tmp_path / "whole" / "trajectory.xyz").arrays[SHARE], shares_of(start))
