"""Input of nequip (a Hydra configuration) for a training by recipe: ``nequip-train`` takes it as it is."""

from __future__ import annotations

from typing import Any

from .architecture import Architecture
from .recipe import Recipe, Training

MONITOR = "val0_epoch/weighted_sum"
ENERGY_TO_FORCES = 10.0  # in the figure that picks the best weights: 3 meV/atom count as 30 meV/Angstrom


def nequip_input(recipe: Recipe, architecture: Architecture, start: str | None = None) -> dict[str, Any]:
    """Return the input of a training whose files are in the folder it runs in.

    Parameters
    ----------
    recipe : Recipe
        What the user asked for.
    architecture : Architecture
        The model.
    start : str, optional
        Model file whose weights are the first ones.

    Returns
    -------
    dict
        Plain values, to be written as JSON or YAML.

    Examples
    --------
    >>> recipe = Recipe.model_validate({"data": {"files": ["pto.xyz"], "validation": 20}})
    >>> model = Architecture(elements=("H",), neighbours=1.0)
    >>> nequip_input(recipe, model)["training_module"]["optimizer"]
    {'_target_': 'torch.optim.Adam', 'lr': 0.005}
    """
    training = recipe.training
    stress = training.stress > 0
    terms = {"total_energy": training.energy, "forces": training.forces}
    begin = {"_target_": "mlmd.nnqmd.model_file.start_from", "file": start}
    model = architecture.nequip() if start is None else begin
    metrics = {"per_atom_energy_mae": ENERGY_TO_FORCES * (training.energy > 0), "forces_mae": 1.0}
    kind = "EnergyForceStress" if stress else "EnergyForce"
    return {
        "run": ["train"],
        "data": _data(architecture, training),
        "trainer": {
            "_target_": "lightning.Trainer",
            "accelerator": "auto",
            "max_epochs": training.epochs,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "log_every_n_steps": 1,
            "logger": False,
            "callbacks": [
                {
                    "_target_": "lightning.pytorch.callbacks.ModelCheckpoint",
                    "monitor": MONITOR,
                    "dirpath": ".",
                    "filename": "best",
                    "enable_version_counter": False,
                },
                {
                    "_target_": "lightning.pytorch.callbacks.ModelCheckpoint",
                    "dirpath": ".",
                    "filename": "last",
                    "enable_version_counter": False,
                },
                {"_target_": "mlmd.nnqmd.learning.LearningCurve", "file": "learning.jsonl"},
            ],
        },
        "training_module": {
            "_target_": "nequip.train.EMALightningModule",
            "ema_decay": training.average,
            "loss": {
                "_target_": f"nequip.train.{kind}Loss",
                "per_atom_energy": True,
                "coeffs": {**terms, "stress": training.stress} if stress else terms,
            },
            "val_metrics": {
                "_target_": f"nequip.train.{kind}Metrics",
                "coeffs": {**metrics, "stress_mae": None} if stress else metrics,
            },
            "optimizer": _optimizer(training),
            **_schedule(training),
            "model": {"_target_": "mlmd.nnqmd.allegro.for_training", "model": model},
        },
    }


def _data(architecture: Architecture, training: Training) -> dict[str, Any]:
    elements = list(architecture.elements)
    loader = {"_target_": "torch.utils.data.DataLoader", "batch_size": training.batch}
    return {
        "_target_": "nequip.data.datamodule.ASEDataModule",
        "seed": training.seed,
        "train_file_path": "train.xyz",
        "val_file_path": "validation.xyz",
        "transforms": [
            {
                "_target_": "nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper",
                "model_type_names": elements,
                "chemical_species_to_atom_type_map": {symbol: symbol for symbol in elements},
            },
            {"_target_": "nequip.data.transforms.NeighborListTransform", "r_max": architecture.shape.cutoff},
        ],
        "train_dataloader": {**loader, "shuffle": True},
        "val_dataloader": loader,
    }


def _optimizer(training: Training) -> dict[str, Any]:
    if training.optimizer == "adam":
        return {"_target_": "torch.optim.Adam", "lr": training.learning_rate}
    return {
        "_target_": "mlmd.nnqmd.sam.SAM",
        "base": "Adam",
        "lr": training.learning_rate,
        "rho": training.rho,
        "adaptive": training.adaptive,
    }


def _schedule(training: Training) -> dict[str, Any]:
    """Learning rate over the epochs: a cosine down to a hundredth, halved where nothing improves, or constant."""
    if training.schedule == "constant":
        return {}
    if training.schedule == "cosine":
        scheduler: dict[str, Any] = {
            "_target_": "torch.optim.lr_scheduler.CosineAnnealingLR",
            "T_max": training.epochs,
            "eta_min": 0.01 * training.learning_rate,
        }
    else:
        scheduler = {"_target_": "torch.optim.lr_scheduler.ReduceLROnPlateau", "factor": 0.5, "patience": 10}
    return {"lr_scheduler": {"scheduler": scheduler, "monitor": MONITOR, "interval": "epoch", "frequency": 1}}
