"""Nonlocal propagator on a device: the library's matrix products, on bf16 parts or whole numbers; or the bf16 units of
a processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...backends import Device
from ...backends.device import combine
from ..bf16 import products
from . import nlp_dots, nlp_tasks, nlp_tiles
from .nlp_middle import scaled_product
from .nlp_pack import Columns, split

POINTS = 16384  # in a chunk


def nlp_prop(
    device: Device,
    psi: Any,
    Q: Columns | nlp_tiles.Tiles | nlp_dots.Dots,
    S: Any,
    dv: float,
    parts: int,
    threads: int,
) -> None:
    """Raw kernel; arguments as in `mlmd.kernels.nlp_prop.reference`, Q from the raw ``nlp_pack``, S on the device."""
    if isinstance(Q, nlp_tiles.Tiles):
        nlp_tiles.propagate(device, psi, Q, S, dv, parts)
        return
    if isinstance(Q, nlp_dots.Dots):
        nlp_dots.propagate(device, psi, Q, S, dv, parts)
        return
    if not parts and nlp_tasks.suits(device, psi, Q.right[0]):
        nlp_tasks.propagate(device, psi, Q.right[0], S, dv)
        return
    factors = scaled_product(device, S, project(device, Q, psi, parts), dv)
    if parts:
        _expand_in_parts(device, Q, split(device, factors, parts), psi)
    elif psi.dtype == factors.dtype:
        device.gemm(Q.right[0], factors, psi, beta=1.0)
    else:
        _expand_wide(device, Q.right[0], factors, psi)


def project(device: Device, Q: Columns, psi: Any, parts: int) -> Any:
    """Q^H psi in the type of Q: of whole numbers of that type in one product, else chunk by chunk."""
    shape, kind = (Q.right.shape[2], psi.shape[1]), Q.right.dtype
    sums = device.empty(shape, kind)
    if parts == 0 and psi.dtype == kind:
        device.gemm(Q.left[0], psi, sums, form=Q.form)
        return sums
    product, first = device.empty(shape, kind), True
    room = device.empty((parts or 1, min(psi.shape[0], POINTS), shape[1]), kind)
    for begin, end in chunks(psi.shape[0]):
        waves = room.reshape(-1)[: (parts or 1) * (end - begin) * shape[1]].reshape(parts or 1, end - begin, shape[1])
        if parts:
            split(device, psi[begin:end], parts, waves)
        else:
            combine(device, waves, psi[begin:end])
        for i, j in products(parts or 1):
            left = Q.left[i, begin:end]
            device.gemm(left, waves[j], sums if first else product, form=Q.form, fast="bf16" if parts else None)
            if not first:
                combine(device, sums, product, beta=1.0)
            first = False
    return sums


def chunks(points: int) -> Iterator[tuple[int, int]]:
    """Ranges of points that are worked on at once, so that scratch memory stays small."""
    return ((begin, min(begin + POINTS, points)) for begin in range(0, points, POINTS))


def _expand_in_parts(device: Device, Q: Columns, factors: Any, psi: Any) -> None:
    for i, j in products(factors.shape[0]):
        device.gemm(Q.right[i], factors[j], psi, beta=1.0, fast="bf16")


def _expand_wide(device: Device, Q: Any, factors: Any, psi: Any) -> None:
    """psi += Q factors, psi in single precision and Q in double."""
    room = device.empty((min(psi.shape[0], POINTS), psi.shape[1]), factors.dtype)
    for begin, end in chunks(psi.shape[0]):
        product = room[: end - begin]
        device.gemm(Q[begin:end], factors, product)
        combine(device, psi[begin:end], product, beta=1.0)
