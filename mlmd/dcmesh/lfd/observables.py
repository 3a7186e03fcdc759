"""What the orbitals of all k-points tell together.  Lists have one entry for each k-point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...backends import Arrays
from ...kernels.forms import weighted_squares
from ..parallel import Line
from .exact import ExactPropagator
from .shadow import ShadowPropagator
from .share import Projection, Share

Array = NDArray[np.float64]


class Measured(NamedTuple):
    """What one pass over the orbitals tells: energy terms (Ha), current density (3,), density (nx, ny, nz)."""

    terms: dict[str, float]
    current: Array
    density: Any


def measure(
    middles: Sequence[ShadowPropagator | ExactPropagator],
    shares: Sequence[Share],
    f: Sequence[Any],
    weights: Sequence[Array],
    A: Array,
    arrays: Arrays,
    bands: Line,
) -> Measured:
    """Energy terms and current of the bands of all ranks at A(t), and the density of those of this rank.

    ``f`` and ``weights`` are electrons times the weight of the k-point, on the device and on the host.
    """
    current, density = np.zeros(3), arrays.zeros(shares[0].shape, np.float64)
    terms: dict[str, float] = {}
    for middle, share, f_k, w in zip(middles, shares, f, weights, strict=True):
        part, j, n = middle.observe(share, f_k, w, A)
        terms = {name: terms.get(name, 0.0) + value for name, value in part.items()}
        current = current + j
        arrays.combine(density, density, n)
    *energies, jx, jy, jz = bands.sum(np.array([*terms.values(), *current])).tolist()
    return Measured(dict(zip(terms, energies, strict=True)), np.array([jx, jy, jz]), density)


def occupations(
    starts: Sequence[Projection],
    shares: Sequence[Share],
    places: Sequence[tuple[int, slice]],
    electrons: Sequence[Array],
    arrays: Arrays,
    bands: Line,
) -> tuple[Array, float]:
    """f'_u = sum_s f_s |<u|psi_s>|^2 / <psi_s|psi_s>, and the largest |<psi_s|psi_s> - 1|.

    ``electrons`` are the f_s of this rank, ``places`` the number of orbitals on all ranks and which of them are here.
    """
    rows, worst = [], 0.0
    for start, share, (norb, place), f in zip(starts, shares, places, electrons, strict=True):
        norms = np.zeros(norb)
        norms[place] = share.norms()
        parts = arrays.asarray(f / norms[place])
        rows.append(bands.sum(arrays.asnumpy(weighted_squares(arrays, start(share.psi), parts))))
        worst = max(worst, float(np.abs(bands.sum(norms) - 1).max()))
    return np.array(rows), worst
