"""Environments of atoms: T = sum x[z, i] w[z, r(i), u] a[n, i, u], z an edge of atom n, r(i) the group of function i.

The gradient in a is a[n, i, u] = sum_z x[z, i] w[z, r(i), u]: the basis functions of the edges (spherical harmonics),
weighted channel by channel with one weight for all functions of an irreducible representation, summed over the edges
of a centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import Backend, PlanError
from .edge_form import EdgeForm
from .knobs import Tuning
from .plan import whole


class EdgeSum(EdgeForm):
    """Plan of the gradients of T = sum x[z, i] w[z, r(i), u] a[n, i, u].

    Parameters
    ----------
    groups : sequence of int
        How many functions have a weight in common: (1, 3, 5) for spherical harmonics up to l = 2.
    channels, dtype, backend, threads, tuning
        See `EdgeForm`.

    Raises
    ------
    PlanError, BackendUnavailable
        See `EdgeForm`.

    Examples
    --------
    >>> import numpy as np
    >>> plan = EdgeSum((1, 1), 1, "float64", backend="reference")
    >>> x, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[[1.0], [1.0]], [[10.0], [100.0]]])
    >>> plan("a", np.array([0, 2]), x, w).ravel().tolist()
    [31.0, 402.0]
    """

    KERNEL = "edge_sum"
    FACTORS = ("x", "w", "a")

    def __init__(
        self,
        groups: Sequence[int],
        channels: int,
        dtype: DTypeLike = "float32",
        backend: str | Backend = "cpu",
        threads: int | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        sizes = [whole(f"groups[{k}]", size, at_least=1) for k, size in enumerate(groups)]
        if not sizes:
            raise PlanError("groups is empty; give the number of functions of each group")
        self.group = np.cumsum([0, *sizes], dtype=np.int32)
        self.rows = int(self.group[-1])
        super().__init__(channels, dtype, backend, threads, tuning)

    def shapes(self, atoms: int, edges: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """x (edges, rows), w (edges, groups, channels), a (atoms, rows, channels)."""
        return (edges, self.rows), (edges, len(self.group) - 1, self.channels), (atoms, self.rows, self.channels)

    def flops(self, atoms: int, edges: int) -> int:
        """A multiply-add for each edge, function and channel."""
        return 2 * edges * self.rows * self.channels

    def _fixed(self) -> tuple[Any, ...]:
        return (self.group,)


def reference(
    wanted: int,
    begin: NDArray[np.int64],
    group: NDArray[np.int32],
    x: NDArray[Any],
    w: NDArray[Any],
    a: NDArray[Any],
    threads: int,
) -> None:
    """Raw kernel: the gradient in the array of number ``wanted`` is written to it.

    Parameters
    ----------
    wanted : int
        0, 1 or 2: x, w or a.
    begin : (atoms + 1,) int64
    group : (groups + 1,) int32
        First function of each group, then the number of functions.
    x : (edges, rows)
    w : (edges, groups, channels)
    a : (atoms, rows, channels)
    threads : int
        Not used here.
    """
    sizes = np.diff(group)
    for n, (first, end) in enumerate(pairwise(begin)):
        mine = slice(first, end)
        if wanted == 0:
            x[mine] = np.einsum("ziu,iu->zi", np.repeat(w[mine], sizes, axis=1), a[n])
        elif wanted == 1:
            w[mine] = np.add.reduceat(x[mine][:, :, None] * a[n], group[:-1], axis=1)
        else:
            a[n] = np.einsum("zi,ziu->iu", x[mine], np.repeat(w[mine], sizes, axis=1))
