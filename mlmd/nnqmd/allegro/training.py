"""A model builder for inputs of nequip that picks the kernels by the machine."""

from __future__ import annotations

from typing import Any

import torch
from hydra.utils import get_method

from .accelerate import accelerate


def for_training(model: dict[str, Any]) -> torch.nn.Module:
    """Build a model, and let it compute with the kernels of MLMD unless Lightning will find a GPU to train on.

    Parameters
    ----------
    model : dict
        Model section of an input of nequip, with its ``_target_``.

    Returns
    -------
    torch.nn.Module
    """
    settings = dict(model)
    network = get_method(settings.pop("_target_"))(**settings)
    return network if torch.accelerator.is_available() else accelerate(network)
