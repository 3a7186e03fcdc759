"""Polar textures as fields of directions on a periodic lattice of cells.

A skyrmion is written by the stereographic projection W = tan(theta / 2) exp(i phi) of its direction: the W of all cores
and of their images add up to a field that is smooth and periodic. A core is where W has a pole.
"""

from __future__ import annotations

from itertools import product
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from ..sections import Count, Direction, Section, wrong
from .topology import Array

Positive = Annotated[float, Field(gt=0)]
STEEPEST = 300.0  # of an exponent: what lies further away is zero in double precision


class Texture(Section):
    """What a polar texture looks like; lengths are in cells of the crystal.

    Attributes
    ----------
    kind : str
        ``skyrmion``: profile theta(r) = 2 atan2(sinh(R / w), sinh(r / w)), n = (sin theta cos phi, sin theta sin phi,
        cos theta) with phi = m phi_r + gamma. ``skyrmionium``: a skyrmion in the core of another, no charge.
        ``vortex``: curls in the plane, neighbours opposite, cores and saddles along ``polarity``. ``meron``: the same,
        saddles against it. ``stripes``: domains up and down with walls that turn. ``ising``: the same with walls in
        which the vector shrinks, the only ones that are no unit vectors. ``uniform``.
    lattice : (int, int)
        Skyrmions along x and y in the box; for vortices periods (of four), for stripes ``lattice[0]`` periods along x.
    arrangement : str
        ``triangular`` puts another skyrmion between each four: with sides 1 : sqrt(3) a triangular lattice.
    radius, width : float
        R, where theta is a right angle, and w of the wall, also of walls of stripes and cores of vortices.
    inner : float, optional
        Radius of the core of a skyrmionium (default: half of ``radius``).
    helicity : float
        gamma in degrees: 0 is Neel, 90 is Bloch; also of the walls of stripes.
    winding : int
        m, as -1 in an antiskyrmion.
    polarity : int
        Of the core: -1 is down. The charge of a skyrmion is polarity * winding.
    direction : (float, float, float)
        Of ``uniform``.

    Examples
    --------
    >>> from mlmd.multiscale.topology import charge
    >>> texture = Texture(kind="skyrmion", lattice=(2, 2), radius=4.0, helicity=90.0, winding=2)
    >>> round(charge(texture.field(32, 32)), 9)
    -8.0
    >>> Texture(kind="skyrmion", radius=4.0).field(16, 16)[0, 0].round(2).tolist()
    [-0.01, -0.01, 1.0]
    """

    kind: Literal["uniform", "skyrmion", "skyrmionium", "vortex", "meron", "stripes", "ising"] = "skyrmion"
    lattice: tuple[Count, Count] = (1, 1)
    arrangement: Literal["square", "triangular"] = "square"
    radius: Positive = 4.0
    width: Positive = 1.5
    inner: Positive | None = None
    helicity: float = 0.0
    winding: Literal[-3, -2, -1, 1, 2, 3] = 1
    polarity: Literal[-1, 1] = -1
    direction: Direction = (0.0, 0.0, 1.0)

    @model_validator(mode="after")
    def _check(self) -> Texture:
        if self.inner is not None and self.inner >= self.radius:
            raise wrong("inner", f"is {self.inner:g}, not below radius = {self.radius:g}; make the core smaller")
        return self

    @property
    def charge(self) -> int:
        """Topological charge of the box, where the lattice of cells is fine enough for it.

        Examples
        --------
        >>> Texture(kind="skyrmionium").charge, Texture(kind="skyrmion", lattice=(3, 2)).charge
        (0, -6)
        """
        if self.kind == "skyrmion":
            return self.polarity * self.winding * self.skyrmions
        return 4 * self.polarity * int(np.prod(self.lattice)) if self.kind == "meron" else 0

    @property
    def skyrmions(self) -> int:
        """How many skyrmions, or skyrmioniums, are in the box; 0 in other textures."""
        each = 2 if self.arrangement == "triangular" else 1
        return each * int(np.prod(self.lattice)) if self.kind in ("skyrmion", "skyrmionium") else 0

    def field(self, nx: int, ny: int) -> Array:
        """Directions in the middle of the cells.

        Parameters
        ----------
        nx, ny : int
            Cells along x and y.

        Returns
        -------
        array (nx, ny, 3)
            Unit vectors; of ``ising`` shorter ones in the walls.
        """
        x, y = np.meshgrid(np.arange(nx) + 0.5, np.arange(ny) + 0.5, indexing="ij")
        if self.kind in ("skyrmion", "skyrmionium"):
            return self._skyrmions(x, y, (nx, ny))
        if self.kind in ("vortex", "meron"):
            return self._curls(x, y, (nx, ny))
        if self.kind == "uniform":
            return np.broadcast_to(np.asarray(self.direction), (nx, ny, 3)).copy()
        return self._stripes(x, nx)

    def _skyrmions(self, x: Array, y: Array, box: tuple[int, int]) -> Array:
        """n = (2 Re W, 2 Im W, 1 - |W|^2) / (1 + |W|^2) with the sum W over all cores and their images."""
        px, py = (np.array(box) / self.lattice).tolist()  # W has this period too
        basis = [(0.5, 0.5)] if self.arrangement == "square" else [(0.25, 0.25), (0.75, 0.75)]
        reach = range(-int(np.ceil((self.radius + 30 * self.width) / min(px, py))), 0)
        images = [*reach, 0, *(-k for k in reach)]
        total = np.zeros_like(x, dtype=complex)
        for (bx, by), i, j in product(basis, images, images):
            total += self._projection(x % px - (bx + i) * px, y % py - (by + j) * py)
        down = np.abs(total) ** 2
        n = np.stack([2 * total.real, 2 * total.imag, -self.polarity * (1 - down)], axis=-1)
        return n / (1 + down)[..., None]

    def _projection(self, x: Array, y: Array) -> Array:
        """W of one core at the origin: tan(theta / 2) = sinh(R / w) / sinh(r / w), of a skyrmionium for both walls."""
        r = np.maximum(np.hypot(x, y), 1e-9 * self.width)
        inner = [self.inner or self.radius / 2] if self.kind == "skyrmionium" else []
        half = sum(np.arctan(_ratio(R / self.width, r / self.width)) for R in [*inner, self.radius])
        return np.tan(half) * np.exp(1j * (self.winding * np.arctan2(y, x) + np.radians(self.helicity)))

    def _curls(self, x: Array, y: Array, box: tuple[int, int]) -> Array:
        """(-d psi / dy, d psi / dx) of psi = sin sin, and out of the plane what is 1 at its extrema."""
        kx, ky = (2 * np.pi * np.array(self.lattice) / box).tolist()
        sx, cx, sy, cy = np.sin(kx * x), np.cos(kx * x), np.sin(ky * y), np.cos(ky * y)
        middle, saddle = (sx * sy) ** 2, (cx * cy) ** 2
        core = self.width * np.sqrt(kx * ky) * (middle - saddle if self.kind == "meron" else middle + saddle)
        n = np.stack([-sx * cy * ky / kx, cx * sy, self.polarity * core], axis=-1)
        return n / np.linalg.norm(n, axis=-1, keepdims=True)

    def _stripes(self, x: Array, nx: int) -> Array:
        """Walls n_z = tanh(d / w), d from the wall, the rest along the direction that ``helicity`` gives."""
        k = 2 * np.pi * self.lattice[0] / nx
        d = np.clip(np.sin(k * x) / (k * self.width), -STEEPEST, STEEPEST)
        if self.kind == "ising":
            return np.stack([0 * d, 0 * d, np.tanh(d)], axis=-1)
        gamma = np.radians(self.helicity)
        n = np.stack([np.cos(k * x) * np.cos(gamma), np.cos(k * x) * np.sin(gamma), np.sinh(d)], axis=-1)
        return n / np.linalg.norm(n, axis=-1, keepdims=True)


def _ratio(a: float, b: Array) -> Any:
    """sinh(a) / sinh(b) of positive numbers that may be large."""
    return np.exp(np.clip(a - b, -STEEPEST, STEEPEST)) * np.expm1(-2 * a) / np.expm1(-2 * b)
