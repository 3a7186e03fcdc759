"""``mlmd nn train`` and ``mlmd nn evaluate``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..interrupt import Interrupted, StopSignals
from ..perf.cli import Guard
from .packages import require

if TYPE_CHECKING:
    from .dataset import Frames
    from .evaluation import Errors, Prediction
    from .model_file import Model
    from .recipe import Recipe
    from .training import TrainingFolder


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``train`` and ``evaluate`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def train(
        recipe_file: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="Data, model, training.")],
        out: Annotated[Path | None, typer.Option(help="Folder (default: RECIPE_out).", show_default=False)] = None,
        force: Annotated[bool, typer.Option("--force", help="Forget what is in the folder.")] = False,
    ) -> None:
        """Train a model, or go on with a training that was stopped."""
        console = Console()
        with guard(Console(stderr=True)):
            require()
            _train(console, recipe_file, out or Path(f"{recipe_file.stem}_out"), force)

    @app.command()
    def finetune(
        model_file: Annotated[Path, typer.Argument(metavar="MODEL", help="A model, or one that comes along.")],
        recipe_file: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="Data and training; no [model].")],
        out: Annotated[Path | None, typer.Option(help="Folder (default: RECIPE_out).", show_default=False)] = None,
        force: Annotated[bool, typer.Option("--force", help="Forget what is in the folder.")] = False,
    ) -> None:
        """Go on training a model on other data, such as those of an excited state."""
        console = Console()
        with guard(Console(stderr=True)):
            require()
            from .shipped import find_model

            _train(console, recipe_file, out or Path(f"{recipe_file.stem}_out"), force, find_model(model_file))

    @app.command()
    def evaluate(
        model_file: Annotated[Path, typer.Argument(metavar="MODEL", help="A model, or one that comes along.")],
        structures: Annotated[Path, typer.Argument(metavar="STRUCTURES", help="Labelled structures.")],
        picture: Annotated[Path | None, typer.Option(help="Predictions over labels, PNG.", show_default=False)] = None,
    ) -> None:
        """Errors of a model on labelled structures."""
        console = Console()
        with guard(Console(stderr=True)):
            require()
            from ..io.atomic import write_bytes
            from .dataset import read_frames
            from .evaluation import errors
            from .pictures import draw_predictions
            from .shipped import find_model

            model, frames = find_model(model_file), read_frames(structures)
            predictions = _predict(console, model, frames)
            print_errors(console, errors(predictions), structures.name)
            if picture is not None:
                write_bytes(picture, draw_predictions(predictions, model_file.name))


def _train(console: Console, file: Path, path: Path, force: bool, start: Model | None = None) -> None:
    from ..errors import InputError
    from ..io.input import parse, read_text
    from .recipe import Recipe

    text = read_text(file)
    recipe = parse(Recipe, text, file)
    if start is not None and "model" in recipe.model_fields_set:
        raise InputError(file, "[model]", "is given, but the shape is that of the model to fine-tune", "leave it out")
    if force and path.exists():
        shutil.rmtree(path)
    train_recipe(console, file, recipe, text, path, start)


def train_recipe(
    console: Console, file: Path, recipe: Recipe, text: str, path: Path, start: Model | None = None
) -> None:
    """Train in a folder, or go on there; ``text`` is the recipe as it is kept, ``file`` where it came from."""
    from .training import TrainingFolder, prepare

    folder = TrainingFolder(path)
    prepare(folder, recipe, text, file, start)
    if not folder.model.exists():
        _run(console, folder, recipe)
        _finish(console, folder, recipe)
    console.print(f"model: {folder.model}", soft_wrap=True, highlight=False)


def _run(console: Console, folder: TrainingFolder, recipe: Recipe) -> None:
    from .learning_file import read_curve
    from .training import run

    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with StopSignals() as stop, Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=recipe.training.epochs)

        def watch() -> None:
            points = read_curve(folder.curve)
            progress.update(task, completed=len(points), description=_line(points[-1]) if points else "")

        whole = run(folder, watch, lambda: stop.requested)
    if not whole:
        raise Interrupted(f"stopped after {len(read_curve(folder.curve))} epochs; the same command goes on")


def _line(point: dict[str, Any]) -> str:
    forces, energy = (1e3 * point.get(f"val0_epoch/{key}_mae", float("nan")) for key in ("forces", "per_atom_energy"))
    return f"validation: forces {forces:.1f} meV/Å, energy {energy:.2f} meV/atom"


def _finish(console: Console, folder: TrainingFolder, recipe: Recipe) -> None:
    """Write the model, its errors on structures it was not trained on, and the pictures."""
    from dataclasses import asdict, replace

    from ..io.atomic import write_bytes
    from .architecture import Architecture
    from .dataset import read_frames
    from .evaluation import errors
    from .learning_file import read_curve
    from .model_file import Model, save_model
    from .pictures import draw_learning, draw_predictions
    from .training import trained_network

    part = "test" if recipe.data.test else "validation"
    architecture = Architecture.model_validate_json(folder.architecture.read_text())
    points = read_curve(folder.curve)
    model = Model(architecture, trained_network(folder))
    predictions = _predict(console, model, read_frames(folder.data(part)))
    found = errors(predictions)
    record = {
        "title": recipe.title,
        "recipe": folder.recipe.read_text(),
        "epochs": len(points),
        "errors": {"of": part, **asdict(found)},
    }
    write_bytes(folder.path / "learning.png", draw_learning(points, recipe.title))
    write_bytes(folder.path / "predictions.png", draw_predictions(predictions, recipe.title))
    save_model(folder.model, replace(model, record=record))
    print_errors(console, found, f"{part} structures")


def _predict(console: Console, model: Model, frames: Frames) -> list[Prediction]:
    from .calculator import NeuralNetwork
    from .evaluation import predict

    with Progress(console=console, transient=True) as progress:
        evaluated = predict(frames, NeuralNetwork(model))
        return list(progress.track(evaluated, total=len(frames), description="evaluating"))


def print_errors(console: Console, found: Errors, name: str) -> None:
    """Print errors as a table."""
    table = Table(title=f"{found.structures} structures of {name}" if "." in name else f"{found.structures} {name}")
    for column, justify in (("", "left"), ("mean absolute", "right"), ("root mean square", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_row("energy (meV/atom)", f"{found.energy_mae:.3g}", f"{found.energy_rmse:.3g}")
    if found.forces_mae is not None and found.forces_rmse is not None:
        table.add_row("forces (meV/Å)", f"{found.forces_mae:.3g}", f"{found.forces_rmse:.3g}")
        for symbol, error in found.forces_mae_of.items():
            table.add_row(f"  on {symbol}", f"{error:.3g}", "")
    console.print(table)
