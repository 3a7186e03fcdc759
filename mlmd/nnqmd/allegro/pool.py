"""Memory that is used again: large blocks fresh from the system cost a page fault every 4 KiB, as much time as the work
that fills them."""

from __future__ import annotations

import math
import weakref

import numpy as np
import torch
from numpy.typing import NDArray

SMALLEST = 1 << 18  # bytes; smaller blocks come from the heap
KEPT = 1 << 30  # bytes that wait to be used again, at most


class Pool:
    """Tensors in blocks that come back when the last reference to the tensor is gone.

    Parameters
    ----------
    kept : int
        Bytes that are kept for later, at most; what comes back beyond them goes to the system.

    Examples
    --------
    >>> pool = Pool()
    >>> place = pool.empty((512, 512), torch.float32).data_ptr()
    >>> pool.empty((512, 500), torch.float32).data_ptr() == place
    True
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._waiting = 0
        self._blocks: dict[int, list[NDArray[np.uint8]]] = {}

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """A tensor with anything in it."""
        size = math.prod(shape) * dtype.itemsize
        if size < SMALLEST:
            return torch.empty(shape, dtype=dtype)
        room = rounded_up(size)
        blocks = self._blocks.setdefault(room, [])
        if blocks:
            block = blocks.pop()
            self._waiting -= room
        else:
            block = np.empty(room, np.uint8)
        numbers = block[:size].view(str(dtype).removeprefix("torch.")).reshape(shape)
        weakref.finalize(numbers, self._take_back, block).atexit = False
        return torch.from_numpy(numbers)

    def _take_back(self, block: NDArray[np.uint8]) -> None:
        if self._waiting + len(block) <= self._kept:
            self._waiting += len(block)
            self._blocks[len(block)].append(block)


def rounded_up(size: int) -> int:
    """A size of few that are not much larger: neighbour lists change a little with every step.

    Examples
    --------
    >>> rounded_up(1_000_000), rounded_up(1_040_000)
    (1048576, 1048576)
    """
    unit = 1 << max(size.bit_length() - 4, 0)
    return -(-size // unit) * unit


POOL = Pool()
