"""Packing of the columns Q of the nonlocal propagator: once for many calls, for bf16 modes and for devices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bf16 import split


def reference(Q: NDArray[np.complex64], parts: int, threads: int) -> NDArray[np.complex64]:
    """Raw kernel: Q in the form in which the raw nlp_prop of the same backend takes it, given as many parts; a copy.

    Parameters
    ----------
    Q : (points, rank) complex64
    parts : int
        bf16 numbers for each real one, 1 to 3; devices also take 0, and then any complex Q.
    threads : int
        Not used here.

    Returns
    -------
    ndarray, (parts, points, rank), complex64
        Here; other backends have forms of their own.
    """
    return split(Q, parts)
