"""Density on a device: some points for each task, or each point for a few work items."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Device
from .shapes import GROUP, MOST_GROUPS, lanes_of, points_of_a_task, real_name, variant


def density(device: Device, psi: Any, f: Any, n: Any, threads: int, task_points: int = 0) -> None:
    """Raw kernel; arguments as in `mlmd.kernels.density.reference`."""
    points, width = n.size, 2 * psi.shape[-1]
    sizes = (np.int64(points), np.int64(width))
    if device.processor:
        share = task_points or points_of_a_task(points, psi.nbytes)
        name = f"density:density_tasks_{real_name(psi)}"
        device.launch(name, (-(-points // share),), (1,), psi, f, n, *sizes, np.int64(share))
        return
    name, reals = variant(psi)
    lanes = lanes_of(width, reals)
    groups = min(MOST_GROUPS, -(-points * lanes // GROUP))
    device.launch(f"density:density_{name}", (groups * GROUP,), (GROUP,), psi, f, n, *sizes, np.int32(lanes))
