"""Topological charge of a field of directions on a lattice (Berg and Luscher, Nucl. Phys. B 190, 412 (1981)).

The square between four neighbours is cut into two triangles. Three directions a, b, c at the corners of a triangle span
a piece of the unit sphere of the solid angle

    A = 2 atan2(a . (b x c), 1 + a . b + b . c + c . a),

and the charge is the sum of A over 4 pi: how often the field wraps the sphere. On a periodic lattice it is an integer
whatever the field, where finite differences of the field give an integer only in the limit of a fine lattice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import MlmdError

Array = np.ndarray[Any, np.dtype[Any]]


def charge_density(field: Array, periodic: bool = True) -> Array:
    """Topological charge of each square of a lattice.

    Parameters
    ----------
    field : array (nx, ny, 3)
        Vectors on the sites; only their directions count.
    periodic : bool
        Whether the last site of a row is a neighbour of the first.

    Returns
    -------
    array (nx, ny), or (nx - 1, ny - 1) where it is not periodic
        Charge of the square between sites [x, y] and [x + 1, y + 1]; each triangle has -1/2 to 1/2.

    Raises
    ------
    MlmdError
        Another shape, or a vector that has no direction (length 0, not finite).

    Examples
    --------
    A skyrmion with a core that points down:

    >>> from mlmd.multiscale.textures import Texture
    >>> field = Texture(kind="skyrmion", radius=4.0).field(16, 16)
    >>> charge_density(field).shape, charge_density(field).sum().round(9).item()
    ((16, 16), -1.0)
    """
    n = directions(field)
    right, up = np.roll(n, -1, axis=0), np.roll(n, -1, axis=1)
    across = np.roll(right, -1, axis=1)
    density = (_solid_angle(n, right, across) + _solid_angle(n, across, up)) / (4 * np.pi)
    return density if periodic else density[:-1, :-1]


def charge(field: Array, periodic: bool = True) -> float:
    """Topological charge of a field, the sum of :func:`charge_density`.

    Examples
    --------
    >>> charge(np.broadcast_to([0.0, 0.0, 1.0], (4, 4, 3)))
    0.0
    """
    return float(charge_density(field, periodic).sum())


def directions(field: Array) -> Array:
    """Unit vectors along the vectors of a field; see :func:`charge_density`."""
    if field.ndim != 3 or field.shape[2] != 3:
        raise MlmdError(f"a field of shape {field.shape} has no topological charge; it takes (nx, ny, 3)")
    length = np.linalg.norm(field, axis=-1, keepdims=True)
    wrong = np.argwhere(~(np.isfinite(length) & (length > 0))[..., 0])
    if len(wrong):
        x, y = wrong[0]
        raise MlmdError(f"the vector at site [{x}, {y}] is {field[x, y].tolist()}, which is no direction")
    return field / length


def _solid_angle(a: Array, b: Array, c: Array) -> Array:
    """Of the spherical triangle a, b, c, between -2 pi and 2 pi, positive where they turn to the left."""
    dots = np.sum(a * b, -1) + np.sum(b * c, -1) + np.sum(c * a, -1)
    return 2 * np.arctan2(np.sum(a * np.cross(b, c), -1), 1 + dots)
