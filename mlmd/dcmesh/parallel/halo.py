"""Planes of a periodic field that is shared out in slabs along its first axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .team import Line

Array = NDArray[np.float64]


def with_halo(line: Line, slab: Array, width: int, thinnest: int) -> Array:
    """A slab with planes of its neighbours at either end; a collective call.

    Neighbours pass on what they got before, so that a halo may be wider than a slab, or than all of them.

    Parameters
    ----------
    line
        The ranks on the ring.
    slab
        (planes, ...) of this rank, in the order of the ranks.
    width
        Planes at either end, the same number on all ranks.
    thinnest
        Planes of the thinnest slab of all, 1 or more: as many travel at once.

    Examples
    --------
    >>> from mlmd.dcmesh.parallel import Single
    >>> with_halo(Single(), np.arange(3.0), width=4, thinnest=3)
    array([2., 0., 1., 2., 0., 1., 2., 0., 1., 2., 0.])
    """
    planes = len(slab)
    while width > 0:
        count, begin = min(width, thinnest), len(slab) - planes
        first, last = slab[begin : begin + count], slab[planes - count : planes]
        before, after = line.exchange(np.ascontiguousarray(first), np.ascontiguousarray(last))
        slab, width = np.concatenate([before, slab, after]), width - count
    return slab
