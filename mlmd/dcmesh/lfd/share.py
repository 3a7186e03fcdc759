"""The orbitals of a k-point that a rank holds, and the operators that work on them.

A rank holds some of the bands, on the whole grid (`Share`) or on some of its planes (`slab.SlabShare`). Operators of
bands act on each band alone, so that nothing here needs another rank; sums over bands are left to the caller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels import Current, Density, KinProp, LocProp, NlpProp, Overlap, zeros
from ...kernels.current import Measure
from ...kernels.forms import column_norms
from ..grid import Grid
from .low_rank import LowRank
from .options import Options

Array = NDArray[np.float64]


class Projection:
    """Overlaps with fixed states.

    Parameters
    ----------
    plan
        Of the overlaps.
    left
        The states (nx, ny, nz, rank), an array of the plan's backend.
    """

    def __init__(self, plan: Overlap, left: Any) -> None:
        self.plan, self.left, self.rank = plan, left, plan.rank

    def __call__(self, psi: Any) -> Any:
        """left^H psi dv, (rank, norb)."""
        return self.plan(self.left, psi)


class Share:
    """Some bands of a k-point on the whole grid.

    Parameters
    ----------
    grid
        The grid of the cell.
    states
        All states of the k-point (nx, ny, nz, nb), normalised under dv.
    bands
        Indices of the states that this rank propagates.
    options
        Backend, precision, threads.

    Attributes
    ----------
    shape
        Points along x, y, z of what this rank holds.
    psi
        (*shape, norb), the orbitals; they start as ``states[..., bands]``.
    """

    boundary = ("periodic", "periodic", "periodic")

    def __init__(self, grid: Grid, states: NDArray[Any], bands: NDArray[np.intp], options: Options) -> None:
        self.grid, self.bands, self.options, self.arrays = grid, bands, options, options.arrays
        self.norb = len(bands)
        self.shape = self.of_grid(np.empty(grid.shape, bool)).shape
        self._wide = self._make_room()
        self.psi = self._own()
        self.restore(states[..., bands])

    def _make_room(self) -> Any:
        """The array that the operators of a step work on."""
        o = self.options
        return self.arrays.asarray(zeros((*self.shape, self.norb), o.dtype, o.threads))

    def _own(self) -> Any:
        """What of it is this rank's."""
        return self._wide

    def of_grid(self, field: Any) -> Any:
        """The planes of a field of the whole grid that this rank holds."""
        return field

    def restore(self, psi: NDArray[Any]) -> None:
        """Put orbitals of the whole grid, this rank's bands, into `psi`."""
        own = np.ascontiguousarray(self.of_grid(psi), self.options.dtype)
        self.arrays.copy(self.psi, self.arrays.asarray(own))

    def refreshed(self) -> Any:
        """The array that the operators of a step work on, up to date."""
        return self._wide

    def density(self) -> Density:
        """Plan of the density of `psi`."""
        return Density(self.shape, self.norb, self.options.dtype, self.options.backend, self.options.threads)

    def phase(self, dt: float) -> LocProp:
        """Plan of exp(-i dt v) on `psi`."""
        return LocProp(self.shape, self.norb, dt, self.options.dtype, self.options.backend, self.options.threads)

    def kinetic(self, dt: float) -> KinProp:
        """Plan of exp(-i dt T) on what `refreshed` gives."""
        o, shape = self.options, self._wide.shape[:3]
        return KinProp(shape, self.norb, self.grid.spacing, dt, o.dtype, o.backend, self.boundary, threads=o.threads)

    def low_rank(self, c: LowRank, mode: str) -> Any:
        """Plan of 1 + Q S Q^H on what `refreshed` gives, in the arithmetic ``mode`` of `NlpProp`."""
        o, rank = self.options, c.q.shape[1]
        plan = NlpProp(self.shape, self.norb, rank, self.grid.dv, o.dtype, mode, o.backend, o.threads)
        q = np.ascontiguousarray(c.q).reshape(*self.grid.shape, rank)
        plan.set(self.arrays.asarray(q), np.ascontiguousarray(c.s))
        return plan

    def projection(self, states: NDArray[Any]) -> Projection:
        """Overlaps of `psi` with states (points of the whole grid, rank), summed over the whole grid."""
        o, rank = self.options, states.shape[-1]
        plan = Overlap(self.shape, self.norb, rank, self.grid.dv, o.dtype, o.backend, o.threads)
        left = self.of_grid(states.reshape(*self.grid.shape, rank))
        return Projection(plan, self.arrays.asarray(np.ascontiguousarray(left, np.complex128)))

    def current(self) -> Current:
        """Plan of the sums over bonds."""
        o = self.options
        return Current(self.shape, self.norb, self.grid.spacing, o.dtype, o.backend, self.boundary, threads=o.threads)

    def measure(self, plan: Current, f: Any, A: tuple[float, float, float], density: Any) -> Measure:
        """Kinetic energy and current of these bands; their density on these planes goes to ``density``."""
        return plan.measure(self.psi, f, A=A, density=density)

    def norms(self) -> Array:
        """<psi_s|psi_s> of each band, (norb,)."""
        flat = self.psi.reshape(-1, self.norb)
        return np.asarray(self.arrays.asnumpy(column_norms(self.arrays, flat, self.grid.dv)))
