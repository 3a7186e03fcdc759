"""Modules of nequip-allegro with the same parameters and results, computed by the kernels of ``mlmd.kernels``.

A module here takes over all attributes of the one that it stands for, so that names in a state dict, and with them
checkpoints, stay as they are.  Tensors are ``[edge, component, channel]`` inside, channels last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from nequip.data import AtomicDataDict
from nequip.nn import with_edge_type_, with_edge_vectors_

from ...backends import ArrayError
from ...kernels import EdgeCoupling, EdgeProduct, EdgeSum
from ...kernels.edge_form import first_edges
from .forms import Begin, Form
from .perceptron import Perceptron
from .pooled import scaled_rows, side_by_side

Data = dict[str, torch.Tensor]

FEATURES = "mlmd_edge_features"  # [edge, component, channel], from Embedding to Layers


class Embedding(torch.nn.Module):
    """In place of ``allegro.nn.TwoBodySphericalHarmonicTensorEmbed``."""

    @staticmethod
    def fits(module: Any) -> bool:
        """Whether a module of that class can be replaced."""
        return module._edge_weighter.alpha == 1.0

    def prepare(self) -> None:
        """Tables and plans; to be called once the attributes are there."""
        channels = self._edge_weighter.multiplicity_out
        groups = group_sizes(self.irreps_out[self.tensor_basis_out_field], self._edge_weighter)
        self.register_buffer("_order", by_group(len(groups), channels), persistent=False)
        self._sums = Form(partial(sum_plan, groups, channels))

    def forward(self, data: Data) -> Data:
        """As of the module that this stands for, but for the order of the features in memory and their name."""
        data = with_edge_vectors_(data, with_lengths=False)
        basis = self.sh(data[AtomicDataDict.EDGE_VECTORS_KEY]).to(self._output_dtype)
        (weights,) = joined(self.env_embed_linear, [data[self.scalar_embedding_in_field]], None, self._order)
        data[self.tensor_basis_out_field] = basis
        each = np.arange(len(basis) + 1, dtype=np.int64)  # an edge is the only one of its sum
        data[FEATURES] = self._sums("a", each, basis, grouped(weights, self._edge_weighter.multiplicity_out))
        return data


class TypedEmbedding(torch.nn.Module):
    """In place of ``allegro.nn.ProductTypeEmbedding``."""

    @staticmethod
    def fits(module: Any) -> bool:
        """Whether a module of that class can be replaced."""
        return True

    def prepare(self) -> None:
        """Nothing to prepare: the table of the pairs of types is made of weights that may change."""

    def forward(self, data: Data) -> Data:
        """As of the module that this stands for."""
        data = with_edge_type_(data, edge_type_field=self.edge_type_field)
        centre, neighbour = data[self.edge_type_field]
        first, second = self.center_embed.weight, self.neighbor_embed.weight
        pairs = torch.cat([first.repeat_interleave(len(second), 0), second.repeat(len(first), 1)], dim=1)
        basis = self.basis_linear(data[self.in_field])
        data[self.out_field] = scaled_rows(basis, pairs, centre * len(second) + neighbour)
        return data


class Layers(torch.nn.Module):
    """In place of ``allegro.nn.Allegro_Module``."""

    @staticmethod
    def fits(module: Any) -> bool:
        """Whether a module of that class can be replaced."""
        return module._env_weighter.alpha == 1.0

    def prepare(self) -> None:
        """Tables and plans; to be called once the attributes are there."""
        groups = group_sizes(self.irreps_in[self.tensor_basis_in_field], self._env_weighter)
        scalars = torch.arange(self.num_scalar_features)
        order = torch.cat([scalars, self.num_scalar_features + by_group(len(groups), self.num_tensor_features)])
        self.register_buffer("_order", order, persistent=False)
        self._sums = Form(partial(sum_plan, groups, self.num_tensor_features))
        self._products = torch.nn.ModuleList(TensorProduct(tp) for tp in self.tps)
        self._widths = self.num_scalar_features, self._env_weighter.weight_numel

    def forward(self, data: Data) -> Data:
        """As of the module that this stands for."""
        edges = Edges(data[AtomicDataDict.EDGE_INDEX_KEY][0], AtomicDataDict.num_nodes(data))
        basis = edges.sorted(data[self.tensor_basis_in_field])
        features = edges.sorted(self._features(data))
        invariants = edges.sorted(data[self.scalar_in_field])
        first, weights = joined(self.first_layer_env_embed_projection, [invariants], self._widths, self._order)
        scalars = [first]
        for layer, (product, latent) in enumerate(zip(self._products, self.latents, strict=True)):
            environments = self._normalised(
                data, self._sums("a", edges.begin, basis, grouped(weights, self.num_tensor_features))
            )
            features = product(edges.begin, features, environments)
            count = self._n_scalar_outs[layer]
            inputs = [*scalars, features[:, :count].transpose(1, 2).flatten(1)]
            if layer < self.num_layers - 1:
                more, weights = joined(latent, inputs, self._widths, self._order)
            else:
                (more,) = joined(latent, inputs, None, None)
            scalars.append(more)
        data[self.scalar_out_field] = edges.unsorted(side_by_side(*scalars))
        return data

    def _features(self, data: Data) -> torch.Tensor:
        """Those of the first layer, channels last."""
        if FEATURES in data:
            return data.pop(FEATURES)
        return data[self.tensor_features_in_field].transpose(1, 2)

    def _normalised(self, data: Data, environments: torch.Tensor) -> torch.Tensor:
        data[AtomicDataDict.NODE_FEATURES_KEY] = environments.flatten(1)
        return self.avg_num_neighbors_norm(data)[AtomicDataDict.NODE_FEATURES_KEY].view_as(environments)


def joined(
    perceptron: torch.nn.Module,
    parts: Sequence[torch.Tensor],
    widths: Sequence[int] | None,
    order: torch.Tensor | None,
) -> Sequence[torch.Tensor]:
    """A perceptron, ours or not, of parts side by side; its output in this order, cut into so many columns."""
    if isinstance(perceptron, Perceptron):
        return perceptron.split(parts, widths, order)
    whole = perceptron(torch.cat(list(parts), dim=-1))
    if order is not None:
        whole = whole.index_select(1, order)
    return whole.split(list(widths), dim=1) if widths is not None else [whole]


class TensorProduct(torch.nn.Module):
    """A tensor product of the features of edges with the environments of their centres.

    Parameters
    ----------
    contracter : allegro.nn._strided.Contracter
        Its Clebsch-Gordan coefficients and its weights, which stay its own.
    """

    def __init__(self, contracter: torch.nn.Module) -> None:
        super().__init__()
        self._contracter = [contracter]  # a list hides it: its parameters have their names already
        table = dense(contracter).detach()
        path, row, other, column = table.nonzero(as_tuple=True)
        self.rows, self.columns = table.shape[1], table.shape[3]
        place = row * self.columns + column
        order = torch.argsort(place, stable=True)
        entries = torch.stack([other, place], dim=1)[order].cpu().numpy()
        self.register_buffer("_path", path[order], persistent=False)
        self.register_buffer("_coefficients", table[path, row, other, column][order, None], persistent=False)
        channels = contracter.mul
        size = self.rows * self.columns
        self._coupling = Form(partial(coupling_plan, entries, table.shape[2], size, channels))
        self._product = Form(partial(product_plan, self.rows, self.columns, channels))

    def forward(self, begin: Begin, features: torch.Tensor, environments: torch.Tensor) -> torch.Tensor:
        """Features [edge, row, channel] and environments [atom, component, channel] -> [edge, column, channel]."""
        contracter = self._contracter[0]
        weights = contracter.weights.reshape(contracter.mul if contracter.path_channel_coupling else 1, -1)
        values = weights.T.index_select(0, self._path) * self._coefficients
        values = values.expand(-1, contracter.mul)
        matrices = self._coupling("m", begin, values, environments)
        return self._product("y", begin, features, matrices.unflatten(1, (self.rows, self.columns)))


class Edges:
    """Edges in the order of their centres.

    Parameters
    ----------
    centres : tensor, (edges,)
    atoms : int

    Raises
    ------
    ArrayError
        If the tensors are not in the memory of the host.
    """

    def __init__(self, centres: torch.Tensor, atoms: int) -> None:
        if centres.device.type != "cpu":
            raise ArrayError(
                f"this model was accelerated for the CPU, its data are on {centres.device}: use .to('cpu')"
            )
        numbers = centres.numpy()
        self._order = None
        if np.any(numbers[1:] < numbers[:-1]):
            self._order = torch.argsort(centres, stable=True)
            numbers = numbers[self._order.numpy()]
        self.begin = first_edges(numbers, atoms)

    def sorted(self, values: torch.Tensor) -> torch.Tensor:
        """Values on the edges in the order of the centres."""
        return values if self._order is None else values.index_select(0, self._order)

    def unsorted(self, values: torch.Tensor) -> torch.Tensor:
        """Back to the order in which the edges came."""
        return values if self._order is None else values.index_select(0, torch.argsort(self._order))


def dense(contracter: Any) -> torch.Tensor:
    """Coefficients [path, i, j, k] of a contracter."""
    table = contracter.w3j
    if contracter.num_paths == 1:
        table = table.unsqueeze(0)
    return torch.diag_embed(table.transpose(-1, -2)).permute(0, 2, 3, 1) if contracter.w3j_is_ij_diagonal else table


def group_sizes(irreps: Any, weighter: Any) -> tuple[int, ...]:
    """How many basis functions have a weight in common."""
    sizes = tuple(ir.dim for _, ir in irreps)
    return sizes if weighter.weight_individual_irreps else (sum(sizes),)


def grouped(weights: torch.Tensor, channels: int) -> torch.Tensor:
    """Weights (edges, groups * channels) as [edge, group, channel]."""
    return weights.unflatten(1, (-1, channels))


def by_group(groups: int, channels: int) -> torch.Tensor:
    """Where weights [channel, group] are in the order [group, channel]."""
    return torch.arange(groups * channels).view(channels, groups).T.flatten()


def sum_plan(groups: tuple[int, ...], channels: int, dtype: str, threads: int) -> EdgeSum:
    """Plan of environments."""
    return EdgeSum(groups, channels, dtype, threads=threads)


def coupling_plan(entries: Any, rows: int, columns: int, channels: int, dtype: str, threads: int) -> EdgeCoupling:
    """Plan of the matrices."""
    return EdgeCoupling(entries, rows, columns, channels, dtype, threads=threads)


def product_plan(rows: int, columns: int, channels: int, dtype: str, threads: int) -> EdgeProduct:
    """Plan of the products."""
    return EdgeProduct(rows, columns, channels, dtype, threads=threads)
