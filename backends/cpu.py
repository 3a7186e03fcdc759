"""C++17 and OpenMP behind the C header ``mlmd/mlmd_kernels.h``, several instruction sets in one module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from .base import Backend


class Processor(Backend):
    """The backend of the compiled kernels, which are told with each call how to go about it."""

    def launch(self, threads: int, tuning: Mapping[str, Any]) -> Any:
        """A ``Launch`` of the compiled module."""
        return import_module("mlmd._cpu").Launch(threads, **tuning)

    def bind(self, kernel: str) -> Callable[..., Callable[[], None]] | None:
        """Of the compiled module, for the kernels that need nothing done after them."""
        return getattr(import_module("mlmd._cpu"), f"bind_{kernel}", None)


BACKEND = Processor(
    name="cpu",
    summary="C++17 and OpenMP, instruction set chosen at run time",
    module="mlmd._cpu",
    attribute="{kernel}",
    requires=("mlmd._cpu",),
    install="the C++ extension is not built: run 'pip install .' (or 'pip install -e .') with a C++17 compiler",
)
