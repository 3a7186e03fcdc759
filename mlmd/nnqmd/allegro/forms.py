"""Trilinear forms of ``mlmd.kernels`` as functions of torch, differentiable any number of times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...kernels.edge_form import EdgeForm
from .pool import POOL

Begin = NDArray[np.int64]


class Form:
    """A form for tensors of either precision.

    Parameters
    ----------
    make : callable
        Gives the plan for a dtype (by name) and a number of threads.

    Examples
    --------
    >>> from mlmd.kernels import EdgeProduct
    >>> form = Form(lambda dtype, threads: EdgeProduct(1, 1, 1, dtype, threads=threads))
    >>> x, m = torch.full((2, 1, 1), 3.0), torch.full((1, 1, 1, 1), 5.0, requires_grad=True)
    >>> y = form("y", np.array([0, 2]), x, m)
    >>> y.sum().backward()
    >>> float(m.grad)
    6.0
    """

    def __init__(self, make: Callable[[str, int], EdgeForm]) -> None:
        self._make = make
        self._plans: dict[tuple[str, int], EdgeForm] = {}

    def __call__(self, wanted: str, begin: Begin, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Gradient in the array of that name, from the other two in their order; arguments as of `EdgeForm`."""
        plan = self._plan(first)
        return _Gradient.apply(plan, plan.FACTORS.index(wanted), begin, first, second)

    def _plan(self, like: torch.Tensor) -> EdgeForm:
        question = str(like.dtype).removeprefix("torch."), torch.get_num_threads()
        if question not in self._plans:
            self._plans[question] = self._make(*question)
        return self._plans[question]

    def __getstate__(self) -> dict[str, Any]:
        return {"_make": self._make, "_plans": {}}


class _Gradient(torch.autograd.Function):
    """The gradient of a form in one of its arrays; what autograd asks for are gradients of the same form."""

    @staticmethod
    def forward(ctx: Any, plan: EdgeForm, place: int, begin: Begin, *given: torch.Tensor) -> torch.Tensor:
        ctx.plan, ctx.place, ctx.begin = plan, place, begin
        ctx.save_for_backward(*given)
        shape = plan.shapes(len(begin) - 1, int(begin[-1]))[place]
        result = POOL.empty(shape, given[0].dtype)
        arrays = (tensor.detach().contiguous().numpy() for tensor in given)
        plan(plan.FACTORS[place], begin, *arrays, out=result.numpy())
        return result

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        factors = list(ctx.saved_tensors)
        factors.insert(ctx.place, upstream)
        places = [place for place in range(3) if place != ctx.place]
        gradients = (
            _Gradient.apply(ctx.plan, place, ctx.begin, *factors[:place], *factors[place + 1 :])
            if is_wanted(ctx, k)
            else None
            for k, place in enumerate(places)
        )
        return None, None, None, *gradients


def is_wanted(ctx: Any, place: int) -> bool:
    """Whether the pass backward that is under way has a use for the gradient in a tensor that a function was given.

    ``ctx.needs_input_grad`` says only that the tensor is a function of something that has gradients: forces, which are
    gradients in the positions alone, would cost those in all weights too.
    """
    node = ctx.next_functions[place][0]
    if node is None or node.name() == "torch::autograd::AccumulateGrad":  # the engine tells nothing of leaves
        return node is not None
    return torch._C._will_engine_execute_node(node)
