"""The hand-shake between a crystal and its local cells."""

from __future__ import annotations

import ase
import numpy as np
import pytest

from mlmd.errors import MlmdError
from mlmd.multiscale.crystal import SITES, SoftMode, superlattice
from mlmd.multiscale.local_cells import LocalCells, at_atoms, local_cells, symmetries
from mlmd.multiscale.textures import Texture

NO_MODE = SoftMode(0.0, 0.0, 0.0, 0.0)
BLOCH = Texture(radius=2.3, width=1.0, helicity=90.0)


def found(
    texture: Texture, cells: tuple[int, int, int], most: int = 50, strontium: int = 0, **kept: object
) -> LocalCells:
    atoms = superlattice(texture, cells, strontium=strontium)
    ideal = superlattice(texture, cells, strontium=strontium, mode=NO_MODE)
    return local_cells(atoms, ideal.positions, kept.pop("block", (1, 1, 1)), most, 1e-6, **kept)  # type: ignore[arg-type]


def test_a_uniform_crystal_needs_one_local_cell_which_is_its_own() -> None:
    cells = found(Texture(kind="uniform", direction=(1, 1, 1)), (2, 2, 2))
    crystal = superlattice(Texture(kind="uniform", direction=(1, 1, 1)), (1, 1, 1))
    assert cells.chosen == (0,) and not cells.standing_for.any()
    moved = cells.cell(0).positions - crystal.positions
    assert np.abs(moved - moved.mean(axis=0)).max() < 1e-12
    assert np.allclose(cells.cell(0).cell.lengths(), crystal.cell.lengths())


def test_cells_of_a_skyrmion_that_turn_into_each_other_share_one() -> None:
    """A Bloch skyrmion is the same after a quarter turn: of 8 x 8 cells at most 16 differ for light along z."""
    turned = found(BLOCH, (8, 8, 1))
    assert 8 < len(turned.chosen) <= 16 and turned.distance.max() < 1e-6
    assert len(found(BLOCH, (8, 8, 1), most=100, polarization=(1, 0, 0)).chosen) > len(turned.chosen)


def test_a_symmetry_turns_the_crystal_itself() -> None:
    """Turned displacements are those of the turned structure, found atom by atom."""
    size, rng = np.array([3.9, 3.9, 4.1]), np.random.default_rng(0)
    u = rng.normal(scale=0.1, size=(5, 3))
    for turn in symmetries(size, (0, 0, 1)):
        new = turn(u)
        before = ase.Atoms("PbTiO3", (SITES - 0.5) * size + u, cell=size, pbc=True)
        after = ase.Atoms("PbTiO3", (SITES - 0.5) * size + new, cell=size, pbc=True)
        pairs = [np.sort(atoms.get_all_distances(mic=True)[1]) for atoms in (before, after)]
        assert np.allclose(pairs[0], pairs[1], atol=1e-12)
        assert np.isclose(new[1, 2], u[1, 2])  # along the light nothing turns


def test_few_local_cells_leave_a_distance_that_is_told() -> None:
    cells = found(BLOCH, (8, 8, 1), most=3)
    assert len(cells.chosen) == 3 and cells.distance.max() > 0.01
    assert set(np.unique(cells.standing_for)) == {0, 1, 2}


def test_strontium_is_left_in_the_dark() -> None:
    cells = found(BLOCH, (4, 4, 4), strontium=2, block=(2, 2, 2))
    electrons = cells.of_domains(np.full(len(cells.chosen), 0.3))
    assert np.allclose(electrons[:, :, 0], 0.3) and not electrons[:, :, 1].any()
    with pytest.raises(MlmdError, match="PbTiO3 and SrTiO3"):
        found(BLOCH, (4, 4, 4), strontium=1, block=(2, 2, 2))


def test_values_at_atoms_keep_the_mean_and_are_linear() -> None:
    rng = np.random.default_rng(1)
    atoms = superlattice(BLOCH, (8, 4, 4))
    one, two = rng.uniform(size=(2, 4, 2, 2))
    first, second = (at_atoms(values, atoms, (8, 4, 4)) for values in (one, two))
    assert first.mean() == pytest.approx(one.mean())
    assert np.allclose(at_atoms(2 * one - two, atoms, (8, 4, 4)), 2 * first - second)
    assert one.min() <= first.min() and first.max() <= one.max()
