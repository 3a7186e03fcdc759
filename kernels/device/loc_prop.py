"""Local propagator on a device: some points for each task, or for each group of work items."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Device
from .shapes import GROUP, MOST_GROUPS, points_of_a_task, real_name, variant

POINTS = 64  # of a group at a time: csrc/include/mlmd/loc_prop_items.h


def loc_prop(device: Device, psi: Any, v: Any, dt: float, threads: int, task_points: int = 0) -> None:
    """Raw kernel; arguments as in `mlmd.kernels.loc_prop.reference`."""
    points, width = v.size, 2 * psi.shape[-1]
    numbers = (np.float64(dt), np.int64(points), np.int32(width))
    if device.processor:
        share = task_points or points_of_a_task(points, psi.nbytes)
        name = f"loc_prop:loc_prop_tasks_{real_name(psi)}"
        device.launch(name, (-(-points // share),), (1,), psi, v, *numbers, np.int64(share))
        return
    groups = min(MOST_GROUPS, -(-points // POINTS))
    device.launch(f"loc_prop:loc_prop_{variant(psi)[0]}", (groups * GROUP,), (GROUP,), psi, v, *numbers)
