"""Any Allegro model on the kernels of MLMD."""

from __future__ import annotations

from typing import Any

import torch
from allegro.nn import Allegro_Module
from nequip.nn import model_modifier

from ...errors import MlmdError
from .layers import Embedding, Layers, TypedEmbedding
from .perceptron import Perceptron

# By name, since the classes of packaged models are copies, whose modules have a prefix.
COUNTERPARTS: dict[str, Any] = {
    "allegro.nn._allegro.Allegro_Module": Layers,
    "allegro.nn.tensorembed.TwoBodySphericalHarmonicTensorEmbed": Embedding,
    "allegro.nn._edgeembed.ProductTypeEmbedding": TypedEmbedding,
    "nequip.nn.mlp.ScalarMLPFunction": Perceptron,
}


def accelerate(model: torch.nn.Module) -> torch.nn.Module:
    """Let an Allegro model compute with the kernels of MLMD, in place.

    Energies, forces, stresses and the gradients of training are those of the model up to rounding.  Parameters keep
    their names and stay where they are: checkpoints fit, optimisers go on.  What has no counterpart (other activations
    than SiLU, biases, further terms of the energy) stays as it is.  The model is then for the CPU, and not for
    ``nequip-compile`` or ``compile_mode: compile``, which cannot look into the kernels.

    Parameters
    ----------
    model : torch.nn.Module
        A model of nequip-allegro: built, from a checkpoint or from a package.

    Returns
    -------
    torch.nn.Module
        The same model.

    Raises
    ------
    MlmdError
        If there are no Allegro layers in it, or it is on a GPU.

    Examples
    --------
    In Python::

        model = accelerate(ModelFromCheckpoint("best.ckpt"))

    and in the YAML file of a training::

        model:
          _target_: mlmd.nnqmd.allegro.modify
          modifiers: [{modifier: enable_MLMD}]
          model: {_target_: allegro.model.AllegroModel, ...}
    """
    elsewhere = {str(p.device) for p in model.parameters() if p.device.type != "cpu"}
    if elsewhere:
        raise MlmdError(f"the model is on {', '.join(sorted(elsewhere))}, the kernels are for the CPU: use .to('cpu')")
    compiled = isinstance(model, torch.jit.ScriptModule) or getattr(model, "is_compile_graph_model", False)
    if compiled or not any(map(_are_layers, model.modules())):
        raise MlmdError(
            f"{type(model).__name__} has no Allegro layers to accelerate: give a model of nequip-allegro that is "
            "neither compiled nor scripted"
        )
    _replace(model)
    return model


def _are_layers(module: torch.nn.Module) -> bool:
    """Whether these are Allegro layers, replaced already or to be replaced."""
    return isinstance(module, Layers) or (COUNTERPARTS.get(qualified_name(module)) is Layers and Layers.fits(module))


def _replace(model: torch.nn.Module) -> None:
    """Put its counterpart in the place of each module inside that has one."""
    for name, child in list(model.named_children()):
        _replace(child)
        kind = COUNTERPARTS.get(qualified_name(child))
        if kind is not None and kind.fits(child):
            model._modules[name] = _taken_over(child, kind)


def qualified_name(module: Any) -> str:
    """Of the class, as it was before it was packaged."""
    kind = type(module)
    return f"{kind.__module__}.{kind.__qualname__}".split(">.")[-1]


def _taken_over(module: torch.nn.Module, kind: Any) -> torch.nn.Module:
    """A module of that class with the attributes, submodules and parameters of another."""
    made = kind.__new__(kind)
    made.__dict__ = {name: value.copy() if type(value) is dict else value for name, value in vars(module).items()}
    made.prepare()
    return made


def enable_MLMD(cls: type[torch.nn.Module], model: torch.nn.Module) -> torch.nn.Module:
    """Compute with the kernels of MLMD on the CPU; see `mlmd.nnqmd.allegro.accelerate`."""
    return accelerate(model)


# nequip finds modifiers as class methods of the modules of a model.
Allegro_Module.enable_MLMD = model_modifier(persistent=False, unsupported_devices=["cuda", "xpu"])(
    classmethod(enable_MLMD)
)
