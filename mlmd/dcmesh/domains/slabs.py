r"""V-cycles of multigrid whose finer levels are shared out among ranks in slabs of planes.

The levels, weights and sweeps are those of `mlmd.kernels.multigrid`. For each visit of a level a rank takes so many
planes of its neighbours that it can do both sweeps, the residual and its share of the restriction alone,

.. math:: r_J = \sum_j w_{jJ}\, r_j, \qquad J - 1 < j\,N / n < J + 1

(n fine and N coarse planes), so that a visit has two messages to either neighbour: the right-hand side on the way down,
the correction on the way up. Where slabs get thin, the right-hand side is collected, and each rank solves for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...backends import default_threads, get
from ...kernels.multigrid import Levels, make_levels
from ..parallel import Line
from ..parallel.halo import with_halo

Array = NDArray[np.float64]
SPOILT_DOWN, SPOILT_UP = 3, 4  # planes at an open end that a visit's residual, and its result, do not have right
THINNEST = 16  # planes of a slab; levels of thinner ones are not shared out


@dataclass(frozen=True)
class Slab:
    """What a rank has of a level, and how it lies to the next one.

    Attributes
    ----------
    levels
        The two levels, of the planes that this rank needs of them.
    halo, thinnest
        Planes that it takes of its neighbours for a visit, and those of the thinnest slab.
    low, part
        Of each plane: the plane of the next level below it, counted from the first one needed, and how far beyond.
    first, end
        Planes of the next level that are needed; beyond the cell they are those of its images.
    own
        Those of them in this rank's slab of the next level.
    next_halo
        Planes of the next level, beyond either end of a slab of it, that hold what any rank needs.
    """

    levels: Levels
    halo: int
    thinnest: int
    low: NDArray[np.int64]
    part: Array
    first: int
    end: int
    own: slice
    next_halo: int


class SharedCycles:
    """V-cycles from a start of zero.

    Parameters
    ----------
    line
        Ranks that share out the planes; the finest level has one for each of them or more.
    shape, spacing
        Of the periodic grid, whose first axis is shared out.
    cycles
        How many.
    threads
        Of each rank; None for all that it has.
    thinnest
        Planes of the slabs of a level that is still shared out; the finest one always is.
    """

    def __init__(
        self,
        line: Line,
        shape: tuple[int, int, int],
        spacing: tuple[float, float, float],
        cycles: int,
        threads: int | None = None,
        thinnest: int = THINNEST,
    ) -> None:
        backend = get("cpu")
        self._down, self._up, self._whole = (backend.load(name) for name in ("slab_down", "slab_up", "multigrid"))
        self._launch = backend.launch(threads or default_threads(), {})
        self._line, self._cycles = line, cycles
        levels = make_levels(shape, spacing, ("periodic",) * 3)
        planes = [int(n) for n in levels.shapes[:, 0]]
        shared = sum(n >= thinnest * line.size for n in planes[1:-1]) + 1
        spans = [line.block(n) for n in planes[: shared + 1]]
        blocks = line.collect([[(span.start, span.stop) for span in spans]])
        self.slabs = [
            make_slab(levels, depth, [of_rank[depth : depth + 2] for of_rank in blocks], line.rank)
            for depth in range(shared)
        ]
        self._rest = Levels(levels.shapes[shared:], levels.spacings[shared:], levels.weights[shared:], levels.periodic)

    def __call__(self, rhs: Array) -> Array:
        """Approximate v of laplacian v = -rhs on the slab of this rank; a collective call."""
        v = self._visit(0, None, rhs)
        for _ in range(self._cycles - 1):
            v = self._visit(0, v, rhs)
        return v

    def _visit(self, depth: int, start: Array | None, rhs: Array) -> Array:
        """One cycle from a level down and up again."""
        slab = self.slabs[depth]
        rhs = with_halo(self._line, rhs, slab.halo, slab.thinnest)
        start = None if start is None else with_halo(self._line, start, slab.halo, slab.thinnest)
        v, coarse = np.empty(slab.levels.shapes[0]), np.empty(slab.levels.shapes[1])
        where = (slab.levels, slab.low, slab.part)
        self._down(*where, start, rhs, v, coarse, self._launch)
        correction = self._correction(depth + 1, coarse[slab.own], slab)
        self._up(*where, rhs, correction, v, self._launch)
        return v[slab.halo : len(v) - slab.halo]

    def _correction(self, depth: int, rhs: Array, above: Slab) -> Array:
        """The planes of a level that the one above needs, by a cycle from zero."""
        if depth == len(self.slabs):
            whole = np.concatenate(self._line.collect([rhs]))
            v = np.zeros_like(whole)
            self._whole(v, whole, self._rest, 0.0, 1, self._launch)
            return v.take(range(above.first, above.end), axis=0, mode="wrap")
        before, after = above.own.start, above.end - above.first - above.own.stop
        v = self._visit(depth, None, rhs)
        wide = with_halo(self._line, v, above.next_halo, self.slabs[depth].thinnest)
        return wide[above.next_halo - before : len(wide) - above.next_halo + after]


def make_slab(levels: Levels, depth: int, blocks: list[list[tuple[int, int]]], rank: int) -> Slab:
    """What a rank has of a level and the next one.

    Parameters
    ----------
    levels, depth
        All levels, and which one.
    blocks
        For each rank the first plane of its slab and the one after its last, of this level and of the next one.
    rank
        Whose slab.

    Examples
    --------
    >>> levels = make_levels((16, 8, 8), (0.5, 0.5, 0.5), ("periodic",) * 3)
    >>> slab = make_slab(levels, 0, [[(0, 8), (0, 4)], [(8, 16), (4, 8)]], rank=1)
    >>> slab.halo, (slab.first, slab.end), slab.own
    (4, (2, 11), slice(2, 6, None))
    """
    n, next_n = (int(levels.shapes[k, 0]) for k in (depth, depth + 1))
    beyond = [_beyond(n, next_n, *block) for block in blocks]
    halo = max(SPOILT_UP, SPOILT_DOWN + max(beyond))
    needed = [((a - halo) * next_n // n, -(-(b + halo - 1) * next_n // n) + 1) for (a, b), _ in blocks]
    (a, b), (own_first, own_end) = blocks[rank]
    first, end = needed[rank]
    places = np.arange(a - halo, b + halo) * next_n
    low = np.minimum(places // n, end - 2)
    shapes = levels.shapes[depth : depth + 2].copy()
    shapes[:, 0] = len(places), end - first
    two = (levels.spacings[depth : depth + 2].copy(), levels.weights[depth : depth + 2].copy())
    return Slab(
        levels=Levels(shapes, *two, np.array([0, 1, 1], np.int32)),
        halo=halo,
        thinnest=min(b - a for (a, b), _ in blocks),
        low=low - first,
        part=(places - low * n) / n,
        first=first,
        end=end,
        own=slice(own_first - first, own_end - first),
        next_halo=max(max(A - begin, stop - B) for (_, (A, B)), (begin, stop) in zip(blocks, needed, strict=True)),
    )


def _beyond(n: int, next_n: int, own: tuple[int, int], next_own: tuple[int, int]) -> int:
    """Planes beyond either end of a slab that add to its planes of the next level."""
    first, last = (next_own[0] - 1) * n // next_n + 1, -(-next_own[1] * n // next_n) - 1
    return max(own[0] - first, last - (own[1] - 1))
