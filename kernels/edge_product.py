"""Features of edges times a matrix of their centre: T = sum x[z, i, u] m[n, i, k, u] y[z, k, u], z an edge of atom n.

The tensor product of an Allegro layer, once its Clebsch-Gordan coefficients and its environments have been joined
into the matrices (`mlmd.kernels.edge_coupling`): y = x m is done for 2 i k numbers of each edge and channel instead of
the i j k of a dense coupling.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import Backend
from .edge_form import EdgeForm
from .knobs import Tuning
from .plan import whole


class EdgeProduct(EdgeForm):
    """Plan of the gradients of T = sum x[z, i, u] m[n, i, k, u] y[z, k, u].

    Parameters
    ----------
    rows, columns : int
        Lengths of the axes i and k.
    channels, dtype, backend, threads, tuning
        See `EdgeForm`.

    Raises
    ------
    PlanError, BackendUnavailable
        See `EdgeForm`.

    Examples
    --------
    Two edges of one atom, whose matrix doubles the first component and drops the second:

    >>> import numpy as np
    >>> plan = EdgeProduct(2, 1, 1, "float64", backend="reference")
    >>> x = np.array([[[1.0], [5.0]], [[3.0], [7.0]]])
    >>> m = np.array([[[[2.0]], [[0.0]]]])
    >>> plan("y", np.array([0, 2]), x, m).ravel().tolist()
    [2.0, 6.0]
    """

    KERNEL = "edge_product"
    FACTORS = ("x", "m", "y")

    def __init__(
        self,
        rows: int,
        columns: int,
        channels: int,
        dtype: DTypeLike = "float32",
        backend: str | Backend = "cpu",
        threads: int | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        self.rows = whole("rows", rows, at_least=1)
        self.columns = whole("columns", columns, at_least=1)
        super().__init__(channels, dtype, backend, threads, tuning)

    def shapes(self, atoms: int, edges: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """x (edges, rows, channels), m (atoms, rows, columns, channels), y (edges, columns, channels)."""
        u = self.channels
        return (edges, self.rows, u), (atoms, self.rows, self.columns, u), (edges, self.columns, u)

    def flops(self, atoms: int, edges: int) -> int:
        """A multiply-add for each edge and number of a matrix."""
        return 2 * edges * self.rows * self.columns * self.channels


def reference(
    wanted: int,
    begin: NDArray[np.int64],
    x: NDArray[Any],
    m: NDArray[Any],
    y: NDArray[Any],
    threads: int,
) -> None:
    """Raw kernel: the gradient in the array of number ``wanted`` is written to it.

    Parameters
    ----------
    wanted : int
        0, 1 or 2: x, m or y.
    begin : (atoms + 1,) int64
    x : (edges, rows, channels)
    m : (atoms, rows, columns, channels)
    y : (edges, columns, channels)
    threads : int
        Not used here.
    """
    for n, (first, end) in enumerate(pairwise(begin)):
        if wanted == 0:
            x[first:end] = np.einsum("iku,zku->ziu", m[n], y[first:end])
        elif wanted == 1:
            m[n] = np.einsum("ziu,zku->iku", x[first:end], y[first:end])
        else:
            y[first:end] = np.einsum("ziu,iku->zku", x[first:end], m[n])
