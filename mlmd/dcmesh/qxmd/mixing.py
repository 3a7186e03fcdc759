"""Density mixing by Anderson's acceleration (Pulay's method in its difference form), long waves screened."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import fourier
from ..grid import Grid

Array = NDArray[np.float64]
SCREENING = 0.6  # 1/bohr
SLOWEST = 0.05  # of a residual that is kept of the longest waves: those of an insulator are screened in part only


class AndersonMixer:
    """Next density from the past ones, so that the predicted residual is smallest.

    D. G. Anderson, J. ACM 12, 547 (1965); the least squares are solved on differences of successive
    iterations, which stays well conditioned while residuals fall over many orders of magnitude. The residual is first
    scaled by G^2 / (G^2 + q^2) (G. P. Kerker, Phys. Rev. B 23, 3082 (1981)), since the Hartree potential of a wave of
    density grows with its length and charge would slosh from end to end of a long cell.

    Parameters
    ----------
    grid
        Grid of the densities.
    step
        Fraction of the predicted residual that is added.
    depth
        Number of past differences that are kept.
    """

    def __init__(self, grid: Grid, step: float = 0.7, depth: int = 8) -> None:
        self.step, self.depth, self.shape = step, depth, grid.shape
        g2 = grid.g_squared(half=True)
        self._scale = np.maximum(g2 / (g2 + SCREENING**2), SLOWEST)
        self._last: tuple[Array, Array] | None = None
        self._density_steps: list[Array] = []
        self._residual_steps: list[Array] = []

    def next(self, density: Array, residual: Array) -> Array:
        """Next input density from this iteration's input density and its output-minus-input residual."""
        screened = fourier.backward(self._scale * fourier.forward(residual), self.shape, real=True)
        n, f = density.ravel(), screened.ravel()
        if self._last is not None:
            self._density_steps = [*self._density_steps, n - self._last[0]][-self.depth :]
            self._residual_steps = [*self._residual_steps, f - self._last[1]][-self.depth :]
        self._last = (n.copy(), f.copy())
        mixed = n + self.step * f
        if self._residual_steps:
            df, dn = np.array(self._residual_steps).T, np.array(self._density_steps).T
            scale = np.linalg.norm(df, axis=0)
            gamma = np.linalg.lstsq(df / scale, f, rcond=1e-10)[0] / scale
            mixed = mixed - (dn + self.step * df) @ gamma
        return mixed.reshape(density.shape)
