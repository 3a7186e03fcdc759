"""Hops between states, paid for by the velocities of the nuclei."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .surfaces import Array

FRUSTRATED = ("keep", "reverse")


def chosen(chances: Array, active: NDArray[np.intp], random: Array) -> NDArray[np.intp]:
    """The state that each trajectory wants next: its own, or the one that its random number falls on.

    Parameters
    ----------
    chances : (trajectories, states) float64
        Of a hop to each state.
    active : (trajectories,) int
    random : (trajectories,) float64
        Between 0 and 1.

    Returns
    -------
    (trajectories,) int

    Examples
    --------
    >>> chosen(np.array([[0.0, 0.1, 0.2]] * 3), np.array([0, 0, 0]), np.array([0.05, 0.25, 0.7])).tolist()
    [1, 2, 0]
    """
    reached = np.cumsum(chances, axis=1)
    wanted = np.sum(random[:, None] >= reached, axis=1)
    return np.where(wanted < chances.shape[1], wanted, active)


def paid(v: Array, direction: Array, mass: Array, cost: Array, frustrated: str) -> tuple[Array, NDArray[np.bool_]]:
    """Velocities after hops of given costs, changed along a direction, and which of the hops happen.

    Along p = direction / mass the velocities v - g p conserve the energy if g^2 p.M.p / 2 - g v.M.p + cost = 0; of its
    two roots the smaller change is taken.  Where there is none the hop is frustrated: it does not happen, and the
    velocity along p stays (``"keep"``) or turns round (``"reverse"``).

    Parameters
    ----------
    v : (hops, coordinates) float64
    direction : (hops, coordinates) float64
        Couplings between the two states, of any length; or the momenta, to scale all velocities alike.
    mass : (coordinates,) float64
    cost : (hops,) float64
        Energy that the electrons take, hartree.
    frustrated : str
        ``"keep"`` or ``"reverse"``.

    Returns
    -------
    v : (hops, coordinates) float64
    happened : (hops,) bool

    Examples
    --------
    >>> v, happened = paid(np.array([[2.0], [2.0]]), np.ones((2, 1)), np.ones(1), np.array([1.5, 2.5]), "reverse")
    >>> v.tolist(), happened.tolist()
    ([[1.0], [-2.0]], [True, False])
    """
    p = direction / mass
    a, b = 0.5 * np.sum(mass * p * p, axis=1), np.sum(mass * v * p, axis=1)
    left = b * b - 4.0 * a * cost
    happened = (left >= 0.0) & (a > 0.0)
    root = np.where(b < 0.0, -1.0, 1.0) * np.sqrt(np.maximum(left, 0.0))
    twice = np.where(a > 0.0, 2.0 * a, 1.0)
    change = np.where(happened, (b - root) / twice, 2.0 * b / twice if frustrated == "reverse" else 0.0)
    return v - change[:, None] * p, happened
