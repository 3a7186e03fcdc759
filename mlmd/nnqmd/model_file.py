"""Models as files: numbers only, so that loading one executes no code.

The file is in the safetensors format: the weights, and in its header the architecture, the units and the record of
the training as JSON. It can be read in any language and by ``safetensors.safe_open``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..errors import InputError
from ..io.atomic import write_bytes
from .architecture import Architecture

FORMAT = "mlmd model 1"
UNITS = {"length": "Angstrom", "energy": "eV"}


@dataclass(frozen=True)
class Model:
    """An Allegro model with its architecture and how it was made.

    Parameters
    ----------
    architecture : Architecture
        What it is made of.
    network : torch.nn.Module
        The graph model of nequip.
    record : dict
        Training record: data, settings, errors.
    """

    architecture: Architecture
    network: torch.nn.Module
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def weights(self) -> int:
        """Number of trained weights."""
        return sum(w.numel() for w in self.network.parameters())


def save_model(path: Path, model: Model) -> None:
    """Write a model, whole or not at all.

    Parameters
    ----------
    path : path
        Final name, ending in ``.safetensors``.
    model : Model
        What to write.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "units": json.dumps(UNITS),
        "architecture": model.architecture.model_dump_json(),
        "record": json.dumps(model.record),
    }
    state = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.network.state_dict().items()}
    write_bytes(path, save(state, header))


def load_model(path: str | Path) -> Model:
    """Read a model that :func:`save_model` wrote.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Model
        Ready to evaluate.

    Raises
    ------
    InputError
        A file that is no such model, was cut off, is in other units, or whose weights do not fit its architecture.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> model = Architecture(elements=("H",), neighbours=2.0, shifts={"H": -13.6})
    >>> save_model(file, Model(model, model.build(), {"data": "none"}))
    >>> load_model(file).record
    {'data': 'none'}
    """
    remedy = "give a file that 'mlmd nn train' wrote, or a model of nequip to nequip itself"
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except OSError as error:
        raise InputError(path, "", f"cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise InputError(path, "", f"is no model of MLMD, or was cut off ({error})", remedy) from error
    architecture, record = _header(path, header, remedy)
    network = architecture.build()
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(path, "weights", f"do not fit the architecture ({error})", remedy) from error
    return Model(architecture, network.eval(), record)


def start_from(file: str) -> torch.nn.Module:
    """Network of a model file, to go on training: a model builder for an input of nequip.

    Parameters
    ----------
    file : str
        What :func:`save_model` wrote.

    Returns
    -------
    torch.nn.Module
    """
    return load_model(file).network.train()


def _header(path: str | Path, header: dict[str, str], remedy: str) -> tuple[Architecture, dict[str, Any]]:
    if header.get("format") != FORMAT:
        raise InputError(path, "format", f"is {header.get('format', 'not told')}, not '{FORMAT}'", remedy)
    try:
        units, record = json.loads(header["units"]), json.loads(header["record"])
        architecture = Architecture.model_validate_json(header["architecture"])
    except (KeyError, ValueError, ValidationError) as error:
        raise InputError(path, "header", f"is damaged ({error})", remedy) from error
    if units != UNITS:
        raise InputError(path, "units", f"are {units}, not {UNITS}", "convert the data and train again")
    return architecture, record
