"""Nonlocal propagator in bf16 parts by a processor's dot products; see ``csrc/sycl/nlp_dot.h``."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...backends import Device
from ...backends.device import items
from .nlp_middle import scaled_product
from .nlp_tiles import BLOCK, CHUNK, LANES, PAIR, PANELS, STEP, ceiling, spare_or_new

PACK_TILES = 16  # columns of tiles of psi that are packed at once


class Dots(NamedTuple):
    """Q as both left factors, in one array.

    Attributes
    ----------
    packed : array of uint16
        Chunks of points along them, then panels of points along its columns.
    points, rank : int
        Its shape.
    spare : list
        Scratch memory that no call has.
    """

    packed: Any
    points: int
    rank: int
    spare: list[Any]


class Room(NamedTuple):
    """Memory of a call: sums, recent sums and packed psi of slices, packed factors, blocks of groups, overlaps."""

    slices: int
    groups: int
    sums: Any
    recent: Any
    packed: Any
    right: Any
    blocks: Any
    overlaps: Any


def pack(device: Device, Q: Any, parts: int) -> Dots:
    """Q (points, rank) complex64 in panels of tiles."""
    points, rank = Q.shape
    sizes, pair = (np.int64(points), np.int64(rank)), parts * PAIR
    columns = ceiling(points, STEP) * ceiling(2 * rank, BLOCK) * pair
    rows = ceiling(points, BLOCK) * ceiling(2 * rank, STEP) * pair
    packed = device.empty((columns + rows,), np.uint16)
    name = f"nlp_dotx{parts}:pack_"
    device.launch(name + "columns", (ceiling(points, CHUNK[parts] * STEP),), (1,), Q, packed, *sizes)
    device.launch(name + "rows", (ceiling(points, BLOCK),), (1,), Q, packed, *sizes)
    return Dots(packed, points, rank, [])


def propagate(device: Device, psi: Any, Q: Dots, S: Any, dv: float, parts: int) -> None:
    """psi += Q S (Q^H psi) dv."""
    name, norb = f"nlp_dotx{parts}:", psi.shape[1]
    room = spare_or_new(Q.spare, lambda: _room(device, Q, norb, parts))
    points, orbitals, rank = (np.int64(k) for k in (Q.points, norb, Q.rank))
    slices, groups = np.int64(room.slices), np.int64(room.groups)
    device.launch(
        name + "project",
        (room.slices,),
        (1,),
        *(psi, Q.packed, room.sums, room.recent, room.packed, points, orbitals, rank, slices),
    )
    each = items(device, Q.rank * norb)
    device.launch(name + "overlaps", *each, room.sums, room.overlaps, rank, orbitals, slices, np.float32(dv))
    factors = scaled_product(device, S, room.overlaps, 1.0)
    rows = ceiling(2 * Q.rank, STEP) * LANES
    device.launch(name + "pack_factors", (rows,), (1,), factors, room.right, rank, orbitals)
    device.launch(
        name + "expand",
        (room.groups,),
        (1,),
        *(psi, Q.packed, room.right, room.blocks, points, orbitals, rank, groups),
    )
    Q.spare.append(room)


def _room(device: Device, Q: Dots, norb: int, parts: int) -> Room:
    panels, rank_panels, block = ceiling(2 * norb, BLOCK), ceiling(2 * Q.rank, BLOCK), BLOCK * BLOCK
    slices = min((8 if panels <= PACK_TILES else 2) * device.units, ceiling(Q.points, CHUNK[parts] * STEP))
    groups = 8 * device.units
    sums = slices * panels * rank_panels * block
    stretch = CHUNK[parts] * STEP * min(PACK_TILES * LANES, panels * BLOCK) * parts
    return Room(
        slices,
        groups,
        device.empty((sums,), np.float32),
        device.empty((sums,), np.float32),
        device.empty((slices * 2 * stretch,), np.uint16),
        device.empty((panels * ceiling(2 * Q.rank, STEP) * parts * PAIR,), np.uint16),
        device.empty((groups * PANELS[parts] * block,), np.float32),
        device.empty((Q.rank, norb), np.complex64),
    )
