"""Norm, bond sums and density on a device: sums of each task or group, then those added in order."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Device
from .shapes import GROUP, LANES, MOST_GROUPS, lanes_of, real_name, variant

TERMS, TILE_Y = 7, 4  # of csrc/include/mlmd/current.h and current_items.h
PLANES, CACHE_BYTES = 4, 768 * 1024  # of a task; two planes of it stay in a cache
WALK = 16  # points along x of a work item
FEWEST_TASKS = 64


def current(
    device: Device,
    psi: Any,
    f: Any,
    periodic: NDArray[np.int32],
    dv: float,
    n: Any,
    totals: Any,
    threads: int,
) -> None:
    """Raw kernel; arguments as in `mlmd.kernels.current.reference`, `periodic` on the host."""
    nx, ny, nz, norb = psi.shape
    width = 2 * norb
    zeros = psi if periodic.all() else device.constant(_zeros(norb, psi.dtype.str))
    grid = (*(np.int64(k) for k in (nx, ny, nz, width)), *periodic, np.int32(n is not None))
    how: tuple[Any, ...]
    if device.processor:
        planes, height = _block(nx, ny, nz * norb * psi.itemsize)
        count, group = -(-nx // planes) * -(-ny // height), 1
        name, how = f"current_tasks:current_tasks_{real_name(psi)}", (np.int64(planes), np.int64(height))
    else:
        suffix, reals = variant(psi)
        name = f"current:current_{suffix}"
        lanes = lanes_of(width, reals)
        tile = GROUP // lanes // TILE_Y
        count, group = min(MOST_GROUPS, -(-nx // WALK) * -(-ny // TILE_Y) * -(-nz // tile)), GROUP
        how = (np.int64(WALK), np.int32(lanes))
    parts = device.empty((count, TERMS), np.float64)
    given = (psi, f, zeros, totals if n is None else n, parts)
    device.launch(name, (count * group,), (group,), *given, *grid, *how)
    items = LANES * (TERMS + 1)
    device.launch("current:current_totals", (items,), (items,), parts, totals, np.int64(count), np.float64(dv))


def _block(nx: int, ny: int, line: int) -> tuple[int, int]:
    """Planes and lines of a task: what a cache holds, or less on small grids."""
    height = max(1, min(CACHE_BYTES // (2 * line), ny))
    planes = min(PLANES, max(1, nx * -(-ny // height) // FEWEST_TASKS))
    return planes, height


@lru_cache(maxsize=16)
def _zeros(norb: int, dtype: str) -> NDArray[Any]:
    return np.zeros(norb, dtype)
