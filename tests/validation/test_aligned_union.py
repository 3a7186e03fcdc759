"""A few structures of one method and many of another: does aligning them help the model that is trained on both?

The second method is made from the first: its energies are an affine map away, by isolated atoms, scale and shift that
are known, and noise is added to energies and forces.
Command: ``pytest -m slow -s tests/validation/test_aligned_union.py``
"""

from __future__ import annotations

from pathlib import Path

import ase
import numpy as np
import pytest

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.nnqmd.calculator import NeuralNetwork
from mlmd.nnqmd.dataset import labelled, labels, read_frames, write_frames
from mlmd.nnqmd.evaluation import Errors, errors, predict
from mlmd.nnqmd.model_file import load_model

DATA = Path(__file__).parents[3] / "shared" / "data" / "pto_dp_md_360x40.extxyz"
FEW, MANY, HELD = 12, 80, 40  # structures of the first method, of the second (these hold the first), to test with
COHESION = 6.3  # eV/atom that the isolated atoms of the first method lie above the solid
OFFSETS = {"Pb": 1.7, "Ti": -2.4, "O": 0.9}  # eV: isolated atoms of the second method less those of the first
SCALE, SHIFT = 0.93, 0.05  # of the alignment that is to be found; shift in eV/atom
NOISE_ENERGY, NOISE_FORCES = 0.002, 0.05  # eV/atom, eV/Angstrom
RECIPE = """
[data]
files = {files}
validation = 4
[training]
epochs = 25
batch = 2
energy = 10.0
"""


def second_method(frame: ase.Atoms, isolated: dict[str, float], rng: np.random.Generator) -> ase.Atoms:
    """The structure with labels E = sum (e_i + offset_i) + (D - shift N) / scale + noise."""
    symbols = frame.get_chemical_symbols()
    bound = labels(frame)["energy"] - sum(isolated[s] for s in symbols) - SHIFT * len(frame)
    energy = bound / SCALE + sum(isolated[s] + OFFSETS[s] for s in symbols)
    energy += NOISE_ENERGY * len(frame) * rng.standard_normal()
    forces = labels(frame)["forces"] / SCALE + NOISE_FORCES * rng.standard_normal((len(frame), 3))
    return labelled(frame, energy=energy, forces=forces)


def command(*arguments: object) -> str:
    answer = CliRunner().invoke(app, ["nn", *map(str, arguments)])
    assert answer.exit_code == 0, answer.output
    return answer.output


def trained(folder: Path, name: str, files: list[str], held: list[ase.Atoms]) -> Errors:
    recipe = folder / f"{name}.toml"
    recipe.write_text(RECIPE.format(files=files))
    command("train", recipe, "--out", folder / name)
    return errors(list(predict(held, NeuralNetwork(load_model(folder / name / "model.safetensors")))))


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the data of PbTiO3 are not here")
def test_the_aligned_union_is_worth_more_than_its_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frames = [labelled(frame, **{k: labels(frame)[k] for k in ("energy", "forces")}) for frame in read_frames(DATA)]
    order = rng.permutation(len(frames))
    first = [frames[i] for i in order[:FEW]]
    many, held = [frames[i] for i in order[:MANY]], [frames[i] for i in order[MANY : MANY + HELD]]
    zero = float(np.mean([labels(frame)["energy"] / len(frame) for frame in first])) + COHESION
    isolated = dict.fromkeys(OFFSETS, zero)
    second = [second_method(frame, isolated, rng) for frame in many]
    for name, set_, extra in (("first", first, dict.fromkeys(OFFSETS, 0.0)), ("second", second, OFFSETS)):
        write_frames(tmp_path / f"{name}.xyz", set_)
        atoms = [labelled(ase.Atoms(s, cell=[9] * 3, pbc=True), energy=isolated[s] + extra[s]) for s in OFFSETS]
        write_frames(tmp_path / f"{name}_atoms.xyz", atoms)
    write_frames(tmp_path / "unaligned.xyz", first + second[FEW:])

    said = command(
        "align", tmp_path / "second.xyz", tmp_path / "first.xyz", "--union", "--out", tmp_path / "aligned.xyz",
        "--source-atoms", tmp_path / "second_atoms.xyz", "--target-atoms", tmp_path / "first_atoms.xyz",
        "--scale-by", "forces",
    )  # fmt: skip
    scale, shift = (float(said.split(word)[-1].split()[0]) for word in ("scale ", "shift "))
    print(said)
    assert scale == pytest.approx(SCALE, rel=0.02)

    found = {name: trained(tmp_path, name, [f"{name}.xyz"], held) for name in ("first", "unaligned", "aligned")}
    for name, e in found.items():
        print(f"{name:10s} energy {e.energy_mae:9.2f} meV/atom, forces {e.forces_mae:6.1f} meV/Angstrom")
    best = found.pop("aligned")
    for other in found.values():
        assert best.energy_mae < other.energy_mae and best.forces_mae < other.forces_mae
    assert abs(1e-3 * shift - SHIFT) < 0.02 * COHESION  # as well as the scale, whose error it carries
