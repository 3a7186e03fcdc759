"""Multigrid with compiled sweeps."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from ..multigrid import Field, Levels, solve
from .threads import team


@njit(parallel=True, cache=True)
def _relax(v: Field, rhs: Field, h: Field, periodic: NDArray[np.int32], keep: float, weight: float, out: Field) -> None:
    nx, ny, nz = v.shape
    ax, ay, az = 1.0 / h[0] ** 2, 1.0 / h[1] ** 2, 1.0 / h[2] ** 2
    for ix in prange(nx):
        left, right = (ix - 1) % nx, (ix + 1) % nx
        has_left, has_right = ix > 0 or periodic[0] != 0, ix + 1 < nx or periodic[0] != 0
        for iy in range(ny):
            down, up = (iy - 1) % ny, (iy + 1) % ny
            has_down, has_up = iy > 0 or periodic[1] != 0, iy + 1 < ny or periodic[1] != 0
            for iz in range(nz):
                here = v[ix, iy, iz]
                x = (v[left, iy, iz] if has_left else 0.0) + (v[right, iy, iz] if has_right else 0.0)
                y = (v[ix, down, iz] if has_down else 0.0) + (v[ix, up, iz] if has_up else 0.0)
                z = v[ix, iy, iz - 1] if iz > 0 or periodic[2] != 0 else 0.0
                if iz + 1 < nz:
                    z += v[ix, iy, iz + 1]
                elif periodic[2] != 0:
                    z += v[ix, iy, 0]
                laplacian = ax * (x - 2.0 * here) + ay * (y - 2.0 * here) + az * (z - 2.0 * here)
                out[ix, iy, iz] = keep * here + weight * (laplacian + rhs[ix, iy, iz])


def relax(
    v: Field, rhs: Field, h: Field, periodic: NDArray[np.int32], keep: float, weight: float, threads: int
) -> Field:
    """A new array keep v + weight (laplacian v + rhs)."""
    out = np.empty_like(v)
    with team(threads):
        _relax(np.ascontiguousarray(v), np.ascontiguousarray(rhs), h, periodic, keep, weight, out)
    return out


def multigrid(v: Field, rhs: Field, levels: Levels, tol: float, max_cycles: int, threads: int) -> tuple[int, float]:
    """Raw kernel; arguments and result as in ``mlmd.kernels.multigrid.reference``."""
    return solve(relax, v, rhs, levels, tol, max_cycles, threads)
