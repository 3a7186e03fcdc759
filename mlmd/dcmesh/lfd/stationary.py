r"""Corrections that make the states of QXMD exactly stationary under a split time step in the dark.

One step is

.. math:: \psi \leftarrow e^{-i\frac{dt}{2}v(t+dt)}\; C_2\, K_2 K_1\, C_1\; e^{-i\frac{dt}{2}v(t)}\,\psi

with two half steps K_1, K_2 of whatever propagates the rest. The unitaries C_1, C_2 are fixed for a whole MD step, by
asking that in the dark every QXMD state s with energy e_s takes exactly the phase exp(-i e_s dt).  With
L = diag exp(-i e_s dt), h = exp(-i v dt/2) and any orthonormal block Z this holds if

.. math:: C_1 (h\psi_0) = K_1^\dagger Z L^{1/2}, \qquad C_2^\dagger (\bar h\psi_0) = K_2 Z L^{-1/2} .

Z is the orthonormalised mean of the two half steps taken from psi_0 forward and backward, so that C_1 and C_2 are
close to one and the step is symmetric in time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .low_rank import LowRank, orthonormalise

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
HalfStep = Callable[[Complex, bool], Complex]  # (psi, adjoint) -> psi, may work in place
Through = Callable[[NDArray[Any], NDArray[Any], float], LowRank]


class States(NamedTuple):
    """QXMD states (nx, ny, nz, n), their energies (n,) in Ha, and the local potential they live in."""

    psi: Complex
    energies: Array
    v: Array


def stationary_pair(
    states: States, dt: float, dv: float, first: HalfStep, second: HalfStep, through: Through
) -> tuple[LowRank, LowRank]:
    """The pair C_1, C_2 of the module's docstring.

    Parameters
    ----------
    states
        What shall be stationary.
    dt, dv
        Time step and volume of a grid point.
    first, second
        K_1 and K_2.
    through
        How to make a unitary that takes one orthonormal block to another: `low_rank.mapping` or `low_rank.rotation`.
    """
    shape, n = states.psi.shape, states.psi.shape[3]
    half_phase = np.exp(-0.5j * dt * states.v)[..., None]
    root = np.exp(-0.5j * dt * states.energies)
    y1, y2 = half_phase * states.psi, half_phase.conj() * states.psi
    middle = first(y1.copy(), False) * root.conj() + second(y2.copy(), True) * root
    z = orthonormalise(middle.reshape(-1, n), dv).reshape(shape)
    x1 = first(np.ascontiguousarray(z * root), True)
    x2 = second(np.ascontiguousarray(z * root.conj()), False)
    y1, x1, y2, x2 = (block.reshape(-1, n) for block in (y1, x1, y2, x2))
    return through(y1, x1, dv), through(y2, x2, dv).adjoint()
