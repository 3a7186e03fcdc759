"""Clebsch-Gordan coupling: T = sum v[e, u] a[n, row(e), u] m[n, column(e), u] over atoms n and a list of entries e.

The gradient in m joins coefficients and environments to the matrices of `mlmd.kernels.edge_product`: only
the coefficients that are not zero are in the list, each times the weight of its path, v[e, u] = W[path(e), u] C_e.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..backends import Backend, PlanError
from .edge_form import EdgeForm
from .knobs import Tuning
from .plan import whole


class EdgeCoupling(EdgeForm):
    """Plan of the gradients of T = sum v[e, u] a[n, row(e), u] m[n, column(e), u].

    Parameters
    ----------
    entries : array of int, (entries, 2)
        Row and column of each, in rising order of the columns.
    rows, columns : int
        Components of an environment and of a matrix.
    channels, dtype, backend, threads, tuning
        See `EdgeForm`.

    Raises
    ------
    PlanError, BackendUnavailable
        See `EdgeForm`.

    Examples
    --------
    >>> import numpy as np
    >>> plan = EdgeCoupling([(1, 0), (0, 2)], 2, 3, 1, "float64", backend="reference")
    >>> plan("m", np.array([0, 0]), np.array([[2.0], [10.0]]), np.array([[[3.0], [4.0]]])).ravel().tolist()
    [8.0, 0.0, 30.0]
    """

    KERNEL = "edge_coupling"
    FACTORS = ("v", "a", "m")

    def __init__(
        self,
        entries: ArrayLike,
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
        pairs = np.asarray(entries, dtype=np.int32).reshape(-1, 2)
        if np.any(pairs < 0) or np.any(pairs >= (self.rows, self.columns)) or np.any(np.diff(pairs[:, 1]) < 0):
            raise PlanError(
                f"entries must be rows below {self.rows} and columns below {self.columns}, columns in rising order"
            )
        self.row, self.column = (np.ascontiguousarray(part) for part in pairs.T)
        super().__init__(channels, dtype, backend, threads, tuning)

    def shapes(self, atoms: int, edges: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """v (entries, channels), a (atoms, rows, channels), m (atoms, columns, channels)."""
        u = self.channels
        return (len(self.row), u), (atoms, self.rows, u), (atoms, self.columns, u)

    def flops(self, atoms: int, edges: int) -> int:
        """A multiply-add for each atom, entry and channel."""
        return 2 * atoms * len(self.row) * self.channels

    def _fixed(self) -> tuple[Any, ...]:
        return self.row, self.column


def reference(
    wanted: int,
    begin: NDArray[np.int64],
    row: NDArray[np.int32],
    column: NDArray[np.int32],
    v: NDArray[Any],
    a: NDArray[Any],
    m: NDArray[Any],
    threads: int,
) -> None:
    """Raw kernel: the gradient in the array of number ``wanted`` is written to it.

    Parameters
    ----------
    wanted : int
        0, 1 or 2: v, a or m.
    begin : (atoms + 1,) int64
        Not used here.
    row, column : (entries,) int32
    v : (entries, channels)
    a : (atoms, rows, channels)
    m : (atoms, columns, channels)
    threads : int
        Not used here.
    """
    if wanted == 0:
        v[...] = np.einsum("neu,neu->eu", a[:, row], m[:, column])
    elif wanted == 1:
        a[...] = 0
        for e, (i, k) in enumerate(zip(row, column, strict=True)):
            a[:, i] += v[e] * m[:, k]
    else:
        m[...] = 0
        for e, (i, k) in enumerate(zip(row, column, strict=True)):
            m[:, k] += v[e] * a[:, i]
