"""Density mixing by Anderson's acceleration (Pulay's method in its difference form)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class AndersonMixer:
    """Next density from the past ones, so that the predicted residual is smallest.

    D. G. Anderson, J. ACM 12, 547 (1965); the least squares are solved on differences of successive
    iterations, which stays well conditioned while residuals fall over many orders of magnitude.

    Parameters
    ----------
    step
        Fraction of the predicted residual that is added.
    depth
        Number of past differences that are kept.
    """

    def __init__(self, step: float = 0.7, depth: int = 8) -> None:
        self.step, self.depth = step, depth
        self._last: tuple[Array, Array] | None = None
        self._density_steps: list[Array] = []
        self._residual_steps: list[Array] = []

    def next(self, density: Array, residual: Array) -> Array:
        """Next input density from this iteration's input density and its output-minus-input residual."""
        n, f = density.ravel(), residual.ravel()
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
