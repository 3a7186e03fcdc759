r"""A share of the planes of the grid: slabs along x, with two planes of either neighbour beside them.

The splitting of the kinetic propagator (`mlmd.kernels.kin_prop`) turns pairs (0,1), (2,3), ... by half a step, pairs
(1,2), (3,4), ... by a whole one and the first set again. A slab of whole pairs, with one pair of either neighbour
beside it, is exact inside after all three sets although its ends lack their partners: what is wrong after the second
set is one plane deep, and after the third two. So the kernels work on the widened slab as on a cell with open ends,
and neighbours exchange two planes once in a step.

Low-rank operators need the sum of Q^H psi over the slabs, a matrix of rank x bands; then each slab adds its rows
of Q times S times that sum, to the neighbours' planes too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs

from ...kernels import Current, Overlap, zeros
from ...kernels.current import Measure, measured
from ..errors import DecompositionError
from ..grid import Grid
from ..parallel import PAIR, Line
from .low_rank import LowRank
from .options import Options
from .share import Array, Projection, Share


class SlabShare(Share):
    """Some bands of a k-point on some planes; arguments as for `Share`, and the ranks that share out the planes.

    Raises
    ------
    DecompositionError
        The number of planes is odd, there are more ranks than pairs of planes, or products have a precision of
        their own.
    """

    boundary = ("dirichlet", "periodic", "periodic")

    def __init__(
        self, grid: Grid, states: NDArray[Any], bands: NDArray[np.intp], options: Options, space: Line
    ) -> None:
        check_slabs(grid.shape[0], space.size)
        self.space = space
        pairs = space.block(grid.shape[0] // PAIR)
        self._planes = np.arange(PAIR * pairs.start - PAIR, PAIR * pairs.stop + PAIR) % grid.shape[0]
        super().__init__(grid, states, bands, options)

    def _make_room(self) -> Any:
        nx, ny, nz = self.shape
        o = self.options
        return zeros((nx + 2 * PAIR, ny, nz, self.norb), o.dtype, o.threads)

    def _own(self) -> Any:
        return self._wide[PAIR:-PAIR]

    def of_grid(self, field: Any) -> Any:
        """See `Share`."""
        return field[self._planes[PAIR] : self._planes[-PAIR - 1] + 1]

    def refreshed(self) -> Any:
        """The slab with the neighbours' planes, fetched now."""
        self._wide[:PAIR], self._wide[-PAIR:] = self.space.exchange(self.psi[:PAIR], self.psi[-PAIR:])
        return self._wide

    def low_rank(self, c: LowRank, mode: str) -> SlabLowRank:
        """See `Share`."""
        state = self.options.levels["state"]
        if mode != state:
            raise DecompositionError(
                f"on slabs of the grid products are as exact as the orbitals, {state}, and cannot be {mode}; "
                "take that precision, or [parallel] space = 1"
            )
        return SlabLowRank(self, c)

    def widened(self, states: NDArray[Any]) -> NDArray[Any]:
        """Rows of states (points of the whole grid, rank) on the widened slab, in the type of the orbitals."""
        wide = states.reshape(*self.grid.shape, -1)[self._planes]
        return np.ascontiguousarray(wide.reshape(-1, states.shape[-1]), self.options.dtype)

    def projection(self, states: NDArray[Any]) -> SlabProjection:
        """See `Share`."""
        return SlabProjection(super().projection(states), self.space)

    def measure(self, plan: Current, f: Any, A: tuple[float, float, float], density: Any) -> Measure:
        """See `Share`: the sums over all slabs; a bond to the next slab belongs to this one."""
        after = self.refreshed()[-PAIR]
        sums = plan.sums(self.psi, f, density)
        bond = np.sum(self.psi[-1].astype(np.complex128).conj() * after, axis=(0, 1)) @ f
        sums[1] += bond * self.grid.dv
        return measured(self.space.sum(sums), A, self.grid.spacing, self.grid.volume)

    def norms(self) -> Array:
        """See `Share`."""
        return self.space.sum(super().norms())


class SlabProjection(Projection):
    """Overlaps with fixed states, summed over the slabs."""

    def __init__(self, own: Projection, space: Line) -> None:
        super().__init__(own.plan, own.left)
        self._space = space

    def __call__(self, psi: NDArray[Any]) -> NDArray[np.complex128]:
        """left^H psi dv, (rank, norb)."""
        return self._space.sum(super().__call__(psi))


class SlabLowRank:
    """psi <- psi + Q S (Q^H psi) dv on the widened slab; used like a plan of `NlpProp`.

    Parameters
    ----------
    share
        Whose orbitals.
    c
        Q on the whole grid, and S.
    """

    def __init__(self, share: SlabShare, c: LowRank) -> None:
        o = share.options
        self.norb, self.rank = share.norb, c.q.shape[1]
        self._q, self._s = share.widened(c.q), c.s.copy()
        self._plan = Overlap(share.shape, self.norb, self.rank, share.grid.dv, o.dtype, o.backend, o.threads)
        self._space = share.space
        self._inner = self._q.reshape(-1, *share.shape[1:], self.rank)[PAIR:-PAIR]
        self._gemm = get_blas_funcs("gemm", dtype=o.dtype)

    def set_middle(self, S: NDArray[np.complex128]) -> None:
        """Replace S and keep Q."""
        self._s = S.copy()

    def __call__(self, psi: NDArray[Any]) -> None:
        """Act on the widened slab, in place."""
        overlaps = self._space.sum(self._plan(self._inner, psi[PAIR:-PAIR]))
        factors = (self._s @ overlaps).astype(psi.dtype)
        # C order is Fortran order of the transposes: psi^T += factors^T Q^T without a copy.
        flat = psi.reshape(-1, self.norb).T
        self._gemm(1.0, factors.T, self._q.T, beta=1.0, c=flat, overwrite_c=True)

    def flops(self) -> int:
        """As for `NlpProp`."""
        points, wide = self._plan.points, len(self._q)
        return 8 * self.rank * self.norb * (points + wide + self.rank)


def check_slabs(planes: int, ranks: int) -> None:
    """Refuse planes that ranks cannot share out in pairs.

    Raises
    ------
    DecompositionError
        See `SlabShare`.

    Examples
    --------
    >>> check_slabs(15, 2)
    Traceback (most recent call last):
        ...
    mlmd.dcmesh.errors.DecompositionError: 15 planes of the grid along x cannot be shared out by pairs among 2 ranks: \
take an even number, 4 or more
    """
    if planes % PAIR or planes < PAIR * ranks:
        raise DecompositionError(
            f"{planes} planes of the grid along x cannot be shared out by pairs among {ranks} ranks: "
            f"take an even number, {PAIR * ranks} or more"
        )


def make_share(grid: Grid, states: NDArray[Any], bands: NDArray[np.intp], options: Options, space: Line) -> Share:
    """The whole grid for one rank, slabs for several; arguments as for `SlabShare`."""
    if space.size == 1:
        return Share(grid, states, bands, options)
    return SlabShare(grid, states, bands, options, space)
