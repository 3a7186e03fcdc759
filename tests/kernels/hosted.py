"""The kernels' plans with NumPy arrays on every backend: a device gets copies, and what it changes is copied back.

A test says ``hosted.density(...)`` for ``kernels.density(...)`` and is the same for host and device.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from mlmd import kernels
from mlmd.backends import HOST

ON_THE_HOST = ("A", "S", "state")  # arguments that are NumPy arrays on every backend


class Hosted:
    """A plan on a device that takes and gives NumPy arrays."""

    def __init__(self, plan: Any) -> None:
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plan, name)
        return self._translated(found) if callable(found) else found

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._translated(self._plan.__call__)(*arguments, **named)

    def _translated(self, method: Callable[..., Any]) -> Callable[..., Any]:
        device = self._plan.arrays

        def call(*arguments: Any, **named: Any) -> Any:
            bound = signature(method).bind(*arguments, **named)
            pairs: list[tuple[np.ndarray, Any]] = []
            for key, value in bound.arguments.items():
                if isinstance(value, np.ndarray) and key not in ON_THE_HOST:
                    known = [there for here, there in pairs if here is value]
                    bound.arguments[key] = known[0] if known else device.asarray(value)
                    pairs.append((value, bound.arguments[key]))
            result = method(*bound.args, **bound.kwargs)
            for here, there in pairs:
                if here.flags.writeable:
                    here[...] = device.asnumpy(there)
            for here, there in pairs:
                if result is there:
                    return here
            return device.asnumpy(result) if device.dtype_of(result) is not None else result

        return call


def _hosted(kind: Callable[..., Any]) -> Callable[..., Any]:
    def make(*arguments: Any, **named: Any) -> Any:
        plan = kind(*arguments, **named)
        return plan if plan.arrays is HOST else Hosted(plan)

    return make


kin_prop = _hosted(kernels.kin_prop)
loc_prop = _hosted(kernels.loc_prop)
nlp_prop = _hosted(kernels.nlp_prop)
density = _hosted(kernels.density)
current = _hosted(kernels.current)
overlap = _hosted(kernels.overlap)
hartree = _hosted(kernels.hartree)
