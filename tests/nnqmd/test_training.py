"""A training from recipe to model file: stopped and gone on with, symmetric, and safe to load."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase
import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("nequip", reason="nequip is not installed: pip install 'mlmd[nn]'")
pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

import torch

from mlmd.cli import app
from mlmd.errors import InputError
from mlmd.nnqmd.calculator import NeuralNetwork, StructureError
from mlmd.nnqmd.dataset import write_frames
from mlmd.nnqmd.learning_file import read_curve
from mlmd.nnqmd.model_file import Model, load_model, save_model

from .test_alignment import other_method, reference

RECIPE = """
title = "alloys"
[data]
files = ["alloys.xyz"]
validation = 4
test = 4
[model]
cutoff = 4.0
scalars = 8
tensors = 2
dtype = "float64"
[training]
epochs = {epochs}
optimizer = "{optimizer}"
stress = 0.0
"""


def make_recipe(folder: Path, epochs: int, optimizer: str = "adam") -> Path:
    write_frames(folder / "alloys.xyz", reference(16, seed=2))
    (folder / "alloys.toml").write_text(RECIPE.format(epochs=epochs, optimizer=optimizer))
    return folder / "alloys.toml"


def train(*arguments: object) -> subprocess.Popen[str]:
    code = "from mlmd.cli import main; main()"
    command = [sys.executable, "-c", code, "nn", "train", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    child = train(make_recipe(folder, epochs=8), "--out", folder / "out")
    text, _ = child.communicate(timeout=300)
    assert child.returncode == 0, text
    assert "4 test structures" in text and "on Au" in text
    return folder


def test_the_model_learns_and_keeps_its_record(trained: Path) -> None:
    curve = read_curve(trained / "out" / "learning.jsonl")
    assert [point["epoch"] for point in curve] == list(range(8))
    assert curve[-1]["val0_epoch/forces_mae"] < curve[0]["val0_epoch/forces_mae"]
    model = load_model(trained / "out" / "model.safetensors")
    assert model.architecture.elements == ("Cu", "Au")
    assert model.record["epochs"] == 8
    assert model.record["errors"]["of"] == "test"
    for picture in ("learning.png", "predictions.png"):
        assert (trained / "out" / picture).read_bytes().startswith(b"\x89PNG")


def test_evaluate_prints_the_recorded_errors(trained: Path) -> None:
    answer = CliRunner().invoke(
        app, ["nn", "evaluate", str(trained / "out" / "model.safetensors"), str(trained / "out" / "test.xyz")]
    )
    assert answer.exit_code == 0, answer.output
    recorded = load_model(trained / "out" / "model.safetensors").record["errors"]
    assert f"{recorded['forces_mae']:.3g}" in answer.output
    assert f"{recorded['energy_rmse']:.3g}" in answer.output


def test_energy_and_forces_follow_rotation_reflection_and_permutation(trained: Path) -> None:
    calculator = NeuralNetwork(load_model(trained / "out" / "model.safetensors"))
    rng = np.random.default_rng(5)
    frame = reference(1, seed=9)[0]
    rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    rotation[0] *= -np.sign(np.linalg.det(rotation))  # a reflection, too
    order = rng.permutation(len(frame))
    turned = ase.Atoms(
        frame.symbols[order], (frame.positions @ rotation)[order], cell=frame.cell.array @ rotation, pbc=True
    )
    results = []
    for atoms in (frame.copy(), turned):
        atoms.calc = calculator
        results.append((atoms.get_potential_energy(), atoms.get_forces()))
    assert results[1][0] == pytest.approx(results[0][0], abs=1e-9)
    np.testing.assert_allclose(results[1][1], (results[0][1] @ rotation)[order], atol=1e-9)
    assert np.abs(results[0][1]).max() > 0.05


def test_forces_are_the_derivative_of_the_energy(trained: Path) -> None:
    atoms = reference(1, seed=9)[0].copy()
    atoms.calc = NeuralNetwork(load_model(trained / "out" / "model.safetensors"))
    force, step = atoms.get_forces()[3, 1], 1e-4
    energies = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.calc = atoms.calc
        moved.positions[3, 1] += sign * step
        energies.append(moved.get_potential_energy())
    assert force == pytest.approx(-(energies[0] - energies[1]) / (2 * step), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_training_goes_on_to_the_same_model(tmp_path: Path, how: signal.Signals) -> None:
    recipe = make_recipe(tmp_path, epochs=30, optimizer="sam")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(recipe, "--out", whole).wait(600) == 0
    child = train(recipe, "--out", parts)
    while len(read_curve(parts / "learning.jsonl")) < 3:
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(how)
    child.wait(60)
    assert child.returncode != 0
    assert train(recipe, "--out", parts).wait(600) == 0
    assert len(read_curve(parts / "learning.jsonl")) == 30
    first, second = (load_model(folder / "model.safetensors").network.state_dict() for folder in (whole, parts))
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=0, atol=0)


def test_another_recipe_does_not_go_on(trained: Path) -> None:
    other = trained / "other.toml"
    other.write_text(RECIPE.format(epochs=9, optimizer="adam"))
    answer = CliRunner().invoke(app, ["nn", "train", str(other), "--out", str(trained / "out")])
    assert answer.exit_code == 2
    assert "another recipe" in answer.output.replace("\n", " ")


def test_bad_recipes(tmp_path: Path) -> None:
    recipe = make_recipe(tmp_path, epochs=1)
    for old, new, words in (
        ("validation = 4", "validation = 40", "leave some to train on"),
        ("alloys.xyz", "none.xyz", "cannot be read"),
        ("cutoff = 4.0", "cutof = 4.0", "cutof"),
        ("stress = 0.0", "energy = 0.0\nforces = 0.0", "give one of them a weight"),
    ):
        wrong = tmp_path / "wrong.toml"
        wrong.write_text(recipe.read_text().replace(old, new))
        answer = CliRunner().invoke(app, ["nn", "train", str(wrong), "--out", str(tmp_path / "out")])
        assert answer.exit_code == 2, answer.output
        assert words in " ".join(answer.output.split())
        assert not (tmp_path / "out").exists()


def test_structures_that_a_model_cannot_take(trained: Path) -> None:
    calculator = NeuralNetwork(load_model(trained / "out" / "model.safetensors"))
    cases = {
        "no atoms": ase.Atoms(),
        "does not know Pb": ase.Atoms("Pb"),
        "0.1 Angstrom apart": ase.Atoms("Cu2", [[0, 0, 0], [0, 0, 0.1]]),
        "position of atom 1 is not finite": ase.Atoms("Cu2", [[0, 0, 0], [0, 0, np.nan]]),
    }
    for words, atoms in cases.items():
        atoms.calc = calculator
        with pytest.raises(StructureError, match=words):
            atoms.get_potential_energy()


def test_files_that_are_no_model(trained: Path, tmp_path: Path) -> None:
    good = trained / "out" / "model.safetensors"
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(good.read_bytes()[:-100])
    with pytest.raises(InputError, match="was cut off"):
        load_model(cut)
    pickled = tmp_path / "model.pt"
    torch.save({"format": "mlmd model 1"}, pickled)
    with pytest.raises(InputError, match="is no model of MLMD"):
        load_model(pickled)
    with pytest.raises(InputError, match="cannot be read"):
        load_model(tmp_path / "none")
    for key, value, words in (
        ("units", json.dumps({"length": "Bohr", "energy": "Ha"}), "convert the data"),
        ("format", "other", "not 'mlmd model 1'"),
        ("architecture", "{}", "is damaged"),
    ):
        with pytest.raises(InputError, match=words):
            load_model(with_header(good, tmp_path / "changed.safetensors", key, value))
    model = load_model(good)
    wider = model.architecture.model_copy(update={"shape": model.architecture.shape.model_copy(update={"scalars": 16})})
    save_model(tmp_path / "wide.safetensors", Model(wider, model.network))
    with pytest.raises(InputError, match="do not fit the architecture"):
        load_model(tmp_path / "wide.safetensors")


def with_header(source: Path, target: Path, key: str, value: str) -> Path:
    from safetensors import safe_open
    from safetensors.torch import save

    with safe_open(str(source), framework="pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        target.write_bytes(save(state, {**file.metadata(), key: value}))
    return target


def test_a_model_is_fine_tuned_on_other_data(trained: Path, tmp_path: Path) -> None:
    """Other labels (another scale of the energy): the weights start where they were and follow the new data."""
    frames = other_method(reference(12, seed=3), {"Cu": 0.0, "Au": 0.0})
    write_frames(tmp_path / "alloys.xyz", frames)
    recipe = tmp_path / "alloys.toml"
    text = RECIPE.format(epochs=2, optimizer="adam")
    recipe.write_text(text[: text.index("[model]")] + text[text.index("[training]") :] + "learning_rate = 1e-6\n")
    model = trained / "out" / "model.safetensors"
    call = ["nn", "finetune", str(model), str(recipe), "--out", str(tmp_path / "out")]
    answer = CliRunner().invoke(app, call)
    assert answer.exit_code == 0, answer.output
    before, after = load_model(model), load_model(tmp_path / "out" / "model.safetensors")
    assert after.architecture == before.architecture
    moved = [
        (a - b).abs().max().item() for a, b in zip(after.network.parameters(), before.network.parameters(), strict=True)
    ]
    assert 0 < max(moved) < 1e-3
    recipe.write_text(text)
    refused = CliRunner().invoke(app, [*call, "--force"])
    assert refused.exit_code == 2 and "leave it out" in " ".join(refused.output.split())
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_a_model_that_comes_along_is_found_by_its_name(tmp_path: Path) -> None:
    from mlmd.errors import MlmdError
    from mlmd.nnqmd.shipped import find_model, shipped_model

    assert set(find_model("pto_ground").architecture.elements) == {"Pb", "Ti", "O"}
    save_model(tmp_path / "other.safetensors", shipped_model("pto_ground"))
    assert find_model(tmp_path / "other.safetensors").record == find_model("pto_ground").record
    with pytest.raises(MlmdError, match="there are pto_excited, pto_ground"):
        shipped_model("none")
    with pytest.raises(InputError, match="cannot be read"):
        find_model("none")
