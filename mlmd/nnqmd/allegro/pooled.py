"""Operations of torch on large arrays, with their results in memory of the pool."""

from __future__ import annotations

from typing import Any

import torch

from .forms import is_wanted
from .pool import POOL


def side_by_side(*parts: torch.Tensor) -> torch.Tensor:
    """``torch.cat(parts, dim=1)``.

    Examples
    --------
    >>> side_by_side(torch.zeros(1, 1), torch.ones(1, 2)).tolist()
    [[0.0, 1.0, 1.0]]
    """
    return _SideBySide.apply(*parts)


def scaled_rows(x: torch.Tensor, table: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """``x * table[place]``: each row by one of the rows of a table.

    Examples
    --------
    >>> scaled_rows(torch.ones(2, 1), torch.tensor([[3.0], [5.0]]), torch.tensor([1, 0])).tolist()
    [[5.0], [3.0]]
    """
    return _ScaledRows.apply(x, table, place)


class _SideBySide(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *parts: torch.Tensor) -> torch.Tensor:
        ctx.widths = [part.shape[1] for part in parts]
        result = POOL.empty((parts[0].shape[0], sum(ctx.widths)), parts[0].dtype)
        return torch.cat([part.detach() for part in parts], dim=1, out=result)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return upstream.split(ctx.widths, dim=1)


class _ScaledRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, table: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, table, place)
        result = POOL.empty(tuple(x.shape), x.dtype)
        return torch.index_select(table.detach(), 0, place, out=result).mul_(x.detach())

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        x, table, place = ctx.saved_tensors
        of_table = None
        if torch.is_grad_enabled() or is_wanted(ctx, 1):
            of_table = torch.zeros_like(table).index_add(0, place, upstream * x)
        return scaled_rows(upstream, table, place), of_table, None
