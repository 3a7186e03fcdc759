"""Sharpness-aware minimisation: an optimiser that looks for flat minima (Allegro-Legato).

The loss is lowered not where the weights are but where it is worst within a distance rho of them,

    min_w max_{|e| <= rho} L(w + e),    e = rho g / |g|,    g = grad L(w)

(Foret et al., ICLR 2021). In the adaptive form, which does not change when a layer is rescaled, lengths are measured
in units of the weights, e = rho w^2 g / |w g| (Kwon et al., ICML 2021).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch


class SAM(torch.optim.Optimizer):
    """Sharpness-aware minimisation round any optimiser.

    A step calls its closure twice: at the weights, and at the worst weights within ``rho``; the base optimiser takes
    the second gradient. It stands in any training that hands its optimiser a closure, such as Lightning's, and so in
    an input of nequip without further code::

        optimizer:
          _target_: mlmd.nnqmd.sam.SAM
          base: Adam
          lr: 0.002
          rho: 0.005

    Parameters
    ----------
    params : iterable
        Parameters or groups of them, as of any optimiser.
    base : str or type
        Name of an optimiser in ``torch.optim``, a dotted name of another, or its class.
    rho : float
        Radius in which the loss is made flat; 0 is the base optimiser alone (and costs two gradients all the same).
    adaptive : bool
        Measure the radius in units of the weights.
    **options
        Of the base optimiser, such as ``lr``.

    Raises
    ------
    ValueError
        A radius that is negative or not finite, or an optimiser that is not known.
    RuntimeError
        A step without a closure.

    Notes
    -----
    Accumulation of gradients over several batches cannot be told from here; leave it at 1.

    Examples
    --------
    >>> w = torch.nn.Parameter(torch.tensor([3.0]))
    >>> optimiser = SAM([w], base="SGD", lr=0.1, rho=0.5)
    >>> def closure():
    ...     optimiser.zero_grad()
    ...     loss = (w**2).sum()
    ...     loss.backward()
    ...     return loss
    >>> loss = optimiser.step(closure)
    >>> round(loss.item(), 3), round(w.item(), 3)  # 3 - 0.1 * 2 * 3.5
    (9.0, 2.3)
    """

    param_groups: list[dict[str, Any]]

    def __init__(
        self,
        params: Iterable[Any],
        base: str | type[torch.optim.Optimizer] = "Adam",
        rho: float = 0.05,
        adaptive: bool = False,
        **options: Any,
    ) -> None:
        if not (math.isfinite(rho) and rho >= 0):
            raise ValueError(f"rho must be a length of at least 0, got {rho}")
        super().__init__(params, {"rho": rho, "adaptive": adaptive})
        self.base = _optimiser(base)(self.param_groups, **options)
        self.param_groups = self.base.param_groups  # one list: schedulers of the learning rate reach the base
        self.defaults.update(self.base.defaults)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Parameters
        ----------
        closure : callable
            Sets the gradients to zero, computes the loss, its gradients, and returns the loss.

        Returns
        -------
        Tensor
            The loss at the weights before the step.

        Raises
        ------
        RuntimeError
            Without a closure.
        """
        if closure is None:
            raise RuntimeError("SAM needs the loss twice in a step: call step(closure), see torch.optim.LBFGS")
        with torch.enable_grad():
            loss = closure()
        moves = self._climb()
        with torch.enable_grad():
            closure()
        for weight, before in moves:
            weight.data.copy_(before)
        self.base.step()
        return loss

    @torch.no_grad()
    def _climb(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Move to the worst weights within the radius; return weights and what they were."""
        climbing = [(group, w) for group in self.param_groups for w in group["params"] if w.grad is not None]
        scaled = [w.grad * w.abs() if group["adaptive"] else w.grad for group, w in climbing]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in scaled])) if scaled else 0.0
        moves = []
        for (group, w), g in zip(climbing, scaled, strict=True):
            moves.append((w, w.detach().clone()))
            if norm > 0:
                w.add_((g * w.abs() if group["adaptive"] else g) * (group["rho"] / norm))
        return moves

    def state_dict(self) -> dict[str, Any]:
        """State of the base optimiser, whose groups hold ``rho`` and ``adaptive``, too."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a state of :meth:`state_dict`."""
        self.base.load_state_dict(state_dict)
        self.param_groups = self.base.param_groups
        self.state = self.base.state


def _optimiser(base: str | type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    if not isinstance(base, str):
        return base
    module, _, name = base.rpartition(".")
    try:
        return getattr(importlib.import_module(module or "torch.optim"), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no optimiser '{base}' is known; give a name of torch.optim or a dotted one") from error
