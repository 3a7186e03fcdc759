"""Measurements of the kernels: benchmarks, their records, and the gate that keeps performance from slipping."""

from __future__ import annotations

if __name__ != "mlmd.perf":
    raise ImportError("import mlmd.perf, not perf: this folder is a part of the package mlmd")
