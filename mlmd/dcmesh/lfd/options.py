"""How a propagation is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backends import Arrays, Device, fastest_host, get
from ..precision import Levels, complete

TYPES: dict[str, np.dtype[Any]] = {"fp64": np.dtype(np.complex128), "fp32": np.dtype(np.complex64)}


@dataclass(frozen=True)
class Options:
    """Backend by name, levels of all subproblems (see `precision.complete`), threads of each kernel (None: all)."""

    backend: str = "cpu"
    levels: Levels = field(default_factory=lambda: complete("fp64", "shadow", "multigrid"))
    threads: int | None = None

    @property
    def arrays(self) -> Arrays:
        """Arrays of the backend."""
        return get(self.backend).arrays()

    @property
    def host(self) -> str:
        """Backend for what is set up on the host, once in an MD step: the same one, or for a device a host's."""
        if not isinstance(self.arrays, Device):
            return self.backend
        return fastest_host().name

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the orbitals."""
        return TYPES[self.levels["state"]]
