r"""How the shadow's correction follows the light: its first and second order in the vector potential.

The correction is the difference of QXMD's Hamiltonian and the fast one, and both depend on A. With the states psi_0 and
the difference of the velocity operators on them,

.. math:: W_\alpha = \frac{\partial (H - h_{loc})}{\partial (A_\alpha/c)}\,\psi_0
          = (p_\alpha - p^{FD}_\alpha)\,\psi_0 + \frac{\partial \hat v_{nl}}{\partial (A_\alpha/c)}\,\psi_0 ,

the Hermitian operator that has these values on psi_0, and none between states orthogonal to psi_0, is

.. math:: V_\alpha = W_\alpha\psi_0^\dagger + \psi_0 W_\alpha^\dagger - \psi_0(\psi_0^\dagger W_\alpha)\psi_0^\dagger
          = Q_\alpha\,\sigma_\alpha\,Q_\alpha^\dagger .

It adds (A/c).V to the energy, <V>/volume to the current, and a low-rank factor exp(-i dt (A/c) sigma) to the step.
The second order is nearly the same number for every state, so that it acts on no dynamics: its expectation value in
the ground state, N, adds (1/2)(A/c).N.(A/c) to the energy and N.(A/c)/volume to the current (the diamagnetic term).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ...kernels.forms import diagonal_phases, weighted_squares
from .. import fourier
from ..grid import Grid
from ..qxmd.ground_state import GroundState
from .low_rank import LowRank
from .share import Share

Array = NDArray[np.float64]
MOMENTUM_STEP = 1e-3  # of the central difference of v_nl, 1/bohr
CURVATURE_STEP = 2e-2  # of its second difference, 1/bohr
NEGLIGIBLE = 1e-4  # eigenvalues of V_alpha below this velocity are left out, a.u.


class VelocityCorrection:
    """V_alpha of one axis and one k-point.

    Parameters
    ----------
    state, k
        Ground state and index of the k-point.
    psi0
        (nx, ny, nz, n) complex states of the shadow's basis.
    axis
        0, 1 or 2.
    share, dt
        As for the propagator.
    """

    def __init__(
        self,
        state: GroundState,
        k: int,
        psi0: NDArray[np.complex128],
        axis: int,
        share: Share,
        dt: float,
    ) -> None:
        grid = self.grid = state.grid
        self.dt = dt
        w = velocity_difference(state, k, psi0, axis).reshape(grid.size, -1)
        modes, self.sigma = hermitian_extension(psi0.reshape(grid.size, -1), w, grid.dv)
        self.arrays = share.arrays
        self.plan: Any = None
        if rank := len(self.sigma):
            zero = np.zeros((rank, rank), dtype=complex)
            self.plan = share.low_rank(LowRank(modes, zero), share.options.levels["velocity"])
            self._projection = share.projection(modes)
            self._sigma, self._middle = self.arrays.asarray(self.sigma), self.arrays.asarray(zero)

    def propagate(self, psi: Any, a: Any, fraction: float) -> None:
        """psi <- exp(-i fraction dt (A/c) V) psi, in place; ``a`` (1,) has the component of A/c along the axis."""
        if self.plan is not None:
            diagonal_phases(self.arrays, self._middle, self._sigma, a, fraction * self.dt)
            self.plan.set_middle(self._middle)
            self.plan(psi)

    def expectation(self, psi: Any, f: Any) -> float:
        """<V> summed over orbitals with occupations f, a.u. of velocity."""
        if self.plan is None:
            return 0.0
        weights = weighted_squares(self.arrays, self._projection(psi), f)
        return float(self.sigma @ self.arrays.asnumpy(weights))

    def flops(self) -> int:
        """Floating-point operations of `propagate`."""
        return self.plan.flops() if self.plan is not None else 0


def velocity_difference(state: GroundState, k: int, psi0: NDArray[np.complex128], axis: int) -> NDArray[Any]:
    """W_alpha of the module's docstring, (nx, ny, nz, n)."""
    momentum = state.momentum(k)
    spectral = _spectral_velocity(psi0, state.grid, axis, momentum)
    stencil = _stencil_velocity(psi0, state.grid.spacing[axis], axis, momentum[axis])
    step = np.zeros(3)
    step[axis] = MOMENTUM_STEP
    up, down = (_nonlocal(state, psi0, momentum + s * step) for s in (1, -1))
    return spectral - stencil + (up - down) / (2 * MOMENTUM_STEP)


