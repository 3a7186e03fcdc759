r"""Forces of moving electrons on the nuclei.

The mean-field (Ehrenfest) force on nucleus I is that of Hellmann and Feynman with the orbitals of this moment,

.. math:: F_I = -\Big\langle\frac{\partial(\hat v_{ion} + \hat v_{nl}(A))}{\partial R_I}\Big\rangle
                - \frac{\partial E_{II}}{\partial R_I} + Z_I\,\mathcal E(t),

with the phases exp(-iA.r/c) in the nonlocal part and the electric field of the light.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.constants import SPEED_OF_LIGHT
from ...laser import Laser
from ..lfd import LFD
from ..qxmd.cell import Ions
from ..qxmd.ground_state import GroundState

Array = NDArray[np.float64]


def mean_field_forces(electrons: LFD, ions: Ions) -> Array:
    """F_I without the light on the ions, (natoms, 3), Ha/bohr; the same bits on all ranks.

    Each rank adds what its bands feel, the first one the rest.

    Parameters
    ----------
    electrons : LFD
        Their orbitals, occupations and light.
    ions : Ions
        Where the nuclei are.
    """
    arrays, light = electrons.arrays, electrons.laser.A(electrons.time) / SPEED_OF_LIGHT
    ranks = electrons.team.ranks
    total = ions.ion_ion[1] + ions.local_forces(electrons.density())
    if ranks.rank > 0:
        total = np.zeros_like(total)
    for k, (psi, f) in enumerate(zip(electrons.psi, electrons.weights, strict=True)):
        momentum = electrons.ground_state.momentum(k) + light
        total = total + ions.projectors.forces(arrays.asnumpy(psi), f, momentum)
    return np.asarray(ranks.sum(total))


def field(laser: Laser, t: float, dt: float) -> Array:
    r"""Electric field (3,) whose kick dt E is what the light gives a unit charge between t - dt/2 and t + dt/2.

    The sum of the kicks is exact for any light; what came before t = 0, such as the step of a delta kick, is in the
    first of them.

    Parameters
    ----------
    laser : Laser
    t, dt : float
        Time of a move of the nuclei and distance of the moves, a.u.

    Examples
    --------
    >>> from mlmd.laser import DeltaKick
    >>> [(2.0 * field(DeltaKick(0.1), t, 2.0)[2]).round(6).tolist() for t in (1.0, 3.0)]
    [-0.1, -0.0]
    """
    before = laser.A(t - 0.5 * dt) if t > 0.5 * dt else np.zeros(3)
    return -(laser.A(t + 0.5 * dt) - before) / (SPEED_OF_LIGHT * dt)


def transition_forces(states: GroundState, i: int, j: int) -> Array:
    """-<i|dH/dR|j>, (natoms, 3), Ha/bohr, of real states at Gamma and the bare potential of the ions.

    Divided by the gap it is the nonadiabatic coupling of the two states with the screening left out: the direction
    along which velocities pay for a hop.

    Parameters
    ----------
    states : GroundState
    i, j : int
        Bands.
    """
    a, b = states.psi[0][..., i], states.psi[0][..., j]
    pair = np.stack([a + b, a - b], axis=3)  # <i|o|j> is a quarter of the difference of the two expectation values
    nonlocal_part = states.ions.projectors.forces(pair, np.array([0.25, -0.25]), None)
    return states.ions.local_forces(a * b) + nonlocal_part
