"""C++17 and OpenMP behind the C header ``mlmd/mlmd_kernels.h``, several instruction sets in one module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from .base import Backend, Status
from .rates import Rates

INTERFACE = 1  # MLMD_ABI_VERSION of the header


class Processor(Backend):
    """The backend of the compiled kernels, which are told with each call how to go about it."""

    def status(self) -> Status:
        """As of any backend; and whether the compiled module is the one that these sources are for."""
        found = super().status()
        if not found.works:
            return found
        there = getattr(import_module("mlmd._cpu"), "ABI_VERSION", 0)
        if there == INTERFACE:
            return found
        return Status(False, f"the C++ extension has the interface {there}, not {INTERFACE}: install MLMD anew")

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
    package="scipy",
    nominal=Rates(5e-6, 2e10, 2e10, 2e11, 1e11),
)
