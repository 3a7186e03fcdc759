"""The uniform periodic grid of one orthorhombic cell, in real and reciprocal space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .errors import GridError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Uniform periodic grid.

    Parameters
    ----------
    shape
        Points along x, y, z.
    lengths
        Edges of the orthorhombic cell in bohr.

    Raises
    ------
    GridError
        Fewer than 3 points along an axis, or an edge that is not positive.

    Examples
    --------
    >>> grid = Grid((8, 8, 10), (4.0, 4.0, 5.0))
    >>> grid.spacing, grid.size, round(grid.dv, 6)
    ((0.5, 0.5, 0.5), 640, 0.125)
    """

    shape: tuple[int, int, int]
    lengths: tuple[float, float, float]

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 3:
            raise GridError(f"grid shape {self.shape}: three axes of at least 3 points are needed")
        if len(self.lengths) != 3 or not all(np.isfinite(length) and length > 0 for length in self.lengths):
            raise GridError(f"cell edges {self.lengths}: three positive lengths in bohr are needed")

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Grid spacings hx, hy, hz in bohr."""
        hx, hy, hz = (length / n for length, n in zip(self.lengths, self.shape, strict=True))
        return hx, hy, hz

    @property
    def size(self) -> int:
        """Number of grid points."""
        return int(np.prod(self.shape))

    @property
    def volume(self) -> float:
        """Cell volume in bohr^3."""
        return float(np.prod(self.lengths))

    @property
    def dv(self) -> float:
        """Volume of one grid point in bohr^3."""
        return self.volume / self.size

    @cached_property
    def wave_numbers(self) -> tuple[Array, Array, Array]:
        """Angular wave numbers of each axis in FFT order, 1/bohr."""
        x, y, z = (
            np.asarray(2 * np.pi * np.fft.fftfreq(n, length / n), dtype=np.float64)
            for n, length in zip(self.shape, self.lengths, strict=True)
        )
        return x, y, z

    @cached_property
    def odd_wave_numbers(self) -> tuple[Array, Array, Array]:
        """As `wave_numbers`, with 0 at the Nyquist frequency of an even axis.

        That frequency stands for +G and -G alike, so that everything odd in G vanishes there.
        """
        axes = []
        for n, g in zip(self.shape, self.wave_numbers, strict=True):
            odd = g.copy()
            if n % 2 == 0:
                odd[n // 2] = 0.0
            axes.append(odd)
        return axes[0], axes[1], axes[2]

    def gradient_vectors(self, half: bool = False) -> tuple[Array, Array, Array]:
        """Broadcastable odd wave numbers (nx,1,1), (1,ny,1), (1,1,nz or nz//2+1)."""
        gx, gy, gz = self.odd_wave_numbers
        if half:
            gz = np.abs(gz[: self.shape[2] // 2 + 1])
        return gx[:, None, None], gy[None, :, None], gz[None, None, :]

    def kinetic(self, k: Array | None = None, half: bool = False) -> Array:
        """Kinetic energy (1/2)|G + k|^2 of each plane wave, Ha.

        Parameters
        ----------
        k
            Cartesian momentum offset (k-point, or k-point plus A/c) in 1/bohr.
        half
            Only the half spectrum of a real-to-complex transform (needs k = 0).
        """
        total = np.zeros((1, 1, 1))
        offsets = np.zeros(3) if k is None else np.asarray(k, dtype=float)
        for axis, (g, odd, q) in enumerate(
            zip(self.wave_numbers, self.odd_wave_numbers, offsets, strict=True)
        ):
            if half and axis == 2:
                g, odd = g[: self.shape[2] // 2 + 1], odd[: self.shape[2] // 2 + 1]
            term = 0.5 * g**2 + odd * q + 0.5 * q**2
            total = total + term.reshape([-1 if a == axis else 1 for a in range(3)])
        return total

    def velocity(self, k: Array) -> tuple[Array, Array, Array]:
        """Slope of `kinetic` along each axis at an offset k: the velocity G + k of each plane wave, broadcastable."""
        x, y, z = (g + q for g, q in zip(self.gradient_vectors(), k, strict=True))
        return x, y, z

    def g_squared(self, half: bool = False) -> Array:
        """|G|^2 in 1/bohr^2."""
        return 2.0 * self.kinetic(half=half)

    def points(self) -> tuple[Array, Array, Array]:
        """Broadcastable coordinates of the grid points in bohr."""
        x, y, z = (np.arange(n, dtype=np.float64) * h for n, h in zip(self.shape, self.spacing, strict=True))
        return x[:, None, None], y[None, :, None], z[None, None, :]

    def half_weights(self) -> Array:
        """Multiplicity (1 or 2) of each coefficient of the half spectrum along z, shape (nz//2+1,)."""
        weights = np.full(self.shape[2] // 2 + 1, 2.0)
        weights[0] = 1.0
        if self.shape[2] % 2 == 0:
            weights[-1] = 1.0
        return weights
