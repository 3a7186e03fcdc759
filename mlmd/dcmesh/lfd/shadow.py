r"""Shadow propagation: finite differences with a low-rank correction that makes them exact on the QXMD states.

The middle of a step (see `stationary`) is C_2 K(dt; A) C_1 with the split 3-point kinetic propagator K. The unitaries
C = 1 + Q S Q^H hold everything that the fast grid lacks: the difference of spectral and 3-point kinetic energy, the
nonlocal pseudopotential, and the splitting error of the step. As dt -> 0, C tends to exp(-i (dt/2) V_c) with

.. math:: V_c = W M^{-1} W^\dagger, \qquad W = (H - h_{loc})\,\psi_0, \qquad M = \psi_0^\dagger W ,

the low-rank operator that reproduces H on every QXMD state. Under light the correction follows A to first order (see
`gauge`): K_2 U(A) K_1 stands for K = K_2 K_1.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ...kernels import KinProp
from ...kernels.constants import SPEED_OF_LIGHT
from ...kernels.forms import hermitian_form
from ..qxmd.ground_state import GroundState
from .gauge import VelocityCorrection, diamagnetic_difference
from .low_rank import LowRank, mapping
from .options import Options
from .share import Share
from .stationary import States, stationary_pair

Array = NDArray[np.float64]
LARGEST_PHASE = np.pi / 2  # of the correction; beyond it M is nearly singular at this dt


class ShadowPropagator:
    """The kinetic and corrective middle of the step, C_2 K C_1, for one k-point.

    Parameters
    ----------
    state
        Ground state: psi_0, eigenvalues, v_loc.
    k
        Index of the k-point.
    share
        The orbitals that are propagated, or others like them: it makes the plans.
    dt
        Time step.
    scissor
        Energy that is added to the empty states, Ha.
    """

    def __init__(
        self, state: GroundState, k: int, share: Share, dt: float, scissor: float = 0.0
    ) -> None:
        self.grid, self.dt, self.arrays, self.norb = state.grid, dt, share.arrays, share.norb
        self.momentum = state.momentum(k)
        psi0 = np.ascontiguousarray(state.psi[k], dtype=np.complex128)
        energies = state.eigenvalues[k] + scissor * (state.occupations[k] < 1.0)
        self.kinetic, self.bonds = share.kinetic(dt), share.current()
        corrections = self._corrections(States(psi0, energies, state.v_loc), share.options)
        self.first, self.second = (share.low_rank(c, share.options.levels["nonlocal"]) for c in corrections)
        self.diamagnetic = diamagnetic_difference(state, k, np.ascontiguousarray(psi0[..., share.bands]))
        self.velocity = [VelocityCorrection(state, k, psi0, axis, share, dt) for axis in range(3)]
        w, m_inverse = energy_correction(state, k, psi0, energies)
        self._projection, self._m_inverse = share.projection(w), self.arrays.asarray(m_inverse)
        self._row = self.arrays.zeros((6,), np.float64)  # of the step that is taken: phases of the bonds, A/c
        self._bonds, self._light = self._row[:3], [self._row[3 + axis : 4 + axis] for axis in range(3)]

    def _offset(self, A: Array) -> tuple[float, float, float]:
        """A plus the k-point's momentum as a vector potential."""
        x, y, z = (float(a) for a in A + SPEED_OF_LIGHT * self.momentum)
        return x, y, z

    def _corrections(self, states: States, options: Options) -> tuple[LowRank, LowRank]:
        plan = KinProp(
            self.grid.shape,
            states.psi.shape[3],
            self.grid.spacing,
            self.dt,
            np.complex128,
            options.host,
            threads=options.threads,
        )
        dark = self._offset(np.zeros(3))

        def first(psi: NDArray[Any], adjoint: bool) -> NDArray[Any]:
            return plan.first_half(psi, A=dark, adjoint=adjoint)

        def second(psi: NDArray[Any], adjoint: bool) -> NDArray[Any]:
            return plan.second_half(psi, A=dark, adjoint=adjoint)

        pair = stationary_pair(states, self.dt, self.grid.dv, first, second, mapping)
        if pair[0].largest_phase() > LARGEST_PHASE:
            warnings.warn(
                f"the shadow's correction turns some states by {pair[0].largest_phase():.1f} rad in half a step of "
                f"dt = {self.dt:g} a.u.: take a smaller dt or other extra_bands",
                stacklevel=5,
            )
        return pair

    def prepare(self, A: Array) -> None:
        """Take the vector potential (steps, 3) of the middles of the steps to come."""
        self._lit = A != 0.0
        rows = [[*self.kinetic.peierls(self._offset(a)), *(a / SPEED_OF_LIGHT)] for a in A]
        self._table = self.arrays.asarray(np.array(rows))

    def load(self, step: int) -> tuple[bool, ...]:
        """Make a step the one to be taken next; tells along which axes there is light in it."""
        self.arrays.copy(self._row, self._table[step])
        return tuple(bool(lit) for lit in self._lit[step])

    def propagate(self, psi: Any, lit: tuple[bool, ...]) -> None:
        """psi <- C_2 K_2 U(A) K_1 C_1 psi, in place; U = 1 in the dark."""
        self.first(psi)
        if any(lit):
            self.kinetic.first_half(psi, bonds=self._bonds)
            self._follow_light(psi, lit)
            self.kinetic.second_half(psi, bonds=self._bonds)
        else:
            self.kinetic(psi, bonds=self._bonds)
        self.second(psi)

    def _follow_light(self, psi: Any, lit: tuple[bool, ...]) -> None:
        """U(A): symmetric product of exp(-i dt (A_x/c) V_x) and its like."""
        *outer, last = [axis for axis in range(3) if lit[axis]]
        for axis in outer:
            self.velocity[axis].propagate(psi, self._light[axis], 0.5)
        self.velocity[last].propagate(psi, self._light[last], 1.0)
        for axis in reversed(outer):
            self.velocity[axis].propagate(psi, self._light[axis], 0.5)

    def observe(self, share: Share, f: Any, weights: Array, A: Array) -> tuple[dict[str, float], Array, Any]:
        """Energy terms (Ha) that depend on psi itself, the current density J (3,), and the share's density.

        The occupations come twice, as an array of the backend and as one of the host.
        """
        density = self.arrays.empty(share.shape, np.float64)
        measure = share.measure(self.bonds, f, self._offset(A), density)
        form = hermitian_form(self.arrays, self._projection(share.psi), self._m_inverse)
        correction = float(self.arrays.asnumpy(form) @ weights)
        velocity = np.array([v.expectation(share.psi, f) for v in self.velocity])
        a, n = np.asarray(A) / SPEED_OF_LIGHT, np.einsum("s,sab->ab", weights, self.diamagnetic)
        followed = correction + float(velocity @ a + 0.5 * a @ n @ a)
        terms = {"kinetic": float(measure.kinetic_energy), "correction": followed}
        return terms, np.asarray(measure.J) + (velocity + n @ a) / self.grid.volume, density

    def numbers_observed(self) -> int:
        """Numbers that come from a device for `observe`: four complex sums, one for each orbital and velocity mode."""
        return 8 + self.norb + sum(len(v.sigma) for v in self.velocity)

    def flops(self) -> int:
        """Floating-point operations of `propagate` under light along one axis."""
        light = max(v.flops() for v in self.velocity)
        return self.kinetic.flops() + self.first.flops() + self.second.flops() + light


