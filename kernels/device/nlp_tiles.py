"""Nonlocal propagator in bf16 parts on the matrix tiles of a processor; see ``csrc/sycl/nlp_bf16.h``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ...backends import Device
from .nlp_middle import scaled_product

BLOCK, STEP, PAIR, LANES, WORDS = 32, 32, 1024, 16, 512
PANELS = {1: 8, 2: 4, 3: 3}  # of points that a group works on at once
CHUNK = {1: 32, 2: 16, 3: 8}  # steps of points that are packed at once
SET = 16  # panels of psi that are packed at once
Scratch = TypeVar("Scratch")


class Tiles(NamedTuple):
    """Q as both left factors.

    Attributes
    ----------
    columns, rows : array of uint16
        Panels of its columns along the points, and of its points along the columns.
    points, rank : int
        Its shape.
    spare : list
        Scratch memory that no call has.
    """

    columns: Any
    rows: Any
    points: int
    rank: int
    spare: list[Any]


class Room(NamedTuple):
    """How a call is cut, and its memory: packed psi, sums, packed factors, blocks of results, zeros, overlaps."""

    slices: int
    set: int
    groups: int
    packed: Any
    sums: Any
    right: Any
    blocks: Any
    zeros: Any
    overlaps: Any


def pack(device: Device, Q: Any, parts: int) -> Tiles:
    """Q (points, rank) complex64 in tiles."""
    points, rank = Q.shape
    width = 2 * rank
    along_points, along_columns = ceiling(points, STEP), ceiling(width, STEP)
    columns = device.empty((ceiling(width, BLOCK) * along_points * parts * PAIR,), np.uint16)
    rows = device.empty((ceiling(points, BLOCK) * along_columns * parts * PAIR,), np.uint16)
    for name, to, steps in (("columns", columns, along_points), ("rows", rows, along_columns)):
        sizes = np.int64(points), np.int64(width), np.int64(steps)
        device.launch(f"nlp_bf16x{parts}:pack_{name}", (to.size // (2 * parts),), (WORDS,), Q, to, *sizes)
    return Tiles(columns, rows, points, rank, [])


def propagate(device: Device, psi: Any, Q: Tiles, S: Any, dv: float, parts: int) -> None:
    """psi += Q S (Q^H psi) dv."""
    name, norb = f"nlp_bf16x{parts}:", psi.shape[1]
    width, points, again = np.int64(2 * norb), np.int64(Q.points), np.int64(0)
    panels, rank_panels = np.int64(ceiling(2 * norb, BLOCK)), np.int64(ceiling(2 * Q.rank, BLOCK))
    steps, rank_steps = np.int64(ceiling(Q.points, STEP)), np.int64(ceiling(2 * Q.rank, STEP))
    room = spare_or_new(Q.spare, lambda: _room(device, Q, norb, parts))
    sets, chunk = ceiling(int(panels), room.set), np.int64(CHUNK[parts])
    device.launch(
        name + "project",
        (room.slices, LANES * sets),
        (1, LANES),
        *(psi, Q.columns, room.sums, room.packed, points, width, steps, rank_panels, panels, np.int64(room.set)),
        *(chunk, again),
    )
    sizes = np.int64(Q.rank), np.int64(norb), np.int64(room.slices), rank_panels, panels
    device.launch(name + "overlaps", (Q.rank * norb,), (256,), room.sums, room.overlaps, *sizes, np.float32(dv))
    factors = scaled_product(device, S, room.overlaps, 1.0)
    size = int(rank_steps * panels) * WORDS
    device.launch(name + "pack_factors", (size,), (WORDS,), factors, room.right, sizes[0], width, rank_steps)
    device.launch(
        name + "expand",
        (LANES * room.groups,),
        (LANES,),
        *(psi, Q.rows, room.right, room.blocks, room.zeros, points, width, rank_steps, panels, again),
    )
    Q.spare.append(room)


def spare_or_new(spare: list[Scratch], make: Callable[[], Scratch]) -> Scratch:
    """Scratch that no other thread queues work with; what was queued before is done with it when its turn comes."""
    try:
        return spare.pop()
    except IndexError:
        return make()


def _room(device: Device, Q: Tiles, norb: int, parts: int) -> Room:
    panels, rank_panels = ceiling(2 * norb, BLOCK), ceiling(2 * Q.rank, BLOCK)
    together = min(panels, SET)
    sets = ceiling(panels, together)
    slices = max(1, (8 if sets == 1 else 2) * device.units // sets)
    groups, block = 8 * device.units, BLOCK * BLOCK
    return Room(
        slices,
        together,
        groups,
        device.empty((slices * sets * together * CHUNK[parts] * parts * PAIR,), np.uint16),
        device.empty((slices * rank_panels * panels * block,), np.float32),
        device.empty((panels * ceiling(2 * Q.rank, STEP) * parts * PAIR,), np.uint16),
        device.empty((groups * PANELS[parts] * block,), np.float32),
        device.zeros((block,), np.float32),
        device.empty((Q.rank, norb), np.complex64),
    )


def ceiling(n: int, unit: int) -> int:
    """How many units n takes.

    Examples
    --------
    >>> ceiling(33, 32)
    2
    """
    return -(-n // unit)
