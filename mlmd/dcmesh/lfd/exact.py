r"""Exact propagation, the judge of the shadow: spectral kinetic energy and the full nonlocal pseudopotential.

The middle of a step (see `stationary`) is

.. math:: C_2\; N(\tfrac{dt}{2})\, e^{-i\,dt\,\frac12(p + k + A/c)^2}\, N(\tfrac{dt}{2})\; C_1,
          \qquad N(\tau) = e^{-i\tau\,\hat v_{nl}(A)} .

The projectors carry the phase exp(-iA.r/c); they are made anew from their Fourier form in each step, and the
exponential of the separable potential is exact. C_1 and C_2 hold nothing but the splitting error of the dark step on
the QXMD states, 1 + O(dt^2), and leave everything orthogonal to these states alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ...kernels.constants import SPEED_OF_LIGHT
from .. import fourier
from ..qxmd.cell import Ions
from ..qxmd.ground_state import GroundState
from .low_rank import LowRank, rotation
from .options import Options
from .share import Share
from .stationary import States, stationary_pair

Array = NDArray[np.float64]
CURRENT_STEP = 1e-3  # momentum step of the central difference of the nonlocal current, 1/bohr


class ExactPropagator:
    """The kinetic and nonlocal middle of the step for one k-point. Arguments as for `ShadowPropagator`."""

    def __init__(self, state: GroundState, k: int, norb: int, dt: float, options: Options) -> None:
        self.grid, self.dt, self.norb = state.grid, dt, norb
        self.projectors = state.ions.projectors
        self.momentum = state.momentum(k)
        self.workers = options.threads
        psi0 = np.ascontiguousarray(state.psi[k], dtype=np.complex128)
        states = States(psi0, state.eigenvalues[k], state.v_loc)
        self.first, self.second = stationary_pair(
            states, dt, self.grid.dv, self._first_half, self._second_half, rotation
        )

    def move(self, ions: Ions) -> None:
        """Take the projectors of ions elsewhere; C_1 and C_2 stay those of the states that they were made of."""
        self.projectors = ions.projectors

    def _offset(self, A: Array) -> Array:
        return self.momentum + np.asarray(A) / SPEED_OF_LIGHT

    def prepare(self, A: Array) -> None:
        """Take the vector potential (steps, 3) of the middles of the steps to come."""
        self._steps = A

    def load(self, step: int) -> tuple[bool, ...]:
        """Make a step the one to be taken next; tells along which axes there is light in it."""
        self._A = self._steps[step]
        return tuple(bool(a) for a in self._A)

    def propagate(self, psi: NDArray[Any], lit: tuple[bool, ...]) -> None:
        """psi <- C_2 N K(dt; A) N C_1 psi, in place."""
        q = self._offset(self._A)
        half = self._nonlocal_exponential(q)
        flat = self._low_rank(self._low_rank(psi, self.first), half)
        moved = self._low_rank(self._kinetic(flat, q, self.dt), half)
        psi[...] = self._low_rank(moved, self.second)

    def _first_half(self, psi: NDArray[Any], adjoint: bool) -> NDArray[Any]:
        """K(dt/2) N in the dark, or its inverse."""
        half = self._nonlocal_exponential(self.momentum)
        if adjoint:
            return self._low_rank(self._kinetic(psi, self.momentum, -0.5 * self.dt), half.adjoint())
        return self._kinetic(self._low_rank(psi, half), self.momentum, 0.5 * self.dt)

    def _second_half(self, psi: NDArray[Any], adjoint: bool) -> NDArray[Any]:
        """N K(dt/2) in the dark, or its inverse."""
        half = self._nonlocal_exponential(self.momentum)
        if adjoint:
            return self._kinetic(self._low_rank(psi, half.adjoint()), self.momentum, -0.5 * self.dt)
        return self._low_rank(self._kinetic(psi, self.momentum, 0.5 * self.dt), half)

    def _low_rank(self, psi: NDArray[Any], c: LowRank) -> NDArray[Any]:
        return c.apply(psi.reshape(self.grid.size, -1), self.grid.dv).reshape(psi.shape)

    def _kinetic(self, psi: NDArray[Any], q: Array, dt: float) -> NDArray[Any]:
        spectrum = fourier.forward(psi, self.workers)
        spectrum *= np.exp(-1j * dt * self.grid.kinetic(q))[..., None]
        return fourier.backward(spectrum, self.grid.shape, real=False, workers=self.workers)

    def _nonlocal_exponential(self, q: Array) -> LowRank:
        """exp(-i dt/2 v_nl) - 1 as Q S Q^H, by diagonalising v_nl in the space of the projectors."""
        p = self.projectors.on_grid(q).reshape(self.grid.size, -1)
        if p.shape[1] == 0:
            return LowRank(p, np.zeros((0, 0), dtype=complex))
        root = scipy.linalg.cholesky(p.conj().T @ p * self.grid.dv)
        basis = scipy.linalg.solve_triangular(root, p.T, trans="T").T
        sigma, vectors = scipy.linalg.eigh(root @ self.projectors.coupling @ root.conj().T)
        factor = np.expm1(-0.5j * self.dt * sigma)
        return LowRank(basis, (vectors * factor) @ vectors.conj().T)

    def observe(self, share: Share, f: Array, weights: Array, A: Array) -> tuple[dict[str, float], Array, Array]:
        """Energy terms (Ha) that depend on psi itself, the current density J (3,), and the density (nx, ny, nz)."""
        psi, q = share.psi, self._offset(A)
        spectrum = fourier.forward(psi.astype(np.complex128))
        weight = np.abs(spectrum) ** 2 @ f * (self.grid.dv / self.grid.size)
        kinetic = float(np.sum(weight * self.grid.kinetic(q)))
        momentum = [float(np.sum(weight * v)) for v in self.grid.velocity(q)]
        nonlocal_current = [self._nonlocal_slope(psi, f, q, axis) for axis in range(3)]
        terms = {"kinetic": kinetic, "nonlocal": self._nonlocal_energy(psi, f, q)}
        density = np.abs(psi.astype(np.complex128)) ** 2 @ f
        return terms, (np.array(momentum) + np.array(nonlocal_current)) / self.grid.volume, density

    def _nonlocal_energy(self, psi: NDArray[Any], f: Array, q: Array) -> float:
        p = self.projectors.on_grid(q).reshape(self.grid.size, -1)
        return float(self.projectors.energies(p, psi) @ f)

    def _nonlocal_slope(self, psi: NDArray[Any], f: Array, q: Array, axis: int) -> float:
        """d<v_nl>/dq along an axis: the commutator i[v_nl, r] of the current."""
        step = np.zeros(3)
        step[axis] = CURRENT_STEP
        up, down = self._nonlocal_energy(psi, f, q + step), self._nonlocal_energy(psi, f, q - step)
        return (up - down) / (2 * CURRENT_STEP)

    def flops(self) -> int:
        """Floating-point operations of `propagate`: transforms, phases, projections and corrections."""
        points, ranks = self.grid.size, [self.projectors.count] * 2 + [c.q.shape[1] for c in (self.first, self.second)]
        transform = 5 * points * np.log2(points)
        return int(self.norb * (2 * transform + 6 * points) + sum(8 * r * self.norb * (2 * points + r) for r in ranks))
