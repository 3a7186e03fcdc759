r"""Exact propagation, the judge of the shadow: spectral kinetic energy and the full nonlocal pseudopotential.

.. math:: \psi \leftarrow N(\tfrac{dt}{2})\, e^{-i\,dt\,\frac12(p + k + A/c)^2}\, N(\tfrac{dt}{2})\,\psi,
          \qquad N(\tau) = e^{-i\tau\,\hat v_{nl}(A)}

between the two halves of the local phase. The projectors carry the phase exp(-iA.r/c); they are made anew from their
Fourier form in each step, and the exponential of the separable potential is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ...kernels.constants import SPEED_OF_LIGHT
from .. import fourier
from ..qxmd.ground_state import GroundState
from .low_rank import LowRank
from .options import Options

Array = NDArray[np.float64]
CURRENT_STEP = 1e-3  # momentum step of the central difference of the nonlocal current, 1/bohr


class ExactPropagator:
    """The kinetic and nonlocal middle of the step for one k-point. Arguments as for `ShadowPropagator`."""

    def __init__(self, state: GroundState, k: int, norb: int, dt: float, options: Options) -> None:
        self.grid, self.dt, self.norb = state.grid, dt, norb
        self.projectors = state.ions.projectors
        self.momentum = state.momentum(k)
        self.workers = options.threads

    def _offset(self, A: Array) -> Array:
        return self.momentum + np.asarray(A) / SPEED_OF_LIGHT

    def propagate(self, psi: NDArray[Any], A: Array) -> None:
        """psi <- N K(dt; A) N psi, in place."""
        q = self._offset(A)
        nonlocal_half = self._nonlocal_exponential(q)
        phase = np.exp(-1j * self.dt * self.grid.kinetic(q))[..., None].astype(psi.dtype)
        flat = nonlocal_half.apply(psi.reshape(self.grid.size, -1), self.grid.dv).astype(psi.dtype)
        spectrum = fourier.forward(flat.reshape(psi.shape), self.workers)
        spectrum *= phase
        moved = fourier.backward(spectrum, self.grid.shape, real=False, workers=self.workers)
        flat = nonlocal_half.apply(moved.reshape(self.grid.size, -1), self.grid.dv)
        psi[...] = flat.reshape(psi.shape)

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

    def observe(self, psi: NDArray[Any], f: Array, A: Array) -> tuple[dict[str, float], Array]:
        """Energy terms (Ha) that depend on psi itself, and the current density J (3,) with its nonlocal part."""
        q = self._offset(A)
        spectrum = fourier.forward(psi.astype(np.complex128))
        weight = np.abs(spectrum) ** 2 @ f * (self.grid.dv / self.grid.size)
        kinetic = float(np.sum(weight * self.grid.kinetic(q)))
        momentum = [float(np.sum(weight * (g + o))) for g, o in zip(self.grid.gradient_vectors(), q, strict=True)]
        nonlocal_current = [self._nonlocal_slope(psi, f, q, axis) for axis in range(3)]
        terms = {"kinetic": kinetic, "nonlocal": self._nonlocal_energy(psi, f, q)}
        return terms, (np.array(momentum) + np.array(nonlocal_current)) / self.grid.volume

    def _nonlocal_energy(self, psi: NDArray[Any], f: Array, q: Array) -> float:
        p = self.projectors.on_grid(q).reshape(self.grid.size, -1)
        overlap = p.conj().T @ psi.reshape(self.grid.size, -1) * self.grid.dv
        return float(np.real(np.sum(overlap.conj() * (self.projectors.coupling @ overlap), axis=0)) @ f)

    def _nonlocal_slope(self, psi: NDArray[Any], f: Array, q: Array, axis: int) -> float:
        """d<v_nl>/dq along an axis: the commutator i[v_nl, r] of the current."""
        step = np.zeros(3)
        step[axis] = CURRENT_STEP
        up, down = self._nonlocal_energy(psi, f, q + step), self._nonlocal_energy(psi, f, q - step)
        return (up - down) / (2 * CURRENT_STEP)

    def flops(self) -> int:
        """Floating-point operations of `propagate`: transforms, phases and projections."""
        points, rank = self.grid.size, self.projectors.count
        transform = 5 * points * np.log2(points)
        return int(self.norb * (2 * transform + 6 * points) + 2 * 8 * rank * self.norb * (2 * points + rank))