def energy_correction(
    state: GroundState, k: int, psi0: NDArray[np.complex128], energies: Array
) -> tuple[NDArray[Any], NDArray[Any]]:
    """W = (H - h_loc) psi_0 as (ngrid, n), and the pseudo-inverse of M = psi_0^H W dv."""
    grid = state.grid
    flat = psi0.reshape(grid.size, -1)
    local = finite_difference_kinetic(psi0, grid.spacing, state.momentum(k)) + state.v_loc[..., None] * psi0
    w = flat * energies - local.reshape(flat.shape)
    m = flat.conj().T @ w * grid.dv
    return w, np.asarray(scipy.linalg.pinvh(0.5 * (m + m.conj().T), rtol=1e-10))


def finite_difference_kinetic(
    psi: NDArray[np.complex128], spacing: tuple[float, float, float], momentum: Array
) -> NDArray[np.complex128]:
    """3-point kinetic energy (1/2)(p + k)^2 psi on the periodic grid."""
    result = np.zeros_like(psi)
    for axis, (h, k) in enumerate(zip(spacing, momentum, strict=True)):
        phase = np.exp(1j * k * h)
        hop = phase * np.roll(psi, -1, axis) + np.conj(phase) * np.roll(psi, 1, axis)
        result += (psi - 0.5 * hop) / h**2
    return result
