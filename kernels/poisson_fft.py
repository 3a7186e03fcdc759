"""Poisson equation by fast transforms: Fourier along periodic axes, sines along Dirichlet axes.

With the symbol of the 3-point Laplacian this solves the grid's own equation to rounding, the oracle of the
iterative solvers; with the spectral symbol it solves the continuous equation for a band-limited density.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, Protocol

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..backends import Arrays
from .plan import Boundary, Shape

SYMBOLS = ("spectral", "fd")


class Transforms(Protocol):
    """Fast transforms along some axes of a backend's arrays."""

    def sines(self, field: Any, axes: list[int]) -> Any:
        """Sine transform, type 1, not normalised."""

    def inverse_sines(self, field: Any, axes: list[int]) -> Any:
        """Inverse of `sines`."""

    def waves(self, field: Any, axes: list[int]) -> Any:
        """Fourier transform of a real field; the last axis is halved."""

    def inverse_waves(self, waves: Any, shape: list[int], axes: list[int]) -> Any:
        """Inverse of `waves`, of the given shape along the axes."""


class HostTransforms:
    """SciPy's.

    Parameters
    ----------
    threads : int
        Threads of the transforms.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def sines(self, field: Any, axes: list[int]) -> Any:
        """See `Transforms.sines`."""
        return scipy.fft.dstn(field, type=1, axes=axes, workers=self.threads)

    def inverse_sines(self, field: Any, axes: list[int]) -> Any:
        """See `Transforms.inverse_sines`."""
        return scipy.fft.idstn(field, type=1, axes=axes, workers=self.threads)

    def waves(self, field: Any, axes: list[int]) -> Any:
        """See `Transforms.waves`."""
        return scipy.fft.rfftn(field, axes=axes, workers=self.threads)

    def inverse_waves(self, waves: Any, shape: list[int], axes: list[int]) -> Any:
        """See `Transforms.inverse_waves`."""
        return scipy.fft.irfftn(waves, s=shape, axes=axes, workers=self.threads)


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
    transforms : Transforms
        Those of the arrays that come.
    arrays : Arrays
        Where these are.

    Examples
    --------
    >>> import numpy as np
    >>> from mlmd.backends import HOST
    >>> x = 2 * np.pi * np.arange(8) / 8
    >>> rhs = np.broadcast_to(np.cos(x)[:, None, None], (8, 4, 4)).copy()
    >>> solver = FourierPoisson((8, 4, 4), (x[1], 1.0, 1.0), ("periodic",) * 3, "spectral", HostTransforms(1), HOST)
    >>> bool(np.allclose(solver(rhs), rhs))
    True
    """

    def __init__(
        self,
        shape: Shape,
        spacing: tuple[float, float, float],
        boundary: Boundary,
        symbol: str,
        transforms: Transforms,
        arrays: Arrays,
    ) -> None:
        self.sine_axes = [axis for axis in range(3) if boundary[axis] == "dirichlet"]
        self.wave_axes = [axis for axis in range(3) if boundary[axis] == "periodic"]
        self.wave_shape = [shape[axis] for axis in self.wave_axes]
        self.transforms = transforms
        parts = [self._symbol(axis, shape[axis], spacing[axis], symbol) for axis in range(3)]
        k2 = reduce(np.add, np.ix_(*parts))
        self.inverse = arrays.asarray(np.divide(1.0, k2, out=np.zeros_like(k2), where=k2 > 0.0))

    def _symbol(self, axis: int, n: int, h: float, symbol: str) -> NDArray[np.float64]:
        """k^2 of the modes along an axis, in the order of the transform; the last wave axis is halved."""
        if axis in self.sine_axes:
            k: NDArray[Any] = np.pi * np.arange(1, n + 1) / ((n + 1) * h)
        else:
            m = np.arange(n // 2 + 1) if axis == self.wave_axes[-1] else (np.arange(n) + n // 2) % n - n // 2
            k = 2.0 * np.pi * m / (n * h)
        waves: NDArray[Any] = k if symbol == "spectral" else 2.0 * np.sin(0.5 * k * h) / h
        return np.square(waves)

    def __call__(self, rhs: Any) -> Any:
        """Solve for v, float64 of the grid's shape; the constant of a fully periodic cell is zero."""
        field = rhs
        if self.sine_axes:
            field = self.transforms.sines(field, self.sine_axes)
        if self.wave_axes:
            waves = self.transforms.waves(field, self.wave_axes) * self.inverse
            field = self.transforms.inverse_waves(waves, self.wave_shape, self.wave_axes)
        else:
            field = field * self.inverse
        if self.sine_axes:
            field = self.transforms.inverse_sines(field, self.sine_axes)
        return field
