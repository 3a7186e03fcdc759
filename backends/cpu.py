"""C++17 and OpenMP behind the C header ``mlmd/mlmd_kernels.h``, several instruction sets in one module."""

from __future__ import annotations

from .base import Backend

BACKEND = Backend(
    name="cpu",
    summary="C++17 and OpenMP, instruction set chosen at run time",
    module="mlmd._cpu",
    attribute="{kernel}",
    requires=("mlmd._cpu",),
    install="the C++ extension is not built: run 'pip install .' (or 'pip install -e .') with a C++17 compiler",
)
