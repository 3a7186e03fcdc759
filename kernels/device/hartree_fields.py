"""Field arithmetic of the Hartree plan on a device: see `mlmd.kernels.hartree_fields.Fields`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import Device, default_threads
from .shapes import GROUP, SUM_ITEMS

POINTS_OF_A_TASK = 8192
TASKS_PER_THREAD = 2


def hartree_fields(device: Device) -> DeviceFields:
    """Raw kernel: the methods that the device has."""
    return DeviceFields(device)


class DeviceFields:
    """Kernels that read each field once and write it once; sums are the same bits in each run."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._most = TASKS_PER_THREAD * default_threads()

    def source(self, n: Any, neutral: bool) -> Any:
        """See `Fields.source`."""
        rhs = self.device.empty(n.shape, np.float64)
        self._each("source", n.size, n, *self._sum(n, neutral), rhs)
        return rhs

    def vanishes(self, rhs: Any) -> bool:
        """See `Fields.vanishes`: nothing is read here."""
        return False

    def centre(self, v: Any) -> None:
        """See `Fields.centre`."""
        self._each("centre", v.size, *self._sum(v, True), v)

    def predict(self, v: Any, before: Any, velocity: Any, acceleration: Any, order: int) -> None:
        """See `Fields.predict`."""
        self._each("predict", v.size, v, before, velocity, acceleration, np.int32(order))

    def follow(self, v: Any, before: Any, velocity: Any, acceleration: Any) -> None:
        """See `Fields.follow`."""
        self._each("follow", v.size, v, before, velocity, acceleration)

    def _sum(self, x: Any, wanted: bool) -> tuple[Any, Any]:
        """Numbers that add up to the sum, and how many they are; none if it is not wanted."""
        if not wanted:
            return x, np.int32(0)
        if self.device.processor:
            tasks = self._tasks(x.size)
            parts = self.device.empty((tasks,), np.float64)
            self._each("sum", x.size, x, parts)
            return parts, np.int32(tasks)
        items = min(SUM_ITEMS, x.size)
        parts = self.device.empty((items + 1,), np.float64)
        self.device.launch("hartree_fields:sum_items", (items,), (GROUP,), x, parts, np.int64(x.size), np.int32(items))
        total = parts[items:]
        sizes = (np.int32(items),)
        self.device.launch("hartree_fields:total_group", (GROUP,), (GROUP,), parts, total, *sizes)
        return total, np.int32(1)

    def _tasks(self, points: int) -> int:
        return min(self._most, math.ceil(points / POINTS_OF_A_TASK))

    def _each(self, kernel: str, points: int, *arguments: Any) -> None:
        """Tasks that share the points, or an item for each."""
        if self.device.processor:
            tasks = self._tasks(points)
            counts = (np.int64(points), np.int32(tasks))
            self.device.launch(f"hartree_fields:{kernel}_tasks", (tasks,), (1,), *arguments, *counts)
        else:
            self.device.launch(f"hartree_fields:{kernel}_items", (points,), (GROUP,), *arguments, np.int64(points))
