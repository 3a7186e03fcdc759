"""``mlmd nn robustness``: recipes compared over seeds: errors, sharpness, time to failure."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..errors import InputError
from ..interrupt import Interrupted, StopSignals
from ..perf.cli import Guard
from .failure_command import print_law, read_lifetimes, repeats, study
from .packages import require
from .train_command import train_recipe

if TYPE_CHECKING:
    import ase

    from .failure import Conditions
    from .model_file import Model
    from .robustness import Row

MOVE, RADIUS = 0.05, 0.05  # of a weight at random, and of all together


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``robustness`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def robustness(
        recipes: Annotated[
            list[Path], typer.Argument(metavar="RECIPE.toml...", help="The first one is what the others compare with.")
        ],
        structure: Annotated[Path, typer.Option(help="Structure to start from.", show_default=False)],
        out: Annotated[Path, typer.Option(help="Folder of models and results.")] = Path("robustness_out"),
        seeds: Annotated[int, typer.Option(min=1, help="Trainings of each recipe.")] = 3,
        repeat: Annotated[str, typer.Option(help="Repeats of the structure, such as 1,2 or 2x2x1,3x3x1.")] = "1,2",
        runs: Annotated[int, typer.Option(min=1, help="Runs of each model and size.")] = 5,
        temperature: Annotated[list[float], typer.Option(min=1.0, help="K; may be given several times.")] = [300.0],  # noqa: B006
        step: Annotated[float, typer.Option(min=0.01, help="Time step, fs.")] = 1.0,
        longest: Annotated[float, typer.Option(min=1.0, help="Longest time, fs.")] = 10_000.0,
    ) -> None:
        """Compare recipes that differ in the optimiser, say: train each with several seeds, let the models fail.

        A stopped command goes on where it was.
        """
        console = Console()
        with guard(Console(stderr=True)):
            require()
            import ase.io

            from .failure import Conditions

            names = [file.stem for file in recipes]
            if len(set(names)) < len(names):
                raise InputError("mlmd nn robustness", "RECIPE.toml", "have one name", "rename one")
            starts = [ase.io.read(str(structure)).repeat(times) for times in repeats(repeat)]
            models = {
                name: [_train_seed(console, file, out, seed) for seed in range(seeds)]
                for name, file in zip(names, recipes, strict=True)
            }
            found: dict[str, Any] = {
                "date": date.today().isoformat(),
                "recipes": {file.stem: file.read_text() for file in recipes},
                "models": _models(console, out, models),
            }
            for kelvin in temperature:
                conditions = Conditions(kelvin, step, longest=longest)
                found[f"{kelvin:g} K"] = _fail(console, out, models, starts, runs, conditions)
            _write(console, out / "robustness.json", found)


def _train_seed(console: Console, file: Path, out: Path, seed: int) -> Path:
    """Train a recipe with another seed, or go on with that; gives the folder."""
    from ..io.input import parse, read_text
    from ..sections import with_keys
    from .recipe import Recipe

    text, folder = read_text(file), out / f"{file.stem}_{seed}"
    recipe = with_keys(parse(Recipe, text, file), "training", seed=seed)
    train_recipe(console, file, recipe, f"{text}\n# the seed of [training] was {seed}\n", folder)
    return folder


def _models(console: Console, out: Path, models: dict[str, list[Path]]) -> dict[str, list[dict[str, Any]]]:
    """Errors and sharpness of each model, printed."""
    from .model_file import load_model

    table = Table(title=f"rise of the loss: moves of {MOVE:g} at random, and the worst one within {RADIUS:g}")
    for column in ("model", "forces (meV/Å)", "energy (meV/atom)", "loss", "mean rise", "largest rise"):
        table.add_column(column, justify="left" if column == "model" else "right")
    found: dict[str, list[dict[str, Any]]] = {}
    for name, folders in models.items():
        for folder in folders:
            model = load_model(folder / "model.safetensors")
            sharp, errors = _sharpness(folder, model), model.record["errors"]
            found.setdefault(name, []).append({"errors": errors, **sharp})
            rises = (f"{sharp['mean_rise']:.3g} ± {sharp['mean_rise_error']:.1g}", f"{sharp['largest_rise']:.3g}")
            accuracy = (f"{errors['forces_mae']:.1f}", f"{errors['energy_mae']:.2f}")
            table.add_row(folder.name, *accuracy, f"{sharp['loss']:.3g}", *rises)
    console.print(table)
    return found


def _sharpness(folder: Path, model: Model) -> dict[str, float]:
    """Sharpness of the loss on the structures that a model was trained on; kept in its folder."""
    from ..io.atomic import write_text
    from ..io.input import parse
    from .dataset import read_frames
    from .recipe import Recipe
    from .sharpness import largest_rise, mean_rise
    from .training import TrainingFolder
    from .training_loss import training_loss

    file, training = folder / "sharpness.json", TrainingFolder(folder)
    if not file.exists():
        weights_of = parse(Recipe, training.recipe.read_text(), training.recipe).training
        loss, weights = training_loss(model, read_frames(training.data("train")), weights_of.energy, weights_of.forces)
        mean, largest = mean_rise(loss, weights, MOVE), largest_rise(loss, weights, RADIUS)
        found = {
            "loss": loss().item(),
            "mean_rise": mean.rise,
            "mean_rise_error": mean.error,
            "largest_rise": largest.rise,
        }
        write_text(file, json.dumps(found, indent=1))
    return json.loads(file.read_text())


def _fail(
    console: Console,
    out: Path,
    models: dict[str, list[Path]],
    starts: list[ase.Atoms],
    seeds: int,
    conditions: Conditions,
) -> dict[str, Any]:
    """Run all models at a temperature until they fail; medians, ratios and exponents, printed."""
    from ..io.atomic import write_bytes
    from .calculator import NeuralNetwork
    from .model_file import load_model
    from .pictures import draw_lifetimes
    from .robustness import compare, pooled

    folder = out / f"{conditions.temperature:g}K"
    calculators = {
        one.name: NeuralNetwork(load_model(one / "model.safetensors")) for group in models.values() for one in group
    }
    with StopSignals() as stop:
        study(console, folder, calculators, starts, seeds, conditions, lambda: stop.requested)
    if stop.requested:
        raise Interrupted("stopped; the same command goes on")
    single, sizes = read_lifetimes(folder / "lifetimes.jsonl"), {len(start) for start in starts}
    groups = {
        name: [[run for run in single[one.name] if run.atoms in sizes and run.seed < seeds] for one in group]
        for name, group in models.items()
    }
    whole = {name: pooled(group) for name, group in groups.items()}
    found = {name: print_law(console, f"{name}, all models", runs) for name, runs in whole.items()}
    laws, rows = {name: law for name, law in found.items() if law is not None}, compare(groups)
    _print_rows(console, rows, conditions)
    write_bytes(
        out / f"lifetimes_{conditions.temperature:g}K.png",
        draw_lifetimes(whole, laws, conditions),
    )
    return {
        "conditions": asdict(conditions),
        "medians": [asdict(row) for row in rows],
        "exponents": {name: asdict(law) for name, law in laws.items()},
        "lifetimes": {name: [asdict(one) for one in all_] for name, all_ in whole.items()},
    }


def _print_rows(console: Console, rows: list[Row], conditions: Conditions) -> None:
    table = Table(title=f"{conditions.temperature:g} K, intervals of 95 % over models and runs")
    for column in ("recipe", "atoms", "runs", "failed", "median time (fs)", "ratio to the first"):
        table.add_column(column, justify="left" if column == "recipe" else "right")
    for row in rows:
        sign = "> " if row.median.value >= conditions.longest else ""
        median = f"{sign}{row.median.value:.0f} ({row.median.low:.0f} to {row.median.high:.0f})"
        ratio = f"{row.ratio.value:.2f} ({row.ratio.low:.2f} to {row.ratio.high:.2f})" if row.ratio else ""
        table.add_row(row.group, str(row.atoms), str(row.runs), str(row.failed), median, ratio)
    console.print(table)


def _write(console: Console, file: Path, found: dict[str, Any]) -> None:
    from ..io.atomic import write_text

    write_text(file, json.dumps(found, indent=1))
    console.print(f"written: {file}", soft_wrap=True, highlight=False)
