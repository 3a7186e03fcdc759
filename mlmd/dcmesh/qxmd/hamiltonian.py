r"""Kohn-Sham Hamiltonian of one k-point on the grid.

.. math:: \hat H = \tfrac12 (\mathbf p + \mathbf k)^2 + v_{loc}(\mathbf r) + \hat v_{nl}

with the spectral (FFT) kinetic energy. At Gamma everything is real.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import fourier
from ..grid import Grid
from .plane_waves import PlaneWaves
from .projectors import Projectors

Array = NDArray[np.float64]


class Hamiltonian:
    """Applies H to blocks of orbitals (nx, ny, nz, nb), orbital fastest.

    Parameters
    ----------
    grid
        The grid.
    projectors
        Nonlocal pseudopotential.
    offset
        Cartesian momentum (k, or k + A/c) in 1/bohr; None for Gamma, where orbitals are real.
    cutoff
        Largest kinetic energy of the plane waves that eigenstates are made of, Ha; None for all of the grid.
    """

    def __init__(
        self, grid: Grid, projectors: Projectors, offset: Array | None = None, cutoff: float | None = None
    ) -> None:
        self.grid, self.projectors, self.offset, self.cutoff = grid, projectors, offset, cutoff
        self.real = offset is None
        self.kinetic_spectrum = grid.kinetic(offset, half=self.real)[..., None]
        self.p = projectors.on_grid(offset).reshape(grid.size, -1)
        self.v_loc: Array = np.zeros(grid.shape)

    @property
    def dtype(self) -> type:
        """Type of the orbitals."""
        return np.float64 if self.real else np.complex128

    def kinetic(self, psi: NDArray[Any]) -> NDArray[Any]:
        """(1/2)(p + k)^2 psi."""
        return fourier.backward(self.kinetic_spectrum * fourier.forward(psi), self.grid.shape, self.real)

    def nonlocal_part(self, psi: NDArray[Any]) -> NDArray[Any]:
        """v_nl psi."""
        return self.projectors.apply(self.p, psi)

    def apply(self, psi: NDArray[Any]) -> NDArray[Any]:
        """H psi."""
        result = self.kinetic(psi)
        result += self.v_loc[..., None] * psi
        result += self.nonlocal_part(psi)
        return result

    @cached_property
    def waves(self) -> PlaneWaves:
        """The basis of eigenstates."""
        return PlaneWaves(self.grid, self.offset, self.cutoff)

    @cached_property
    def _projectors(self) -> NDArray[Any]:
        """Coefficients of the projectors, (n, count)."""
        return self.waves.coefficients(self.p.reshape(*self.grid.shape, -1))

    def apply_to_coefficients(self, c: NDArray[Any]) -> NDArray[Any]:
        """H within the basis, on coefficients (n, nb)."""
        result = self.waves.coefficients(self.v_loc[..., None] * self.waves.orbitals(c))
        result += self.waves.kinetic[:, None] * c
        result += self._projectors @ (self.projectors.coupling @ (self._projectors.conj().T @ c))
        return result

    def precondition(self, c: NDArray[Any], kinetic_energy: Array) -> NDArray[Any]:
        """Teter-Payne-Allan preconditioner (Phys. Rev. B 40, 12255 (1989)), per orbital.

        Parameters
        ----------
        c
            (n, nb) coefficients of residuals.
        kinetic_energy
            (nb,) kinetic energy of the orbital that each residual belongs to, Ha.
        """
        x = self.waves.kinetic[:, None] / (1.5 * np.maximum(kinetic_energy, 0.1))
        top = 27 + x * (18 + x * (12 + 8 * x))
        return c * (top / (top + 16 * x**4))

    def kinetic_energies(self, psi: NDArray[Any]) -> Array:
        """Expectation value of the kinetic energy of each orbital, Ha."""
        t = np.real(np.sum(psi.conj() * self.kinetic(psi), axis=(0, 1, 2)))
        return np.asarray(t * self.grid.dv)
