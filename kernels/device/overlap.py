"""Overlaps of two sets of wave functions on a device: products of chunks of points, summed in double precision."""

from __future__ import annotations

from typing import Any

from ...backends import Device
from ...backends.device import combine
from . import nlp_prop


def overlap(device: Device, psi0: Any, psi: Any, dv: float, out: Any, threads: int) -> None:
    """Raw kernel; arguments as in `mlmd.kernels.overlap.reference`."""
    kind, points = psi0.dtype, min(psi.shape[0], nlp_prop.POINTS)
    product = device.empty(out.shape, kind)
    room = device.empty((points, psi0.shape[1]), kind)
    wide = None if psi.dtype == kind else device.empty((points, psi.shape[1]), kind)
    for begin, end in nlp_prop.chunks(psi.shape[0]):
        left, form = device.adjoint(psi0[begin:end], room[: end - begin])
        right = psi[begin:end]
        if wide is not None:
            right = wide[: end - begin]
            combine(device, right, psi[begin:end])
        device.gemm(left, right, product, form=form)
        combine(device, out, product, dv, beta=float(begin > 0))
