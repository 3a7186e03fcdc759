"""Middle matrix of the nonlocal propagator for a Sigma that is diagonal, made on the device."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Device
from ...backends.device import items


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
