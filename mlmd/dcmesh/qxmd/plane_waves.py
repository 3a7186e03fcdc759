r"""Plane waves of one k-point as the basis of orbitals on a grid.

.. math:: \psi(\mathbf r) = \frac{1}{\sqrt\Omega} \sum_G c_G\, e^{i(G + k) \cdot r}
          \quad\text{with}\quad \tfrac12 |G + k|^2 \le E_{cut}

(the periodic part is what stands on the grid). The density of orbitals goes up to twice their wave number, and what
the grid cannot hold of it comes back as a wave of smaller number: energies then depend on where atoms lie between the
points. Below 2/3 of the largest wave number of the grid nothing comes back to where orbitals feel it, and less than a
sixth of the waves are left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import fourier
from ..grid import Grid

Array = NDArray[np.float64]


class PlaneWaves:
    """The isometry between orbitals on a grid, sum |psi|^2 dv = 1, and coefficients, sum |c|^2 = 1.

    Parameters
    ----------
    grid
        The grid.
    offset
        Cartesian momentum k in 1/bohr; None for Gamma, where orbitals and coefficients are real: of each pair G, -G the
        real and the imaginary part of one.
    cutoff
        Largest kinetic energy in Ha; None for all that the grid holds.

    Attributes
    ----------
    kinetic
        (n,) kinetic energy of each coefficient, Ha.

    Examples
    --------
    >>> grid = Grid((8, 8, 8), (4.0, 4.0, 4.0))
    >>> PlaneWaves(grid, None, None).kinetic.size, PlaneWaves(grid, None, 3.0).kinetic.size
    (640, 28)
    """

    def __init__(self, grid: Grid, offset: Array | None, cutoff: float | None = None) -> None:
        self.grid, self.real = grid, offset is None
        kinetic = grid.kinetic(offset, half=self.real)
        self._spectrum, self._size = kinetic.shape, kinetic.size
        self._kept = np.flatnonzero(kinetic <= cutoff) if cutoff is not None else slice(None)
        multiplicity = np.broadcast_to(grid.half_weights() if self.real else 1.0, kinetic.shape)
        self._scale = np.sqrt(multiplicity.ravel()[self._kept, None] * grid.dv / grid.size)
        self.kinetic: Array = np.tile(kinetic.ravel()[self._kept], 2 if self.real else 1)

    def coefficients(self, psi: NDArray[Any]) -> NDArray[Any]:
        """Coefficients (n, nb) of orbitals (nx, ny, nz, nb); waves above the cutoff are left out."""
        spectrum = fourier.forward(psi).reshape(self._size, psi.shape[3])
        c = spectrum[self._kept] * self._scale
        return np.concatenate([c.real, c.imag]) if self.real else c

    def orbitals(self, c: NDArray[Any]) -> NDArray[Any]:
        """Orbitals (nx, ny, nz, nb) of coefficients (n, nb)."""
        half = len(c) // 2
        waves = c[:half] + 1j * c[half:] if self.real else c
        spectrum = np.zeros((self._size, c.shape[1]), dtype=complex)
        spectrum[self._kept] = waves / self._scale
        return fourier.backward(spectrum.reshape(*self._spectrum, c.shape[1]), self.grid.shape, self.real)
