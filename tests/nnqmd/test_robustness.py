"""Comparison of trainings: intervals hold what they should; the command trains, measures and goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.nnqmd.failure import Lifetime
from mlmd.nnqmd.robustness import compare, median_ratio, median_time, pooled

MODELS, RUNS = 6, 8


def weibull(time: float, spread: float, seed: int, atoms: int = 40) -> list[list[Lifetime]]:
    """Runs of models whose own median times scatter by a factor."""
    random = np.random.default_rng(seed)
    scales = time * np.exp(spread * random.standard_normal(MODELS))
    return [
        [Lifetime(atoms, k, float(scale * (random.weibull(2.0) / np.log(2) ** 0.5)), "hot") for k in range(RUNS)]
        for scale in scales
    ]


@pytest.mark.parametrize("spread", [0.0, 0.7])
def test_intervals_hold_the_truth_as_often_as_they_say(spread: float) -> None:
    """Nearly always 95 %; runs taken as independent would hold it far less often where models scatter."""
    held = naive = 0
    for seed in range(60):
        models = weibull(1000.0, spread, seed)
        found, alone = median_time(models), median_time([[one for runs in models for one in runs]])
        held += found.low <= 1000.0 <= found.high
        naive += alone.low <= 1000.0 <= alone.high
    assert held >= 50
    if spread:
        assert naive < held - 5


def test_ratio_of_known_medians() -> None:
    """Twice as long is found, within its interval, and nothing where nothing is."""
    twice = [median_ratio(weibull(2000.0, 0.1, seed), weibull(1000.0, 0.1, seed + 100)) for seed in range(20)]
    assert np.mean([one.value for one in twice]) == pytest.approx(2.0, rel=0.1)
    assert sum(one.low <= 2.0 <= one.high for one in twice) >= 16
    assert all(one.low > 1.0 for one in twice)
    same = median_ratio(weibull(1000.0, 0.0, 1), weibull(1000.0, 0.0, 2))
    assert same.low < 1.0 < same.high


def test_sizes_are_compared_apart() -> None:
    """Each size has its medians; runs that did not fail are counted as such."""
    groups = {
        name: [[*runs, Lifetime(320, 0, 9.0, None)] for runs in weibull(time, 0.0, seed)]
        for seed, (name, time) in enumerate((("adam", 10.0), ("sam", 30.0)))
    }
    rows = compare(groups)
    assert [(row.group, row.atoms, row.runs, row.failed) for row in rows] == [
        ("adam", 40, MODELS * RUNS, MODELS * RUNS),
        ("sam", 40, MODELS * RUNS, MODELS * RUNS),
        ("adam", 320, MODELS, 0),
        ("sam", 320, MODELS, 0),
    ]
    assert [row.ratio is None for row in rows] == [True, False, True, False]
    assert rows[1].ratio is not None and rows[1].ratio.value == pytest.approx(3.0, rel=0.3)
    assert rows[3].median.value == 9.0
    assert len({one.seed for one in pooled(groups["sam"]) if one.atoms == 40}) == MODELS * RUNS


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """Two recipes on alloys that differ in the optimiser."""
    pytest.importorskip("nequip", reason="nequip is not installed: pip install 'mlmd[nn]'")
    pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")
    from .test_training import make_recipe

    for optimizer in ("adam", "sam"):
        make_recipe(tmp_path, 2, optimizer).rename(tmp_path / f"{optimizer}.toml")
    return tmp_path


def test_command(recipes: Path) -> None:
    """Models, errors, sharpness and times of both recipes are there; a second command does nothing anew."""
    out = recipes / "out"
    options = ["--structure", recipes / "alloys.xyz", "--seeds", 1, "--runs", 2, "--repeat", "1", "--longest", 20]
    command = ["nn", "robustness", recipes / "adam.toml", recipes / "sam.toml", *options]
    command += ["--temperature", 300, "--temperature", 600, "--out", out]
    result = CliRunner().invoke(app, list(map(str, command)))
    assert result.exit_code == 0, result.output
    found = json.loads((out / "robustness.json").read_text())
    assert {name: len(models) for name, models in found["models"].items()} == {"adam": 1, "sam": 1}
    losses = [model["loss"] for models in found["models"].values() for model in models]
    assert len(set(losses)) == 2 and min(losses) > 0
    assert [row["runs"] for row in found["600 K"]["medians"]] == [2, 2]
    weights = [file.read_bytes() for file in sorted(out.glob("*/model.safetensors"))]
    result = CliRunner().invoke(app, list(map(str, command)))
    assert result.exit_code == 0 and "epoch" not in result.output
    again = json.loads((out / "robustness.json").read_text())
    assert {**again, "date": ""} == {**found, "date": ""}
    assert [file.read_bytes() for file in sorted(out.glob("*/model.safetensors"))] == weights


def test_recipes_of_one_name(recipes: Path) -> None:
    """They would share their folders."""
    (recipes / "other").mkdir()
    twin = (recipes / "adam.toml").rename(recipes / "other" / "sam.toml")
    files = [str(twin), str(recipes / "sam.toml")]
    result = CliRunner().invoke(app, ["nn", "robustness", *files, "--structure", str(recipes / "alloys.xyz")])
    assert result.exit_code == 2
    assert "have one name; rename one" in " ".join(result.output.split())


def test_seeds_of_the_training(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each training has its seed, a folder of its own, and tells of the seed in the recipe that it keeps."""
    from rich.console import Console

    from mlmd.nnqmd import robustness_command

    asked = []
    monkeypatch.setattr(robustness_command, "train_recipe", lambda *given: asked.append(given))
    for seed in (0, 3):
        robustness_command._train_seed(Console(quiet=True), recipes / "sam.toml", recipes, seed)
    assert [(given[2].training.seed, given[4].name) for given in asked] == [(0, "sam_0"), (3, "sam_3")]
    assert asked[1][2].training.optimizer == "sam" and asked[1][3].endswith("seed of [training] was 3\n")


