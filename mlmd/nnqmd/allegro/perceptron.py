"""Perceptrons of nequip with the same parameters and results, on the kernel ``mlmd.kernels.dense``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch

from ...kernels import Dense
from .forms import is_wanted
from .pool import POOL

Tensors = Sequence[torch.Tensor]


class Perceptron(torch.nn.Module):
    """In place of ``nequip.nn.ScalarMLPFunction`` with SiLU, or nothing, between its layers, and without biases."""

    @staticmethod
    def fits(module: Any) -> bool:
        """Whether a module of that class can be replaced: DeepLinearMLP and other activations are left as they are."""
        kinds = [type(layer).__name__ for layer in module.mlp] if isinstance(module.mlp, torch.nn.Sequential) else [""]
        between = kinds[1::2] if module.is_nonlinear else []
        return not module.bias and set(kinds[:1] + kinds[2::2]) == {"ScalarLinearLayer"} and set(between) <= {"SiLU"}

    def prepare(self) -> None:
        """Nothing to prepare: the matrices are those of the layers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, columns in) -> (rows, columns out)."""
        return self.split([x], None)[0]

    def split(self, parts: Tensors, widths: Sequence[int] | None, order: torch.Tensor | None = None) -> Tensors:
        """The same for an input in several parts side by side.

        Parameters
        ----------
        parts : sequence of tensor, (rows, columns of this one)
        widths : sequence of int, optional
            Columns of the parts of the output; by default it is in one.
        order : tensor of int, (columns out,), optional
            In which order the columns of the output are wanted.

        Returns
        -------
        sequence of tensor
        """
        layers = [layer for layer in self.mlp if not isinstance(layer, torch.nn.SiLU)]
        activation = "none"
        for layer in layers:
            matrix = layer.weight * layer.alpha
            last = layer is layers[-1]
            if last and order is not None:
                matrix = matrix.index_select(1, order)
            wanted = tuple(widths) if last and widths is not None else (matrix.shape[1],)
            parts = dense(activation, wanted, matrix, *parts)
            activation = "silu"
        return parts


def dense(activation: str, widths: tuple[int, ...], matrix: torch.Tensor, *parts: torch.Tensor) -> Tensors:
    """f(parts side by side) times a matrix, cut into parts of so many columns.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 2.0]])
    >>> [y.tolist() for y in dense("none", (1, 1), torch.eye(2), x)]
    [[[1.0]], [[2.0]]]
    """
    return _Dense.apply(activation, widths, matrix, *parts)


@lru_cache(maxsize=256)
def _plan(inputs: tuple[int, ...], outputs: tuple[int, ...], activation: str, dtype: str, threads: int) -> Dense:
    return Dense(inputs, outputs, activation, dtype, threads=threads)


def _arrays(tensors: Tensors) -> list[Any]:
    return [(t if t.stride(-1) == 1 else t.contiguous()).detach().numpy() for t in tensors]


class _Dense(torch.autograd.Function):
    """First derivatives by the kernel; where they are to be differentiated again, by operations of torch."""

    @staticmethod
    def forward(ctx: Any, activation: str, widths: tuple[int, ...], matrix: torch.Tensor, *parts: torch.Tensor) -> Any:
        inputs = tuple(part.shape[1] for part in parts)
        ctx.plan = _plan(inputs, widths, activation, str(matrix.dtype).removeprefix("torch."), torch.get_num_threads())
        ctx.save_for_backward(matrix, *parts)
        results = tuple(POOL.empty((parts[0].shape[0], width), matrix.dtype) for width in widths)
        ctx.plan.forth(_arrays(parts), matrix.detach().contiguous().numpy(), [result.numpy() for result in results])
        return results

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[Any, ...]:
        matrix, *parts = ctx.saved_tensors
        if torch.is_grad_enabled():
            return None, None, *_by_torch(ctx.plan, matrix, parts, upstream)
        of_matrix = None
        if is_wanted(ctx, 0):
            of_matrix = _activated(ctx.plan, torch.cat(parts, dim=1)).T @ torch.cat(upstream, dim=1)
        of_parts = [POOL.empty(tuple(part.shape), part.dtype) for part in parts]
        if any(is_wanted(ctx, 1 + k) for k in range(len(parts))):
            ctx.plan.back(
                _arrays(upstream), matrix.detach().contiguous().numpy(), _arrays(parts), [to.numpy() for to in of_parts]
            )
        return None, None, of_matrix, *of_parts


def _activated(plan: Dense, x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.silu(x) if plan.activation == "silu" else x


def _by_torch(plan: Dense, matrix: torch.Tensor, parts: Tensors, upstream: Tensors) -> Tensors:
    """Gradients in the matrix and in the parts, as functions that can be differentiated."""
    x, gradient = torch.cat(list(parts), dim=1), torch.cat(list(upstream), dim=1)
    of_x = gradient @ matrix.T
    if plan.activation == "silu":
        s = torch.sigmoid(x)
        of_x = of_x * s * (1 + x * (1 - s))
    return _activated(plan, x).T @ gradient, *of_x.split(plan.inputs, dim=1)
