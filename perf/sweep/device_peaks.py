"""What a device with memory of its own can do: copies within its memory, and its library's products of matrices."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...backends import Device

LEAST_BYTES = 2**24
SIDE = 2048
TRIES = 5


def measure_device(device: Device, nbytes: int, side: int = SIDE) -> dict[str, float]:
    """Rates per second: bytes of a copy, operations of products in FP64, FP32 and bf16 with FP32 sums.

    Parameters
    ----------
    device : Device
        Where.
    nbytes : int
        Size of the arrays that are copied.
    side : int
        Rows and columns of the matrices.
    """
    nbytes = max(nbytes, LEAST_BYTES)
    a, b = (device.zeros((nbytes // 8,), "float64") for _ in range(2))
    found = {"memory": 2 * nbytes / best(device, lambda: device.copy(a, b))}
    for name, dtype, fast in (("fp64", "complex128", None), ("fp32", "complex64", None), ("bf16", "complex64", "bf16")):
        x, y, z = (device.zeros((side, side), dtype) for _ in range(3))
        found[name] = 8 * side**3 / best(device, _product(device, x, y, z, fast))
    return found


def _product(device: Device, x: Any, y: Any, z: Any, fast: str | None) -> Callable[[], None]:
    return lambda: device.gemm(x, y, z, fast=fast)


def best(device: Device, work: Callable[[], Any]) -> float:
    """Least seconds of some tries after a first one."""
    seconds = []
    for _ in range(TRIES + 1):
        device.synchronize()
        start = time.perf_counter()
        work()
        device.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