def test_loss_and_its_gradient(recipes: Path) -> None:
    """The loss by energies and forces of the calculator; its gradient, of third order in all, by differences."""
    import torch

    from mlmd.nnqmd.architecture import Architecture, Shape
    from mlmd.nnqmd.calculator import NeuralNetwork
    from mlmd.nnqmd.dataset import labels, read_frames
    from mlmd.nnqmd.model_file import Model
    from mlmd.nnqmd.training_loss import training_loss

    frames = read_frames(recipes / "alloys.xyz")[:5]
    shape = Shape(cutoff=4.0, scalars=8, tensors=2, dtype="float64")
    architecture = Architecture(shape=shape, elements=("Cu", "Au"), neighbours=12.0)
    model = Model(architecture, architecture.build())
    loss, weights = training_loss(model, frames, energy=2.0, forces=3.0)
    of_energy, of_forces = [], []
    for frame in frames:
        copy, known = frame.copy(), labels(frame)
        copy.calc = NeuralNetwork(model)
        of_energy.append(((copy.get_potential_energy() - known["energy"]) / len(frame)) ** 2)
        of_forces.append((copy.get_forces() - known["forces"]) ** 2)
    expected = (2.0 * np.mean(of_energy) + 3.0 * np.mean(np.concatenate(of_forces))) / 5.0
    assert loss().item() == pytest.approx(expected, rel=1e-9)
    gradient, step = torch.autograd.grad(loss(), weights), 1e-4
    norm = float(sum((g**2).sum() for g in gradient)) ** 0.5
    values = []
    for move in (step, -2 * step):
        for w, g in zip(weights, gradient, strict=True):
            w.data.add_(g, alpha=move / norm)
        values.append(loss().item())
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(norm, rel=1e-4)
