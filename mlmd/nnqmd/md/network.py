"""A network as a potential.

An Allegro model sees of a neighbour its direction, distance and element only. So the graph of some atoms has these
atoms and one more node of each element, at which the pairs end: no block of a system needs the atoms around it.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ...backends import default_threads
from ...sections import with_keys
from ..calculator import placed
from ..model_file import Model
from .particles import Floats
from .potential import Edges

TRIAL = 2000  # pairs whose evaluation tells what memory a pair takes
MARGIN = 2.0  # memory of an evaluation, with what waits in the pool, over what autograd keeps for the gradient


class Network:
    """Energies and gradients of a model.

    Parameters
    ----------
    model : Model
        From :func:`mlmd.nnqmd.model_file.load_model`.
    precision : {"float32", "float64"}, optional
        Of the network; that of the model where not given.

    Examples
    --------
    >>> from ..shipped import shipped_model
    >>> network = Network(shipped_model("pto_ground"))
    >>> lonely = np.zeros(0, dtype=np.int64)
    >>> energies, gradients = network(Edges(np.array([0, 2]), lonely, lonely, np.zeros((0, 3))))
    >>> energies.round(2).tolist(), gradients.shape
    ([-1202.31, -400.77], (0, 3))
    """

    most_pairs = np.inf

    def __init__(self, model: Model, precision: str | None = None) -> None:
        shape = model.architecture.shape
        if precision is not None and precision != shape.dtype:
            model = converted(model, precision)
        self.cutoff = float(shape.cutoff)
        self.elements = model.architecture.elements
        self._neighbours = model.architecture.neighbours
        self._network = placed(model, "cpu")

    def __call__(self, edges: Edges) -> tuple[Floats, Floats]:
        """See `Potential`."""
        out = self._network(self._graph(edges))
        energies = out["atomic_energy"].detach().numpy()[: len(edges.types), 0]
        return energies, out["edge_forces"].detach().numpy()

    def _graph(self, edges: Edges) -> dict[str, torch.Tensor]:
        count = len(edges.types)
        ends = np.arange(len(self.elements))
        arrays = {
            "atom_types": np.concatenate([edges.types, ends]),
            "edge_index": np.stack([edges.centre, count + edges.neighbour]),
            "edge_vectors": edges.vectors,
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights."""
        digest = hashlib.sha256()
        for name, weights in sorted(self._network.state_dict().items()):
            digest.update(name.encode() + weights.detach().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def bytes_per_pair(self) -> float:
        """Memory that an evaluation takes for each pair: what autograd keeps for the gradient, and a margin."""
        atoms = max(1, round(TRIAL / self._neighbours))
        random = np.random.default_rng(0)
        vectors = random.uniform(-0.55, 0.55, (TRIAL, 3)) * self.cutoff
        centre = np.sort(random.integers(0, atoms, TRIAL))
        edges = Edges(np.zeros(atoms, np.int64), centre, np.zeros(TRIAL, np.int64), vectors)
        kept: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        weights = {w.untyped_storage().data_ptr() for w in (*self._network.parameters(), *self._network.buffers())}
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            self(edges)
        return MARGIN * sum(size for place, size in kept.items() if place not in weights) / TRIAL


def share_processors() -> None:
    """Let PyTorch take this rank's part of the processors of its node."""
    torch.set_num_threads(default_threads())


def converted(model: Model, precision: str) -> Model:
    """A model with the same weights in another precision.

    Parameters
    ----------
    model : Model
        The model; it stays as it is.
    precision : {"float32", "float64"}
        Of the weights and of what is computed with them.

    Returns
    -------
    Model
    """
    architecture = with_keys(model.architecture, "shape", dtype=precision)
    network: Any = architecture.build()
    network.load_state_dict(model.network.state_dict())
    return Model(architecture, network.eval(), model.record)