def diamagnetic_difference(state: GroundState, k: int, psi0: NDArray[np.complex128]) -> Array:
    """Second derivative by A/c of each state's energy in H less that in h_loc, (n, 3, 3), dimensionless."""
    grid, momentum = state.grid, state.momentum(k)
    result = np.zeros((psi0.shape[3], 3, 3))
    for axis, (h, q) in enumerate(zip(grid.spacing, momentum, strict=True)):
        bonds = np.sum(psi0.conj() * np.roll(psi0, -1, axis), axis=(0, 1, 2)) * grid.dv
        result[:, axis, axis] += 1.0 - np.real(np.exp(1j * q * h) * bonds)
    e = np.eye(3) * CURVATURE_STEP
    for a in range(3):
        for b in range(a, 3):
            corners = [
                s * t * _nonlocal_energies(state, psi0, momentum + 0.5 * (s * e[a] + t * e[b]))
                for s in (1, -1)
                for t in (1, -1)
            ]
            result[:, a, b] += sum(corners) / CURVATURE_STEP**2
            result[:, b, a] = result[:, a, b]
    return result


def _nonlocal_energies(state: GroundState, psi: NDArray[np.complex128], q: Array) -> Array:
    projectors = state.ions.projectors
    return projectors.energies(projectors.on_grid(q).reshape(state.grid.size, -1), psi)


def _spectral_velocity(psi: NDArray[np.complex128], grid: Grid, axis: int, k: Array) -> NDArray[Any]:
    spectrum = fourier.forward(psi)
    spectrum *= grid.velocity(k)[axis][..., None]
    return fourier.backward(spectrum, grid.shape, real=False)


def _stencil_velocity(psi: NDArray[np.complex128], h: float, axis: int, k: float) -> NDArray[Any]:
    """d/dk of the 3-point kinetic energy: -(i/2h)(e^{ikh} psi_{j+1} - e^{-ikh} psi_{j-1})."""
    hop = np.exp(1j * k * h)
    return -0.5j / h * (hop * np.roll(psi, -1, axis) - np.conj(hop) * np.roll(psi, 1, axis))


def _nonlocal(state: GroundState, psi: NDArray[np.complex128], q: Array) -> NDArray[Any]:
    projectors = state.ions.projectors
    return projectors.apply(projectors.on_grid(q).reshape(state.grid.size, -1), psi)


def hermitian_extension(
    psi0: NDArray[np.complex128], w: NDArray[Any], dv: float
) -> tuple[NDArray[np.complex128], Array]:
    """Modes (ngrid, rank), orthonormal under dv, and eigenvalues (rank,) of W P^H + P W^H - P (P^H W) P^H.

    Parameters
    ----------
    psi0
        P, (ngrid, n) orthonormal under dv.
    w
        W, (ngrid, n).
    """
    m = psi0.conj().T @ w * dv
    m = 0.5 * (m + m.conj().T)
    outside = w - psi0 @ m
    weights, vectors = scipy.linalg.eigh(outside.conj().T @ outside * dv)
    keep = weights > NEGLIGIBLE**2
    norms, vectors = np.sqrt(weights[keep]), vectors[:, keep]
    basis = np.concatenate([psi0, outside @ (vectors / norms)], axis=1)
    coupling = vectors.conj().T * norms[:, None]
    matrix = np.block([[m, coupling.conj().T], [coupling, np.zeros((len(norms), len(norms)))]])
    sigma, vectors = scipy.linalg.eigh(matrix)
    keep = np.abs(sigma) > NEGLIGIBLE
    return np.ascontiguousarray(basis @ vectors[:, keep], dtype=np.complex128), sigma[keep]
