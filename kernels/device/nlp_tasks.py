"""Nonlocal propagator in the type of psi by a processor's tasks; see ``csrc/sycl/nlp_tasks.cpp``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Device
from ...backends.device import items
from .nlp_middle import scaled_product
from .shapes import real_name

REGISTER = 64  # bytes
CHUNK = 64  # points that are worked on at once
LARGEST = 128  # of the orbitals or columns: beyond it the library's products are faster


def suits(device: Device, psi: Any, Q: Any) -> bool:
    """Whether the tasks are made for psi (points, norb) and Q (points, rank), and faster than the library."""
    whole = psi.shape[1] * psi.itemsize % REGISTER == 0
    return device.processor and psi.dtype == Q.dtype and whole and min(psi.shape[1], Q.shape[1]) <= LARGEST


def propagate(device: Device, psi: Any, Q: Any, S: Any, dv: float) -> None:
    """psi += Q S (Q^H psi) dv."""
    (points, norb), rank, name = psi.shape, Q.shape[1], real_name(psi)
    tasks, size = min(8 * device.units, -(-points // CHUNK)), 2 * rank * norb
    sizes = tuple(np.int64(k) for k in (points, norb, rank, tasks))
    real = np.float32 if psi.dtype == np.complex64 else np.float64
    sums = device.empty((tasks * size,), np.float64)
    room = device.empty((tasks * max(size, 2 * CHUNK * norb),), real)
    device.launch(f"nlp_tasks:project_{name}", (tasks,), (1,), psi, Q, sums, room, *sizes)
    overlaps = device.empty((rank, norb), psi.dtype)
    combined = np.int64(size), np.int64(tasks), np.float64(dv)
    device.launch(f"nlp_tasks:overlaps_{name}", *items(device, size), sums, overlaps, *combined)
    factors = scaled_product(device, S, overlaps, 1.0)
    device.launch(f"nlp_tasks:expand_{name}", (tasks,), (1,), psi, Q, factors, room, *sizes)
