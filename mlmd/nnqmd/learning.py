"""Learning curves, written while a model is trained: one line an epoch."""

from __future__ import annotations

import json
import time
from pathlib import Path

import lightning

from .learning_file import read_curve


class LearningCurve(lightning.Callback):
    """Write what each epoch reached to a file of JSON lines.

    Parameters
    ----------
    file : str
        Its name; when a training goes on from a checkpoint, lines of later epochs are dropped.
    """

    def __init__(self, file: str) -> None:
        self.file = Path(file)
        self.start = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Drop the epochs that are done again."""
        kept = [point for point in read_curve(self.file) if point["epoch"] < trainer.current_epoch]
        self.file.write_text("".join(json.dumps(point) + "\n" for point in kept))

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take the time."""
        self.start = time.perf_counter()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Add a line."""
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items() if value.numel() == 1}
        point = {"epoch": trainer.current_epoch, "seconds": time.perf_counter() - self.start, **metrics}
        with self.file.open("a") as file:
            file.write(json.dumps(point) + "\n")
