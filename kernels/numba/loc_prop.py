"""Local propagator: the phase of a grid point times its orbitals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .threads import team


@njit(parallel=True, cache=True)
def _turn(rows: NDArray[Any], v: NDArray[np.float64], dt: float) -> None:
    for p in prange(rows.shape[0]):
        phase = complex(math.cos(dt * v[p]), -math.sin(dt * v[p]))
        for s in range(rows.shape[1]):
            rows[p, s] = phase * rows[p, s]


def loc_prop(psi: NDArray[Any], v: NDArray[np.float64], dt: float, threads: int) -> None:
    """Raw kernel; arguments as in ``mlmd.kernels.loc_prop.reference``."""
    with team(threads):
        _turn(psi.reshape(-1, psi.shape[-1]), v.reshape(-1), dt)
