"""Middle matrix S of the nonlocal propagator on a device: made for a diagonal Sigma, and applied to overlaps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Device
from ...backends.device import combine, items


def nlp_middle(device: Device, S: Any, sigma: Any, a: Any, factor: float) -> None:
    """S = diag(exp(-i factor a sigma) - 1).

    Parameters
    ----------
    device : Device
    S : (rank, rank) complex128
        Overwritten.
    sigma : (rank,) float64
    a : float64
        An array of the device of which the first number is used: give a view of another one.
    factor : float
    """
    rank = sigma.shape[0]
    size = items(device, rank * rank)
    device.launch("nlp_prop:diagonal_phases", *size, S, sigma, a, np.float64(factor), np.int64(rank))


def scaled_product(device: Device, S: Any, overlaps: Any, dv: float) -> Any:
    """dv S overlaps, in the type of the overlaps."""
    factor = device.empty(S.shape, overlaps.dtype)
    combine(device, factor, S, dv)
    result = device.empty(overlaps.shape, overlaps.dtype)
    device.gemm(factor, overlaps, result)
    return result
