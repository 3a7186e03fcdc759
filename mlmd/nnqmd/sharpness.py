"""How sharp a minimum of the loss is: what a small move of the weights costs.

Two measures, both of a loss at weights w: the mean over random moves, <L(w + sigma n)> - L(w) with n normal, which the
published code of Allegro-Legato takes; and the largest rise within a radius, max_{|e| <= rho} L(w + e) - L(w), which
sharpness-aware minimisation lowers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

Loss = Callable[[], torch.Tensor]


@dataclass(frozen=True)
class Sharpness:
    """A rise of the loss: its value and, of a mean, its standard error."""

    rise: float
    error: float = 0.0


def mean_rise(
    loss: Loss, weights: Sequence[torch.Tensor], sigma: float = 0.05, draws: int = 100, seed: int = 0
) -> Sharpness:
    """Mean rise of the loss under random moves of all weights.

    Parameters
    ----------
    loss : callable
        Loss at the present values of the weights.
    weights : sequence of Tensor
        Those to move; they are as before when the function returns.
    sigma : float
        Standard deviation of a move of one weight.
    draws : int
        Number of moves, at least 2.
    seed : int
        Of the random numbers.

    Returns
    -------
    Sharpness
        With its standard error.

    Raises
    ------
    ValueError
        Fewer than two draws.

    Examples
    --------
    >>> w = torch.zeros(1000, dtype=torch.float64)
    >>> found = mean_rise(lambda: (w**2).sum(), [w], sigma=0.1)
    >>> abs(found.rise - 1000 * 0.1**2) < 4 * found.error
    True
    """
    if draws < 2:
        raise ValueError(f"at least 2 draws are needed for a mean with its error, got {draws}")
    before, lowest = [w.detach().clone() for w in weights], loss().item()
    generator = torch.Generator().manual_seed(seed)
    rises = []
    try:
        for _ in range(draws):
            for w, start in zip(weights, before, strict=True):
                noise = torch.randn(start.shape, dtype=start.dtype, generator=generator)
                w.data.copy_(start + sigma * noise.to(start.device))
            rises.append(loss().item() - lowest)
    finally:
        _put_back(weights, before)
    return Sharpness(float(np.mean(rises)), float(np.std(rises, ddof=1) / draws**0.5))


def largest_rise(loss: Loss, weights: Sequence[torch.Tensor], rho: float = 0.05, steps: int = 20) -> Sharpness:
    """Largest rise of the loss within a radius, by projected gradient ascent.

    Parameters
    ----------
    loss : callable
        Loss at the present values of the weights, differentiable.
    weights : sequence of Tensor
        Those to move, with ``requires_grad``; they are as before when the function returns.
    rho : float
        Radius, in the norm of all weights together.
    steps : int
        Steps of the ascent; the first is that of sharpness-aware minimisation.

    Returns
    -------
    Sharpness
        The largest rise met.

    Examples
    --------
    >>> w = torch.tensor([0.1, 0.0], requires_grad=True)
    >>> round(largest_rise(lambda: (w**2).sum(), [w], rho=0.5).rise, 4)  # 0.6^2 - 0.1^2
    0.35
    """
    before, start = [w.detach().clone() for w in weights], loss()
    highest, value = start.item(), start
    try:
        for _ in range(steps):
            gradients = torch.autograd.grad(value, list(weights), allow_unused=True)
            _climb(weights, before, gradients, rho)
            value = loss()
            highest = max(highest, value.item())
    finally:
        _put_back(weights, before)
    return Sharpness(highest - start.item())


@torch.no_grad()
def _climb(
    weights: Sequence[torch.Tensor],
    before: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
    rho: float,
) -> None:
    """One step of length rho uphill, then back onto the ball round the start."""
    known = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, gradients, strict=True)]
    norm = _norm(known)
    if norm == 0:
        return
    moves = [w - start + rho / norm * g for w, start, g in zip(weights, before, known, strict=True)]
    shrink = min(1.0, rho / _norm(moves))
    for w, start, move in zip(weights, before, moves, strict=True):
        w.data.copy_(start + shrink * move)


def _norm(tensors: Sequence[torch.Tensor]) -> float:
    return float(sum(float((t.detach() ** 2).sum()) for t in tensors) ** 0.5)


def _put_back(weights: Sequence[torch.Tensor], before: Sequence[torch.Tensor]) -> None:
    for w, start in zip(weights, before, strict=True):
        w.data.copy_(start)
