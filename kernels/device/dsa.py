"""Dynamical simulated annealing on a device, without waiting for it.

On a processor a sweep takes two launches for each grid of many points and one for all small ones; on a GPU one more,
for the finest grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Device
from ..multigrid import Levels
from .levels import Hierarchy, hierarchy, whole
from .shapes import GROUP


def dsa(
    device: Device,
    v: Any,
    motion: Any,
    rhs: Any,
    levels: Levels,
    keep: NDArray[np.float64],
    gain: NDArray[np.float64],
    threads: int,
) -> None:
    """Raw kernel; arguments as in `mlmd.kernels.dsa.reference`, keep and gain on the host."""
    grids = hierarchy(device, levels)
    sweeps = _tasks if device.processor else _items
    sweeps(device, grids, v, motion, rhs, list(zip(map(np.float64, keep), map(np.float64, gain), strict=True)))


def _tasks(device: Device, grids: Hierarchy, v: Any, motion: Any, rhs: Any, pushes: list[tuple[Any, Any]]) -> None:
    tasks = grids.tasks(0)
    for push in pushes:
        device.launch("dsa:pull_tasks", (tasks,), (1,), *grids.arrays, v, rhs, *whole(tasks))
        _coarser(device, grids)
        device.launch("dsa:move_tasks", (tasks,), (1,), *grids.arrays, v, motion, *push, *whole(tasks))


def _coarser(device: Device, grids: Hierarchy) -> None:
    """The corrections of all coarser grids."""
    between = range(1, grids.small)
    for depth in between:
        _over(device, grids, "restrict", depth)
    device.launch("dsa:small_task", (1,), (1,), *grids.arrays, *whole(grids.small))
    for depth in reversed(between):
        _over(device, grids, "accelerate", depth)


def _over(device: Device, grids: Hierarchy, kernel: str, depth: int) -> None:
    tasks = grids.tasks(depth)
    device.launch(f"dsa:{kernel}_tasks", (tasks,), (1,), *grids.arrays, *whole(depth, tasks))


def _items(device: Device, grids: Hierarchy, v: Any, motion: Any, rhs: Any, pushes: list[tuple[Any, Any]]) -> None:
    left = grids.fields[0]["a"]
    between = range(1, grids.small)
    for push in pushes:
        _each(device, grids, "pull", 0, v, rhs, left)
        _each(device, grids, "restrict", 1, left, *whole(0))
        for depth in between:
            _each(device, grids, "restrict", depth + 1, grids.fields[depth]["rhs"], *whole(depth))
        device.launch("dsa:small_group", (GROUP,), (GROUP,), *grids.arrays, *whole(grids.small))
        for depth in reversed(between):
            _each(device, grids, "accelerate", depth, *whole(depth))
        _each(device, grids, "move", 0, v, motion, left, *push)


def _each(device: Device, grids: Hierarchy, kernel: str, depth: int, *arguments: Any) -> None:
    """A work item for each point of a grid."""
    device.launch(f"dsa:{kernel}_items", (grids.points[depth],), (GROUP,), *grids.arrays, *arguments)
