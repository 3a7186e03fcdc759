"""Multigrid on a device.

A V-cycle takes two launches for each grid of many points on a processor (each task does all sweeps on its planes),
four or five on a GPU, and one for all small grids together.  The residual is read once per cycle, 8 bytes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import Device
from ..multigrid import Levels
from .levels import Hierarchy, hierarchy, whole
from .shapes import GROUP, SUM_ITEMS


def multigrid(
    device: Device, v: Any, rhs: Any, levels: Levels, tol: float, max_cycles: int, threads: int
) -> tuple[int, float]:
    """Raw kernel; arguments and result as in `mlmd.kernels.multigrid.reference`.

    The right-hand side may be zero: then so is v.  With ``tol=0`` nothing is read: ``max_cycles`` cycles are done, and
    the residual is not a number.
    """
    grids = hierarchy(device, levels)
    if tol == 0.0:
        for _ in range(max_cycles):
            _cycle(device, grids, v, rhs, squares=False)
        return max_cycles, math.nan
    result = device.empty((1,), np.float64)
    target = math.sqrt(_squares(device, grids, v, rhs, result, of_rhs=True))
    if target == 0.0:
        v[...] = 0.0
        return 0, 0.0
    left = _squares(device, grids, v, rhs, result)
    for cycles in range(max_cycles + 1):
        residual = math.sqrt(left) / target
        if residual <= tol or cycles == max_cycles:
            break
        _cycle(device, grids, v, rhs, squares=True)
        left = _read(device, grids, result) if device.processor else _squares(device, grids, v, rhs, result)
    return cycles, residual


def _squares(device: Device, grids: Hierarchy, v: Any, rhs: Any, result: Any, of_rhs: bool = False) -> float:
    """The sum of the squares of the residual, or of rhs."""
    if device.processor:
        tasks = grids.tasks(0)
        device.launch("multigrid:squares_tasks", (tasks,), (1,), *grids.arrays, v, rhs, *whole(tasks, of_rhs))
    else:
        items = min(SUM_ITEMS, grids.points[0])
        device.launch("multigrid:squares_items", (items,), (GROUP,), *grids.arrays, v, rhs, *whole(items, of_rhs))
    return _read(device, grids, result)


def _read(device: Device, grids: Hierarchy, result: Any) -> float:
    n = grids.shapes[0][0] if device.processor else min(SUM_ITEMS, grids.points[0])
    device.launch("multigrid:sum_group", (GROUP,), (GROUP,), *grids.arrays, result, *whole(n))
    return float(device.asnumpy(result)[0])


def _cycle(device: Device, grids: Hierarchy, v: Any, rhs: Any, squares: bool) -> None:
    """A V-cycle on v, in place; with ``squares``, a processor leaves those of the residual of each plane."""
    down, up, small = (_tasks_down, _tasks_up, "task") if device.processor else (_items_down, _items_up, "group")
    group = 1 if device.processor else GROUP
    big = [(depth, v, rhs) if depth == 0 else (depth, *_own(grids, depth)) for depth in range(grids.small)]
    for level in big:
        down(device, grids, *level)
    device.launch(f"multigrid:small_{small}", (group,), (group,), *grids.arrays, *whole(grids.small))
    for depth, own, source in reversed(big):
        up(device, grids, depth, own, source, squares and depth == 0)


def _own(grids: Hierarchy, depth: int) -> tuple[Any, Any]:
    return grids.fields[depth]["v"], grids.fields[depth]["rhs"]


def _tasks_down(device: Device, grids: Hierarchy, depth: int, v: Any, rhs: Any) -> None:
    tasks = grids.tasks(depth)
    device.launch("multigrid:descend_tasks", (tasks,), (1,), *grids.arrays, v, rhs, *whole(depth, tasks))


def _tasks_up(device: Device, grids: Hierarchy, depth: int, v: Any, rhs: Any, squares: bool) -> None:
    tasks = grids.tasks(depth)
    device.launch("multigrid:ascend_tasks", (tasks,), (1,), *grids.arrays, v, rhs, *whole(depth, tasks, squares))


def _items_down(device: Device, grids: Hierarchy, depth: int, v: Any, rhs: Any) -> None:
    a, b = (grids.fields[depth][name] for name in ("a", "b"))
    if depth == 0:
        _each(device, grids, "relax", depth, v, rhs, b, *whole(depth, 0))
        _each(device, grids, "relax", depth, b, rhs, a, *whole(depth, 1))
    else:
        _each(device, grids, "relax_zeros", depth, rhs, a, *whole(depth))
    _each(device, grids, "restrict", depth + 1, a, rhs, *whole(depth))


def _items_up(device: Device, grids: Hierarchy, depth: int, v: Any, rhs: Any, squares: bool) -> None:
    a, b = (grids.fields[depth][name] for name in ("a", "b"))
    _each(device, grids, "correct", depth, a, rhs, b, *whole(depth))
    _each(device, grids, "relax", depth, b, rhs, v, *whole(depth, 1))


def _each(device: Device, grids: Hierarchy, kernel: str, depth: int, *arguments: Any) -> None:
    """A work item for each point of a grid."""
    device.launch(f"multigrid:{kernel}_items", (grids.points[depth],), (GROUP,), *grids.arrays, *arguments)
