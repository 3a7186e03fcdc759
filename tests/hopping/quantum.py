"""Exact transmission and reflection of a two-state model: the Schrodinger equation with open ends at one energy."""

from __future__ import annotations

import numpy as np
from scipy.sparse import block_diag, diags, kron
from scipy.sparse.linalg import spsolve

from mlmd.dcmesh.hopping import Diabatic

Array = np.ndarray


def channels(matrix: Array, energy: float, mass: float, dx: float) -> tuple[Array, Array, Array]:
    """States (columns) at one end, the factor exp(i k dx) of their outgoing waves on the grid, and their velocities."""
    levels, states = np.linalg.eigh(matrix)
    turn = (1.0 - mass * dx**2 * (energy - levels)).astype(complex)  # cos(k dx) of the 3-point Laplacian
    factor = turn + 1j * np.sqrt(1.0 - turn**2)
    opened = np.abs(turn) < 1.0
    factor = np.where(opened | (np.abs(factor) < 1.0), factor, 1.0 / factor)  # closed channels fade
    return states, factor, np.where(opened, factor.imag, 0.0)


def scattered(model: Diabatic, momentum: float, mass: float, reach: float = 10.0, dx: float = 0.002) -> Array:
    """(2, states): probabilities of being transmitted and reflected, for a wave from the left on the lower state.

    On the grid (H - E) psi = 0; beyond its ends the waves go on as the channels there, which closes the equations.
    """
    x = np.linspace(-reach, reach, round(2 * reach / dx) + 1)
    dx, hop = x[1] - x[0], -1.0 / (2 * mass * (x[1] - x[0]) ** 2)
    matrix = model(x[:, None])[0]
    energy = np.linalg.eigvalsh(matrix[0])[0] + momentum**2 / (2 * mass)
    (left, into, v_left), (right, out, v_right) = (channels(matrix[end], energy, mass, dx) for end in (0, -1))
    inside = matrix - (energy + 2 * hop) * np.eye(2)
    inside = inside.astype(complex)
    inside[0] += hop * (left * into) @ left.T
    inside[-1] += hop * (right * out) @ right.T
    neighbours = diags([1.0, 1.0], [-1, 1], shape=(len(x), len(x)))
    h = block_diag(list(inside), format="csc") + hop * kron(neighbours, np.eye(2), format="csc")
    source = np.zeros((len(x), 2), complex)
    source[0] = hop * left[:, 0] * (into[0] - 1.0 / into[0])  # the wave that comes in has 1 at x[0]
    psi = spsolve(h, source.ravel()).reshape(-1, 2)
    reflected = left.T @ (psi[0] - left[:, 0])
    transmitted = right.T @ psi[-1]
    return np.array([np.abs(transmitted) ** 2 * v_right, np.abs(reflected) ** 2 * v_left]) / v_left[0]
