"""The loss that a model was trained on, as a function of its weights: what measures of sharpness take."""

from __future__ import annotations

from collections.abc import Sequence

import ase
import numpy as np
import torch
from nequip.data import AtomicDataDict, from_ase

from .allegro import accelerate
from .calculator import transforms_of
from .dataset import labels
from .model_file import Model
from .sharpness import Loss


def training_loss(
    model: Model, frames: Sequence[ase.Atoms], energy: float = 1.0, forces: float = 1.0
) -> tuple[Loss, list[torch.Tensor]]:
    """Loss of a model on structures, all in one batch.

    The mean square of the error of the energy per atom (eV) and that of a component of the forces (eV/Angstrom), with
    weights that are divided by their sum, as the training does it.

    Parameters
    ----------
    model : Model
        It is copied.
    frames : sequence of ase.Atoms
        Structures with energies and forces.
    energy, forces : float
        Weights, those of ``[training]`` in a recipe.

    Returns
    -------
    callable, list of Tensor
        The loss, which can be differentiated, and the weights it depends on.

    Examples
    --------
    >>> from mlmd.nnqmd.shipped import shipped_model
    >>> from ase.build import bulk
    >>> from mlmd.nnqmd.dataset import labelled
    >>> oxide = labelled(bulk("TiO", "rocksalt", a=4.2), energy=0.0, forces=np.zeros((2, 3)))
    >>> model = shipped_model("pto_ground")
    >>> loss, weights = training_loss(model, [oxide])
    >>> loss().item() > 0, sum(w.numel() for w in weights) == model.weights
    (True, True)
    """
    typed, with_neighbours = transforms_of(model)
    data = AtomicDataDict.batched_from_list([with_neighbours(typed(from_ase(frame))) for frame in frames])
    counts = torch.tensor([len(frame) for frame in frames])
    known = [labels(frame) for frame in frames]
    energies = torch.tensor(np.array([one["energy"] for one in known]), dtype=torch.float64) / counts
    wanted = torch.tensor(np.concatenate([one["forces"] for one in known]), dtype=torch.float64)
    network = accelerate(model.architecture.build())
    network.load_state_dict(model.network.state_dict())
    network.train()  # forces that can be differentiated once more

    def loss() -> torch.Tensor:
        found = network(dict(data))
        of_energy = ((found["total_energy"].flatten() / counts - energies) ** 2).mean()
        of_forces = ((found["forces"] - wanted) ** 2).mean()
        return (energy * of_energy + forces * of_forces) / (energy + forces)

    return loss, [w for w in network.parameters() if w.requires_grad]
