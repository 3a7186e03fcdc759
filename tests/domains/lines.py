"""Ranks made of threads, for what is about their algebra and not about MPI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from threading import Barrier
from typing import Any, TypeVar

import numpy as np

from mlmd.dcmesh.parallel import Line

Result = TypeVar("Result")


class ThreadLine:
    """One of some threads that do the same: a `Line`."""

    def __init__(self, rank: int, board: list[Any], barrier: Barrier) -> None:
        self.rank, self.size, self._board, self._barrier = rank, len(board), board, barrier

    def block(self, count: int) -> slice:
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def sum(self, array: np.ndarray) -> np.ndarray:
        return np.sum(self._all(array.copy()), axis=0)

    def collect(self, things: Sequence[Any]) -> list[Any]:
        return list(chain.from_iterable(self._all(list(things))))

    def exchange(self, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        everywhere = self._all((first.copy(), last.copy()))
        return everywhere[self.rank - 1][1], everywhere[(self.rank + 1) % self.size][0]

    def _all(self, thing: Any) -> list[Any]:
        """What all threads put here at once."""
        self._board[self.rank] = thing
        self._barrier.wait(60)
        everything = list(self._board)
        self._barrier.wait(60)
        return everything


def on_ranks(size: int, work: Callable[[Line], Result]) -> list[Result]:
    """What ``work`` gives on each of some ranks."""
    board, barrier = [None] * size, Barrier(size)

    def on_one(rank: int) -> Result:
        try:
            return work(ThreadLine(rank, board, barrier))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(on_one, range(size)))
