"""Sizes of a launch as CUDA has them."""

from __future__ import annotations

from .errors import PlanError

MOST_GROUPS = (2**31 - 1, 65535, 65535)  # along CUDA's x, y and z
MOST_ITEMS = 1024  # in a group

Three = tuple[int, int, int]


def grid_of(kernel: str, size: tuple[int, ...], group: tuple[int, ...]) -> tuple[Three, Three]:
    """Grid and block of a launch; CUDA's x is our last dimension, the fastest one.

    Raises
    ------
    PlanError
        If CUDA has no launch of that size.

    Examples
    --------
    >>> grid_of("kin_prop:kin_axis_f32", (5, 64), (2, 32))
    ((2, 3, 1), (32, 2, 1))
    """
    block = (*reversed(group), 1, 1)[:3]
    items = (*reversed(size), 1, 1)[:3]
    grid = tuple(-(-n // b) for n, b in zip(items, block, strict=True))
    if any(n > most for n, most in zip(grid, MOST_GROUPS, strict=True)) or block[0] * block[1] * block[2] > MOST_ITEMS:
        raise PlanError(f"kernel {kernel}: CUDA cannot launch {size} work items in groups of {group}")
    return (grid[0], grid[1], grid[2]), (block[0], block[1], block[2])
