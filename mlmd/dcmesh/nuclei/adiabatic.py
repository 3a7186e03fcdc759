r"""Adiabatic states of QXMD along a trajectory, and the electrons that occupy them.

Between two moves of the nuclei a time dt apart the time-derivative couplings are those of S. Hammes-Schiffer and
J. C. Tully, J. Chem. Phys. 101, 4657 (1994), in the middle of the move:

.. math:: T_{ij} = \Big\langle i\Big|\frac{\partial j}{\partial t}\Big\rangle
          \approx \frac{\langle i(t)|j(t+dt)\rangle - \langle i(t+dt)|j(t)\rangle}{2\,dt} .

States keep their number and sign from move to move by their overlap, whatever the order of their energies becomes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..qxmd import GroundState, follow
from ..qxmd.cell import Ions
from ..qxmd.occupations import overlaps, successors

Array = NDArray[np.float64]


def occupied(active: NDArray[np.intp], bands: int) -> Array:
    """Occupations (1, bands) by electrons on the states ``active``."""
    return np.bincount(active, minlength=bands).astype(float)[None, :]


def followed(states: GroundState, ions: Ions, occupations: Array) -> GroundState:
    """The states for ions that moved, or electrons that hopped: each one in its column, with its sign.

    Parameters
    ----------
    states : GroundState
        At Gamma, of real orbitals.
    ions : Ions
    occupations : (1, bands) float64
        Of these states.

    Raises
    ------
    ConvergenceError
        See `mlmd.dcmesh.qxmd.follow`.
    """
    found = follow(states, ions, occupations)
    overlap = overlaps(states.psi[0], found.psi[0], ions.grid.dv)
    order = successors(overlap)
    signs = np.where(overlap[np.arange(len(order)), order] < 0.0, -1.0, 1.0)
    psi = np.ascontiguousarray(found.psi[0][..., order] * signs)
    return replace(found, psi=[psi], eigenvalues=found.eigenvalues[:, order], occupations=found.occupations[:, order])


def couplings(before: GroundState, after: GroundState, dt: float) -> Array:
    """T (bands, bands) of the module's docstring, antisymmetric.

    Examples
    --------
    Two states that turn into each other with the angular velocity 0.1:

    >>> from types import SimpleNamespace
    >>> angle, plane = 0.1, np.eye(2).reshape(2, 1, 1, 2)
    >>> turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    >>> grid = SimpleNamespace(dv=1.0)
    >>> before, after = (SimpleNamespace(psi=[p], grid=grid) for p in (plane, plane @ turn))
    >>> couplings(before, after, 1.0).round(4).tolist()
    [[0.0, -0.0998], [0.0998, 0.0]]
    """
    overlap = overlaps(before.psi[0], after.psi[0], before.grid.dv)
    return np.asarray((overlap - overlap.T) / (2.0 * dt))
