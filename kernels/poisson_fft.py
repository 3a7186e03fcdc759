"""Poisson equation by fast transforms: Fourier along periodic axes, sines along Dirichlet axes.

With the symbol of the 3-point Laplacian this solves the grid's own equation to rounding, the oracle of the
iterative solvers; with the spectral symbol it solves the continuous equation for a band-limited density.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from .plan import Boundary, Shape

SYMBOLS = ("spectral", "fd")


class FourierPoisson:
    """Solver of laplacian v = -rhs for one grid.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    spacing : tuple of 3 float
        Grid spacing, bohr.
    boundary : tuple of 3 str
        ``"periodic"`` or ``"dirichlet"`` for each axis.
    symbol : str
        ``"spectral"`` (k^2) or ``"fd"`` (that of the 3-point Laplacian).
    threads : int
        Threads of the transforms.

    Examples
    --------
    >>> import numpy as np
    >>> x = 2 * np.pi * np.arange(8) / 8
    >>> rhs = np.broadcast_to(np.cos(x)[:, None, None], (8, 4, 4)).copy()
    >>> solver = FourierPoisson((8, 4, 4), (x[1], 1.0, 1.0), ("periodic",) * 3, "spectral", 1)
    >>> bool(np.allclose(solver(rhs), rhs))
    True
    """

    def __init__(
        self, shape: Shape, spacing: tuple[float, float, float], boundary: Boundary, symbol: str, threads: int
    ) -> None:
        self.sine_axes = [axis for axis in range(3) if boundary[axis] == "dirichlet"]
        self.wave_axes = [axis for axis in range(3) if boundary[axis] == "periodic"]
        self.wave_shape = [shape[axis] for axis in self.wave_axes]
        self.threads = threads
        parts = [self._symbol(axis, shape[axis], spacing[axis], symbol) for axis in range(3)]
        k2 = reduce(np.add, np.ix_(*parts))
        self.inverse = np.divide(1.0, k2, out=np.zeros_like(k2), where=k2 > 0.0)

    def _symbol(self, axis: int, n: int, h: float, symbol: str) -> NDArray[np.float64]:
        """k^2 of the modes along an axis, in the order of the transform; the last wave axis is halved."""
        if axis in self.sine_axes:
            k: NDArray[Any] = np.pi * np.arange(1, n + 1) / ((n + 1) * h)
        else:
            m = np.arange(n // 2 + 1) if axis == self.wave_axes[-1] else (np.arange(n) + n // 2) % n - n // 2
            k = 2.0 * np.pi * m / (n * h)
        waves: NDArray[Any] = k if symbol == "spectral" else 2.0 * np.sin(0.5 * k * h) / h
        return np.square(waves)

    def __call__(self, rhs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Solve for v, float64 of the grid's shape; the constant of a fully periodic cell is zero."""
        field = rhs
        if self.sine_axes:
            field = scipy.fft.dstn(field, type=1, axes=self.sine_axes, workers=self.threads)
        if self.wave_axes:
            waves = scipy.fft.rfftn(field, axes=self.wave_axes, workers=self.threads) * self.inverse
            field = scipy.fft.irfftn(waves, s=self.wave_shape, axes=self.wave_axes, workers=self.threads)
        else:
            field = field * self.inverse
        if self.sine_axes:
            field = scipy.fft.idstn(field, type=1, axes=self.sine_axes, workers=self.threads)
        return field
