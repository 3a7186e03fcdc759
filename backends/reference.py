"""Plain NumPy in complex128: the oracle of every other backend, and the kernels' readable definition."""

from __future__ import annotations

from .base import Backend

BACKEND = Backend(
    name="reference",
    summary="NumPy array expressions, double precision, one thread",
    module="mlmd.kernels.{kernel}",
    attribute="reference",
)
