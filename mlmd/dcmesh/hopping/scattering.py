"""Scattering of a swarm on a model of one coordinate: how much is transmitted and reflected, on which state."""

from __future__ import annotations

import numpy as np

from .surfaces import Array, Diabatic, adiabatic
from .trajectories import Hopping, Trajectories

LONGEST = 1_000_000  # steps


def scatter(
    model: Diabatic,
    momentum: float,
    mass: float,
    trajectories: int = 2000,
    start: float = -10.0,
    step: float = 0.02,
    rules: Hopping | None = None,
    seed: int = 0,
) -> Array:
    """Probabilities of what a particle from the left on the lower state becomes.

    Parameters
    ----------
    model : Diabatic
        Of one coordinate and two states.
    momentum, mass : float
        Atomic units.
    trajectories : int
    start : float
        Where it comes from, below zero; it is done as far away as that on either side.
    step : float
        Way of the particle in a time step at its first velocity, bohr.
    rules : Hopping, optional
        By default without decoherence, as Tully's.
    seed : int

    Returns
    -------
    (2, states) float64
        Of being transmitted, and of being reflected, on each state.

    Raises
    ------
    RuntimeError
        If a trajectory is still there after a million steps.

    Examples
    --------
    >>> from mlmd.dcmesh.hopping.tully import MASS, simple_crossing
    >>> found = scatter(simple_crossing, 4.0, MASS, trajectories=20)  # too slow for the barrier
    >>> found[1, 0] + found[0, 0] == 1.0
    np.True_
    """
    x = np.full((trajectories, 1), start)
    v = np.full((trajectories, 1), momentum / mass)
    rules = rules or Hopping(decoherence=None)
    swarm = Trajectories(
        lambda x, before: adiabatic(model, x, before), x, v, np.array([mass]), active=0, rules=rules, seed=seed
    )
    counts = np.zeros((2, swarm.c.shape[1]))
    dt = step * mass / momentum
    for _ in range(LONGEST):
        swarm.advance(dt)
        out = (np.abs(swarm.x[:, 0]) > abs(start)) & (swarm.x[:, 0] * swarm.v[:, 0] > 0.0)
        np.add.at(counts, ((swarm.x[out, 0] < 0.0).astype(int), swarm.active[out]), 1.0)
        swarm.leave(out)
        if not len(swarm.x):
            return counts / trajectories
    raise RuntimeError(f"{len(swarm.x)} of {trajectories} trajectories are still in the model after {LONGEST} steps")
