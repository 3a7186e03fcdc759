"""Measurements of the kernels: the benchmark record that pytest-benchmark keeps (``bench_kernels.py``)."""

from __future__ import annotations

if __name__ != "mlmd.perf":
    raise ImportError("import mlmd.perf, not perf: this folder is a part of the package mlmd")
