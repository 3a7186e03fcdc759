"""Thread count of one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba


@contextmanager
def team(threads: int) -> Iterator[None]:
    """Run the block with this many Numba threads (at most those that Numba was started with), then set back.

    Examples
    --------
    >>> before = numba.get_num_threads()
    >>> with team(1):
    ...     print(numba.get_num_threads())
    1
    >>> numba.get_num_threads() == before
    True
    """
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    try:
        yield
    finally:
        numba.set_num_threads(before)
