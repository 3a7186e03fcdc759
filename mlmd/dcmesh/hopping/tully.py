"""The three two-state scattering problems that surface hopping is judged by.

J. C. Tully, J. Chem. Phys. 93, 1061 (1990), equations 21, 23 and 24; mass 2000, atomic units.
"""

from __future__ import annotations

import numpy as np

from .surfaces import Array

MASS = 2000.0


def simple_crossing(x: Array) -> tuple[Array, Array]:
    """Model I: one avoided crossing.

    Examples
    --------
    >>> simple_crossing(np.array([[0.0]]))[0].tolist()
    [[[0.0, 0.005], [0.005, -0.0]]]
    """
    A, B, C, D = 0.01, 1.6, 0.005, 1.0
    decay, bell = np.exp(-B * np.abs(x)), C * np.exp(-D * x**2)
    return _matrix(np.sign(x) * A * (1.0 - decay), bell), _slope(A * B * decay, -2.0 * D * x * bell)


def dual_crossing(x: Array) -> tuple[Array, Array]:
    """Model II: two avoided crossings one after the other, whose phases interfere."""
    A, B, E, C, D = 0.1, 0.28, 0.05, 0.015, 0.06
    well, bell = A * np.exp(-B * x**2), C * np.exp(-D * x**2)
    matrix, slope = _matrix(np.zeros_like(x), bell), _slope(np.zeros_like(x), -2.0 * D * x * bell)
    matrix[:, 1, 1] = (E - well)[:, 0]
    slope[:, :, 1, 1] = 2.0 * B * x * well
    return matrix, slope


def extended_coupling(x: Array) -> tuple[Array, Array]:
    """Model III: states that stay coupled beyond where they met, and reflect."""
    A, B, C = 6e-4, 0.1, 0.9
    tail = B * np.exp(-C * np.abs(x))
    return _matrix(np.full_like(x, A), np.where(x < 0.0, tail, 2.0 * B - tail)), _slope(np.zeros_like(x), C * tail)


def _matrix(diagonal: Array, coupling: Array) -> Array:
    """[[d, c], [c, -d]] for each geometry."""
    return np.stack([np.stack([diagonal, coupling], -1), np.stack([coupling, -diagonal], -1)], -1)[:, 0]


def _slope(diagonal: Array, coupling: Array) -> Array:
    return _matrix(diagonal, coupling)[:, None]
