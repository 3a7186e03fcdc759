"""Loops compiled by Numba: what a Python user would write by hand."""

from __future__ import annotations

from .base import Backend
from .rates import Rates

BACKEND = Backend(
    name="numba",
    summary="Python loops compiled by Numba, orbital fastest, threads by prange",
    module="mlmd.kernels.numba.{kernel}",
    attribute="{kernel}",
    requires=("numba",),
    install="install it with: pip install 'mlmd[numba]'",
    package="numba",
    nominal=Rates(2e-5, 5e9, 5e9, 1e10, 5e9),
)
