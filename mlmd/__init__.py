"""MLMD: light-matter dynamics of quantum materials, and the portable kernels under it.

Examples
--------
>>> import mlmd
>>> plan = mlmd.kernels.density(shape=(4, 4, 4), norb=2, backend="reference")
>>> plan.backend
'reference'
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from .backends import choice

__version__ = "0.1.0"
_LAZY = ("backends", "kernels", "tuning")


def _chooser() -> Any:
    return import_module(f"{__name__}.tuning.choose").Choice()


choice.register(_chooser)


def __getattr__(name: str) -> ModuleType:
    if name in _LAZY:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
