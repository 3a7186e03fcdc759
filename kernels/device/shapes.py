"""How work on psi is divided: shares of memory for tasks, lanes of work items that read together."""

from __future__ import annotations

from typing import Any

LANES, GROUP = 16, 256  # of csrc/include/mlmd/group.h
MOST_GROUPS = 4096
BYTES_OF_A_TASK = 1 << 17
FEWEST_TASKS = 64
SUM_ITEMS = 16384  # that a sum over a field is divided among


def real_name(psi: Any) -> str:
    """Of the real type, as the names of kernels end."""
    return "f32" if psi.itemsize == 8 else "f64"


def variant(psi: Any) -> tuple[str, int]:
    """Ending of the name of the kernel that reads as much at once as psi allows, and how many reals that is."""
    name = real_name(psi)
    return ("f32x2", 4) if name == "f32" and psi.shape[-1] % 2 == 0 else (name, 2)


def lanes_of(width: int, reals: int) -> int:
    """Work items that share a point: a power of two, enough for all of its numbers or LANES.

    Examples
    --------
    >>> lanes_of(2, 2), lanes_of(10, 2), lanes_of(128, 4)
    (1, 8, 16)
    """
    return min(LANES, 1 << (-(-width // reals) - 1).bit_length())


def points_of_a_task(points: int, size: int) -> int:
    """Grid points of a task: a share of memory that takes tens of microseconds, or less on small grids.

    Examples
    --------
    >>> points_of_a_task(4096, 4096 * 512), points_of_a_task(64, 64 * 16)
    (64, 8)
    """
    return max(8, min(BYTES_OF_A_TASK * points // size, -(-points // FEWEST_TASKS)))
