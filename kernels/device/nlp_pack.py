"""The columns Q of the nonlocal propagator as a device multiplies by them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...backends import Device
from ...backends.device import items
from . import nlp_dots, nlp_tiles


class Columns(NamedTuple):
    """Q, in bf16 parts or whole, on both sides of a product.

    Attributes
    ----------
    right : (parts or 1, points, rank) complex
        For Q F.
    left : (parts or 1, points, rank) complex
        For Q^H psi, as `Device.adjoint` gave it.
    form : str
        And how it is to be taken.
    """

    right: Any
    left: Any
    form: str


def nlp_pack(device: Device, Q: Any, parts: int, threads: int) -> Columns | nlp_tiles.Tiles | nlp_dots.Dots:
    """Raw kernel; arguments as in `mlmd.kernels.nlp_pack.reference`, parts may be 0."""
    if parts and device.amx:
        return nlp_tiles.pack(device, Q, parts)
    if parts and device.dots:
        return nlp_dots.pack(device, Q, parts)
    if parts:
        right = split(device, Q, parts)
    else:
        right = device.empty((1, *Q.shape), Q.dtype)
        device.copy(right, Q)
    return Columns(right, *device.adjoint(right))


def split(device: Device, x: Any, parts: int, room: Any = None) -> Any:
    """bf16 parts of complex64 numbers, (parts, *x.shape), in ``room`` or in a new array."""
    to = device.empty((parts, *x.shape), x.dtype) if room is None else room
    size = 2 * int(x.size)
    device.launch("nlp_prop:split", *items(device, size), x, to, np.int64(size), np.int32(parts))
    return to
