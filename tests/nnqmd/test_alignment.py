"""Total energy alignment: a known affine map is found again, errors name the way out."""

from __future__ import annotations

import ase
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.nnqmd.alignment import AlignmentError, common_structures, fit, inner_core, left_out, residual
from mlmd.nnqmd.dataset import isolated_energies, labelled, labels, read_frames, write_frames

SCALE, SHIFT = 0.93, 0.12  # of what the second method makes of an atomisation energy, eV per atom
ISOLATED = {"Cu": -1639.7, "Au": -3412.3}


def reference(count: int, seed: int) -> list[ase.Atoms]:
    """Alloys of many compositions and volumes, by effective medium theory."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        atoms = bulk("Cu", cubic=True, a=rng.uniform(3.5, 4.2)).repeat((2, 1, 1))
        atoms.symbols = rng.choice(["Cu", "Au"], len(atoms), p=[x := rng.uniform(), 1 - x])
        atoms.rattle(0.1, rng=rng)
        atoms.calc = EMT()
        frames.append(labelled(atoms, energy=atoms.get_potential_energy(), forces=atoms.get_forces()))
    return frames


def other_method(frames: list[ase.Atoms], isolated: dict[str, float], noise: float = 0.0) -> list[ase.Atoms]:
    """The same structures by a method that is the inverse of the affine map away, with noise in eV per atom."""
    rng = np.random.default_rng(7)
    made = []
    for frame in frames:
        bound = (labels(frame)["energy"] - sum(isolated[s] for s in frame.get_chemical_symbols())) / len(frame)
        energy = (bound - SHIFT) / SCALE + sum(ISOLATED[s] for s in frame.get_chemical_symbols()) / len(frame)
        forces = labels(frame)["forces"] / SCALE + 10 * noise * rng.standard_normal((len(frame), 3))
        made.append(labelled(frame, energy=len(frame) * (energy + noise * rng.standard_normal()), forces=forces))
    return made


@pytest.fixture(scope="module")
def high() -> list[ase.Atoms]:
    return reference(60, seed=1)


HIGH_ATOMS = {"Cu": -3.5, "Au": -3.8}


@pytest.mark.parametrize("by", ["energies", "forces"])
def test_a_known_map_is_found_within_its_error_and_two_percent(high: list[ase.Atoms], by: str) -> None:
    low = other_method(high, HIGH_ATOMS, noise=2e-3)
    first = inner_core(ISOLATED, HIGH_ATOMS, ["Au", "Cu"])
    found = fit(first, low, high, by)  # type: ignore[arg-type]
    assert abs(found.scale - SCALE) < min(4 * found.scale_error, 0.02 * SCALE)
    assert abs(found.shift - SHIFT) < min(4 * found.shift_error, 0.02 * SHIFT)
    before, after = (
        residual([first.apply(frame) for frame in low], high),
        residual([found.apply(frame) for frame in low], high),
    )
    assert after.energy < 0.1 * before.energy
    assert after.energy == pytest.approx(2e-3 * SCALE, rel=0.3)  # the noise stays
    assert after.forces is not None and before.forces is not None and after.forces < before.forces
    assert left_out(first, low, high, by).energy >= after.energy  # type: ignore[arg-type]


def test_standard_errors_hold(high: list[ase.Atoms]) -> None:
    """Over many draws of the noise the scale deviates by its standard error, root mean square."""
    first = inner_core(ISOLATED, HIGH_ATOMS, ["Au", "Cu"])
    low, rng = other_method(high, HIGH_ATOMS), np.random.default_rng(3)
    deviations = []
    for _ in range(200):
        noisy = [
            labelled(f, energy=labels(f)["energy"] + len(f) * 2e-3 * rng.standard_normal(), forces=labels(f)["forces"])
            for f in low
        ]
        found = fit(first, noisy, high)
        deviations.append((found.scale - SCALE) / found.scale_error)
    assert np.sqrt(np.mean(np.square(deviations))) == pytest.approx(1.0, abs=0.2)


def test_common_structures_are_found_by_place(high: list[ase.Atoms]) -> None:
    shuffled = [high[k] for k in np.random.default_rng(0).permutation(len(high))[:20]]
    moved = [frame.copy() for frame in shuffled]
    moved[0].positions[0, 0] += 0.01
    pairs = common_structures(moved, high)
    assert len(pairs) == 19
    assert all(np.allclose(moved[i].positions, high[j].positions) for i, j in pairs)


def test_the_command_writes_one_data_set_on_one_scale(high: list[ase.Atoms], tmp_path) -> None:  # type: ignore[no-untyped-def]
    atoms = [labelled(ase.Atoms(s), energy=e) for s, e in ISOLATED.items()]
    write_frames(tmp_path / "low.xyz", other_method(high, HIGH_ATOMS) + atoms)
    write_frames(tmp_path / "high.xyz", high[:10])
    write_frames(tmp_path / "atoms.xyz", [labelled(ase.Atoms(s), energy=e) for s, e in HIGH_ATOMS.items()])
    call = ["nn", "align", "low.xyz", "high.xyz", "--target-atoms", "atoms.xyz", "--union", "--out", "one.xyz"]
    call = [str(tmp_path / word) if word.endswith(".xyz") else word for word in call]
    answer = CliRunner().invoke(app, call)
    assert answer.exit_code == 0, answer.output
    assert "scale 0.93 ±" in answer.output and "10 structures" in answer.output
    union = read_frames(tmp_path / "one.xyz")
    assert len(union) == len(high)
    truth = {tuple(np.round(f.positions.ravel(), 4)): labels(f) for f in high}
    for frame in union:
        true = truth[tuple(np.round(frame.positions.ravel(), 4))]
        assert labels(frame)["energy"] == pytest.approx(true["energy"], abs=1e-5)
        np.testing.assert_allclose(labels(frame)["forces"], true["forces"], atol=1e-6)


def test_errors_name_the_way_out(high: list[ase.Atoms], tmp_path) -> None:  # type: ignore[no-untyped-def]
    first = inner_core(ISOLATED, HIGH_ATOMS, ["Au", "Cu"])
    with pytest.raises(AlignmentError, match="2 structures in common; compute at least 3"):
        fit(first, high[:2], high[:2])
    with pytest.raises(AlignmentError, match="all have one energy"):
        fit(first, high[:1] * 5, high[:1] * 5)
    with pytest.raises(AlignmentError, match="isolated Pb atom"):
        first.apply(labelled(ase.Atoms("Pb"), energy=1.0))
    bare = [labelled(frame, energy=1.0) for frame in high[:4]]
    with pytest.raises(AlignmentError, match="no forces"):
        fit(first, bare, high[:4], "forces")
    dark = tmp_path / "nan.xyz"
    dark.write_text("1\nProperties=species:S:1:pos:R:3:forces:R:3 energy=1.0\nH 0 0 0 nan 0 0\n")
    answer = CliRunner().invoke(app, ["nn", "align", str(dark), str(dark), "--out", str(tmp_path / "x.xyz")])
    assert answer.exit_code == 2 and "forces is not finite" in answer.output.replace("\n", " ")
    assert not (tmp_path / "x.xyz").exists()
    missing = CliRunner().invoke(app, ["nn", "align", "no.xyz", "no.xyz", "--out", "x.xyz"])
    assert missing.exit_code == 2 and "no.xyz" in missing.output


def test_isolated_atoms_are_those_of_lowest_energy() -> None:
    frames = [labelled(ase.Atoms("H"), energy=e) for e in (-13.5, -13.6, -13.4)]
    assert isolated_energies(frames) == {"H": -13.6}
