"""How a propagation is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

PRECISIONS: dict[str, np.dtype[Any]] = {"fp64": np.dtype(np.complex128), "fp32": np.dtype(np.complex64)}


@dataclass(frozen=True)
class Options:
    """Backend by name, precision "fp64" or "fp32", threads of each kernel (None: all)."""

    backend: str = "cpu"
    precision: str = "fp64"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision '{self.precision}' is not known: use fp64 or fp32")

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the orbitals."""
        return PRECISIONS[self.precision]
