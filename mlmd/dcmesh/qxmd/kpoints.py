"""Monkhorst-Pack k-point grids reduced by time reversal."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def monkhorst_pack(
    divisions: tuple[int, int, int], shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> tuple[Array, Array]:
    """Fractional k-points and weights.

    Parameters
    ----------
    divisions
        Points along each reciprocal axis.
    shift
        Shift in units of one division; (0.5, 0.5, 0.5) is the grid that avoids Gamma.

    Returns
    -------
    kpoints, weights
        (nk, 3) in (-1/2, 1/2], and (nk,) with sum 1. Of each pair k, -k one is kept with both weights.

    Examples
    --------
    >>> k, w = monkhorst_pack((2, 2, 2), (0.5, 0.5, 0.5))
    >>> len(k), w.tolist()
    (4, [0.25, 0.25, 0.25, 0.25])
    """
    if min(divisions) < 1:
        raise ValueError(f"k-point divisions {divisions}: each must be at least 1")
    kept: dict[tuple[float, ...], float] = {}
    share = 1.0 / float(np.prod(divisions))
    for index in itertools.product(*(range(n) for n in divisions)):
        k = _wrap(np.array([(i + s) / n for i, s, n in zip(index, shift, divisions, strict=True)]))
        mirror = _wrap(-np.asarray(k))
        key = mirror if mirror in kept else k
        kept[key] = kept.get(key, 0.0) + share
    return np.array(list(kept)), np.array(list(kept.values()))


def _wrap(k: Array) -> tuple[float, ...]:
    """Into (-1/2, 1/2], rounded so that equal points compare equal."""
    return tuple(float(x) + 0.0 for x in np.round(0.5 - np.mod(0.5 - k, 1.0), 12))
