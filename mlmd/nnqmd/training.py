"""Training by recipe: a folder that can be stopped at any moment and gone on with, and a model at its end.

The folder holds the split data, the input of nequip, checkpoints, the learning curve and, when all is done, the model
and its errors. The training itself is ``nequip-train`` in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, MlmdError
from ..io.atomic import make_folder, write_text
from .architecture import Architecture
from .dataset import Frames, isolated_energies, read_frames, write_frames
from .nequip_input import nequip_input
from .recipe import Recipe
from .statistics import atom_energies, force_sizes, mean_neighbours

if TYPE_CHECKING:
    from .model_file import Model

POLL = 0.5  # seconds


class TrainingError(MlmdError):
    """A training that ended before its end."""


@dataclass(frozen=True)
class TrainingFolder:
    """The files of a training."""

    path: Path

    @cached_property
    def recipe(self) -> Path:
        """The recipe, as the user wrote it."""
        return self.path / "recipe.toml"

    @cached_property
    def architecture(self) -> Path:
        """What the model is made of."""
        return self.path / "architecture.json"

    @cached_property
    def curve(self) -> Path:
        """The learning curve."""
        return self.path / "learning.jsonl"

    @cached_property
    def last(self) -> Path:
        """Checkpoint of the last epoch that was done."""
        return self.path / "last.ckpt"

    @cached_property
    def best(self) -> Path:
        """Checkpoint of the best epoch."""
        return self.path / "best.ckpt"

    @cached_property
    def log(self) -> Path:
        """What nequip printed."""
        return self.path / "nequip.log"

    @cached_property
    def start(self) -> Path:
        """The model whose weights are the first ones, where a model is fine-tuned."""
        return self.path / "start.safetensors"

    @cached_property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model.safetensors"

    def data(self, part: str) -> Path:
        """Structures of a part: train, validation or test."""
        return self.path / f"{part}.xyz"


def prepare(folder: TrainingFolder, recipe: Recipe, text: str, source: Path, start: Model | None = None) -> None:
    """Split the data and write the input of the training; a folder of the same recipe is left as it is.

    Parameters
    ----------
    folder : TrainingFolder
        Where.
    recipe : Recipe
        What is asked for.
    text : str
        The recipe as the user wrote it.
    source : path
        File of the recipe; data files are relative to it.
    start : Model, optional
        A model to fine-tune: its architecture and weights are taken.

    Raises
    ------
    InputError
        A folder of another recipe, data that cannot be read, more structures held back than there are, an element
        that ``start`` does not know.
    """
    if folder.architecture.exists():
        if folder.recipe.read_text() != text:
            raise InputError(
                folder.path, "", "holds a training by another recipe", "choose another folder with --out, or --force"
            )
        return
    frames = [frame for name in recipe.data.files for frame in read_frames(source.parent / name)]
    isolated = {**isolated_energies(frames), **recipe.data.isolated}
    if start is not None:
        _check_elements(frames, start.architecture.elements, source)
    parts = split([frame for frame in frames if len(frame) > 1], recipe, source)
    make_folder(folder.path)
    for name, part in parts.items():
        if part:
            write_frames(folder.data(name), part)
    architecture = describe(recipe, parts["train"], isolated) if start is None else start.architecture
    if start is not None:
        from .model_file import save_model

        save_model(folder.start, start)
    settings = nequip_input(recipe, architecture, None if start is None else str(folder.start.resolve()))
    write_text(folder.path / "config.yaml", json.dumps(settings, indent=1))
    write_text(folder.recipe, text)
    write_text(folder.architecture, architecture.model_dump_json(indent=1))  # last: now the folder is whole


def _check_elements(frames: Frames, elements: tuple[str, ...], source: Path) -> None:
    unknown = sorted({symbol for frame in frames for symbol in frame.symbols} - set(elements))
    if unknown:
        raise InputError(
            source,
            "[data] files",
            f"hold {unknown[0]}, which the model does not know",
            "train a model for all elements",
        )


def split(frames: Frames, recipe: Recipe, source: Path) -> dict[str, Frames]:
    """Share structures out at random, by the seed of the recipe.

    Parameters
    ----------
    frames : list of ase.Atoms
        All structures.
    recipe : Recipe
        Numbers of structures that are held back.
    source : path
        Its file, for messages.

    Returns
    -------
    dict
        Structures of ``train``, ``validation`` and ``test``.

    Raises
    ------
    InputError
        When none is left to train on.

    Examples
    --------
    >>> import ase
    >>> recipe = Recipe.model_validate({"data": {"files": ["pto.xyz"], "validation": 2, "test": 3}})
    >>> {name: len(part) for name, part in split([ase.Atoms("H2")] * 9, recipe, Path("x.toml")).items()}
    {'validation': 2, 'test': 3, 'train': 4}
    """
    held = {"validation": recipe.data.validation, "test": recipe.data.test}
    if sum(held.values()) >= len(frames):
        raise InputError(
            source,
            "[data] validation",
            f"holds back {sum(held.values())} structures with 'test', of {len(frames)}",
            "leave some to train on",
        )
    order = np.random.default_rng(recipe.data.seed).permutation(len(frames))
    parts, first = {}, 0
    for name, count in held.items():
        parts[name] = [frames[k] for k in sorted(order[first : first + count])]
        first += count
    parts["train"] = [frames[k] for k in sorted(order[first:])]
    return parts


def describe(recipe: Recipe, frames: Frames, isolated: dict[str, float]) -> Architecture:
    """Architecture of a model for structures: elements by atomic number, constants from the structures."""
    numbers = sorted({(z, s) for frame in frames for z, s in zip(frame.numbers, frame.symbols, strict=True)})
    elements = tuple(symbol for _, symbol in numbers)
    return Architecture(
        shape=recipe.model,
        elements=elements,
        neighbours=mean_neighbours(frames, recipe.model.cutoff),
        shifts=atom_energies(frames, elements, isolated),
        scales=force_sizes(frames, elements),
        seed=recipe.training.seed,
    )


def run(folder: TrainingFolder, watch: Callable[[], None], stop: Callable[[], bool]) -> bool:
    """Train, from the last checkpoint on where there is one.

    Parameters
    ----------
    folder : TrainingFolder
        Prepared by :func:`prepare`.
    watch : callable
        Called twice a second.
    stop : callable
        Tells when to stop.

    Returns
    -------
    bool
        Whether all epochs are done.

    Raises
    ------
    TrainingError
        When nequip ended with an error.
    """
    command = [sys.executable, "-m", "nequip.scripts.train", "-cn", "config"]
    command += ["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=stdout"]
    if folder.last.exists():
        command.append(f"+ckpt_path={folder.last.name}")
    with folder.log.open("ab") as log:
        child = subprocess.Popen(command, cwd=folder.path, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            while child.poll() is None and not stop():
                watch()
                _wait(child)
        finally:
            _end(child)
    watch()
    if stop():
        return False
    if child.returncode != 0:
        lines = folder.log.read_text(errors="replace").strip().splitlines()
        raise TrainingError(f"nequip ended with an error: {lines[-1] if lines else 'no message'}; see {folder.log}")
    return True


def _wait(child: subprocess.Popen[Any]) -> None:
    try:
        child.wait(POLL)
    except subprocess.TimeoutExpired:
        return


def _end(child: subprocess.Popen[Any]) -> None:
    """End a child that still runs: a training loses at most the epoch that it is in."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def trained_network(folder: TrainingFolder) -> Any:
    """Network of the best epoch, with averaged weights, as a module of nequip without training's wrapping."""
    from nequip.model.saved_models import ModelFromCheckpoint
    from nequip.utils.global_state import set_global_state

    set_global_state(allow_tf32=False)
    trained = ModelFromCheckpoint(str(folder.best))
    architecture = Architecture.model_validate_json(folder.architecture.read_text())
    network = architecture.build()
    (inner,) = trained.values() if hasattr(trained, "values") else (trained,)
    network.load_state_dict(inner.state_dict())
    return network.eval()
