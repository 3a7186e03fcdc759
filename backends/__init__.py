"""What a device is: the backends, found by name and loaded when first used, and a description of the machine.

A backend is one file of this folder with a ``BACKEND`` in it.  This package imports nothing else of MLMD.
"""

from __future__ import annotations

if __name__ != "mlmd.backends":
    raise ImportError("import mlmd.backends, not backends: this folder is a part of the package mlmd")

from . import choice
from .arrays import HOST, Arrays
from .base import Backend, Status
from .device import Device, DeviceBackend, Graph, Traffic
from .errors import ArrayError, BackendUnavailable, DeviceMemoryError, MlmdError, PlanError
from .machine import Machine, default_threads, describe, launched_ranks, local_rank, local_ranks, physical_memory
from .registry import fastest_host, get, names

__all__ = [
    "HOST",
    "ArrayError",
    "Arrays",
    "Backend",
    "BackendUnavailable",
    "Device",
    "DeviceBackend",
    "DeviceMemoryError",
    "Graph",
    "Machine",
    "MlmdError",
    "PlanError",
    "Status",
    "Traffic",
    "choice",
    "default_threads",
    "describe",
    "fastest_host",
    "get",
    "launched_ranks",
    "local_rank",
    "local_ranks",
    "names",
    "physical_memory",
]
