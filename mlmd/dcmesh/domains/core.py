r"""What the moving orbitals of a box do inside its core.

Every observable is a density on the box, weighted with the domain's support p, so that all domains together have it
once. With the operators of QXMD, at the vector potential of the moment,

.. math:: E = \int p \sum_s f_s\,\mathrm{Re}\,\psi_s^* \hat h\,\psi_s, \qquad
          \mathbf j = \int p \sum_s f_s\,\mathrm{Re}\,\psi_s^* \frac{\partial\hat h}{\partial\mathbf A/c}\psi_s, \qquad
          n = \int p \sum_s f_s\,|(1 - P)\psi_s|^2, \qquad \hat h = \hat T + \hat v_{nl} .

P projects on the states of the start that are more than half filled: what is outside of them is excited. That is local,
as it does not ask which of the filled states lost the electron; summed over a whole box of full and empty states it is
LFD's ``n_exc``. What smearing puts there at the start is taken off; such electrons may leave a core, so that boxes with
half-filled states can count a little below 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.constants import SPEED_OF_LIGHT
from .. import fourier
from ..lfd.gauge import MOMENTUM_STEP
from ..qxmd.ground_state import GroundState
from ..qxmd.hamiltonian import Hamiltonian
from ..qxmd.occupations import overlaps
from .partition import Box

Array = NDArray[np.float64]


class InCore(NamedTuple):
    """Excited electrons and energy terms (Ha) of a core; of its box f (nb,) and the largest deviation of a norm."""

    n_exc: float
    energy: dict[str, float]
    f: Array
    norm: float


class Core:
    """The observables of one domain.

    Parameters
    ----------
    box
        Where it lies.
    start
        Its electrons at the start.
    psi, weights
        (nx, ny, nz, n) and (n,): the orbitals that are propagated, at the start, and their electrons.
    """

    def __init__(self, box: Box, start: GroundState, psi: NDArray[Any], weights: Array) -> None:
        self.grid, self.projectors, self.support = box.grid, start.ions.projectors, box.support
        self.weights = weights
        self.states, self.filled = start.psi[0], start.occupations[0] > 1.0
        self._thermal = 0.0
        self._thermal = self.observe(psi, np.zeros(3)).n_exc

    def observe(self, psi: NDArray[Any], A: Array) -> InCore:
        """Observables of orbitals (nx, ny, nz, n) at a vector potential (3,)."""
        h = Hamiltonian(self.grid, self.projectors, A / SPEED_OF_LIGHT)
        inside = overlaps(self.states, psi, self.grid.dv)
        norms = np.real(np.sum(psi.conj() * psi, axis=(0, 1, 2))) * self.grid.dv
        outside = psi - self.states[..., self.filled] @ inside[self.filled]
        return InCore(
            self._weigh(outside, outside / norms) - self._thermal,
            {"kinetic": self._weigh(psi, h.kinetic(psi)), "nonlocal": self._weigh(psi, h.nonlocal_part(psi))},
            np.abs(inside) ** 2 @ (self.weights / norms),
            float(np.abs(norms - 1).max()),
        )

    def current(self, psi: NDArray[Any], A: Array) -> Array:
        """Integral of the particle current over the core, (3,)."""
        q, spectrum = A / SPEED_OF_LIGHT, fourier.forward(psi)
        velocities = [
            fourier.backward(v[..., None] * spectrum, self.grid.shape, real=False) for v in self.grid.velocity(q)
        ]
        return np.array(
            [self._weigh(psi, v + self._nonlocal_velocity(psi, q, axis)) for axis, v in enumerate(velocities)]
        )

    def _nonlocal_velocity(self, psi: NDArray[Any], q: Array, axis: int) -> Any:
        """dv_nl/dq psi along an axis."""
        if not self.projectors.count:
            return 0.0
        step = np.zeros(3)
        step[axis] = MOMENTUM_STEP
        up, down = (
            self.projectors.apply(self.projectors.on_grid(at).reshape(self.grid.size, -1), psi)
            for at in (q + step, q - step)
        )
        return (up - down) / (2 * MOMENTUM_STEP)

    def _weigh(self, left: NDArray[Any], right: NDArray[Any]) -> float:
        """Integral of p Re sum_s f_s left_s^* right_s."""
        each = self.support.ravel() @ np.real(left.conj() * right).reshape(self.grid.size, -1)
        return float(each @ self.weights) * self.grid.dv
