"""A layer of a perceptron for many rows: out = f(in) W, its input and its output in several arrays side by side.

f is silu(x) = x / (1 + exp(-x)), or nothing.  Nothing is joined or cut in memory, and what is stored between two layers
are the values before the activation, which its slope is needed of:  d in = f'(in) (d out W^T) is the other
direction of the same plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import ArrayError, Backend, PlanError, default_threads, get
from .edge_form import KINDS
from .knobs import ISA, SCHEDULE, THREADS, Knob, Tuning, checked_tuning
from .plan import whole

ACTIVATIONS = ("none", "silu")


class Dense:
    """Plan of out = f(in) W and of d in = f'(in) (d out W^T).

    Parameters
    ----------
    inputs, outputs : sequence of int
        Columns of the arrays that the input and the output are in.
    activation : str
        f: ``"silu"`` or ``"none"``.
    dtype : dtype
        float32 or float64.
    backend : str or Backend
        ``"reference"`` or ``"cpu"``.
    threads : int, optional
        Threads of a call; by default ``OMP_NUM_THREADS``, else the processors of this process.
    tuning : mapping, optional
        Knobs of the kernel by name, see `knobs`.

    Raises
    ------
    PlanError, BackendUnavailable
        As of `mlmd.kernels.plan.Plan`.

    Examples
    --------
    >>> import numpy as np
    >>> plan = Dense((1, 1), (2,), "none", "float64", backend="reference")
    >>> matrix = np.array([[1.0, 2.0], [10.0, 20.0]])
    >>> (y,) = plan.forth([np.array([[3.0]]), np.array([[0.5]])], matrix)
    >>> y.tolist()
    [[8.0, 16.0]]
    >>> [d.tolist() for d in plan.back([y], matrix, [np.zeros((1, 1))] * 2)]
    [[[40.0]], [[400.0]]]
    """

    KERNEL = "dense"
    KNOBS = {"cpu": (THREADS, ISA, SCHEDULE, Knob("block", (0, 24, 96, 192), "rows of a piece of work"))}

    def __init__(
        self,
        inputs: Sequence[int],
        outputs: Sequence[int],
        activation: str = "none",
        dtype: DTypeLike = "float32",
        backend: str | Backend = "cpu",
        threads: int | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        self.inputs = tuple(whole(f"inputs[{k}]", width, at_least=1) for k, width in enumerate(inputs))
        self.outputs = tuple(whole(f"outputs[{k}]", width, at_least=1) for k, width in enumerate(outputs))
        if not self.inputs or not self.outputs:
            raise PlanError("inputs or outputs is empty; give the columns of at least one array each")
        if activation not in ACTIVATIONS:
            raise PlanError(f"activation is {activation!r}; give one of {', '.join(ACTIVATIONS)}")
        self.activation = activation
        self.dtype = np.dtype(dtype)
        if self.dtype not in KINDS:
            raise PlanError(f"dtype is {self.dtype}; give 'float32' or 'float64'")
        self._backend = get(backend)
        self.backend = self._backend.name
        self.tuning = checked_tuning(self.KERNEL, self.knobs(self._backend), tuning)
        wanted = default_threads() if threads is None else whole("threads", threads, at_least=1)
        self.threads = min(wanted, int(self.tuning.get(THREADS.name, wanted)))
        of_kernel = {name: value for name, value in self.tuning.items() if name != THREADS.name}
        self._launch = self._backend.launch(self.threads, of_kernel)
        self._raw = self._backend.load(self.KERNEL, of_kernel)

    @classmethod
    def knobs(cls, backend: str | Backend) -> tuple[Knob, ...]:
        """What `tuning` may hold on a backend."""
        return cls.KNOBS.get(get(backend).name, ())

    def forth(
        self, inputs: Sequence[NDArray[Any]], matrix: NDArray[Any], out: Sequence[NDArray[Any]] | None = None
    ) -> Sequence[NDArray[Any]]:
        """out = f(in) W.

        Parameters
        ----------
        inputs : sequence of ndarray, (rows, columns of this one), the plan's dtype
            Rows may lie apart in memory, the numbers of a row may not.
        matrix : ndarray, (all columns in, all columns out), the plan's dtype, C-contiguous
            W.
        out : sequence of ndarray, (rows, columns of this one), optional
            Where the result goes.

        Returns
        -------
        sequence of ndarray

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        rows = self._rows(inputs)
        to = self._results(self.outputs, rows) if out is None else out
        self._check(rows, matrix, (inputs, self.inputs), (to, self.outputs))
        self._raw(list(inputs), matrix, False, self.activation == "silu", [], list(to), self._launch)
        return to

    def back(
        self,
        gradients: Sequence[NDArray[Any]],
        matrix: NDArray[Any],
        inputs: Sequence[NDArray[Any]],
        out: Sequence[NDArray[Any]] | None = None,
    ) -> Sequence[NDArray[Any]]:
        """d in = f'(in) (d out W^T); arguments as of `forth`, with the gradients in the output first."""
        rows = self._rows(gradients)
        to = self._results(self.inputs, rows) if out is None else out
        self._check(rows, matrix, (gradients, self.outputs), (inputs, self.inputs), (to, self.inputs))
        silu = self.activation == "silu"
        self._raw(list(gradients), matrix, True, silu, list(inputs) if silu else [], list(to), self._launch)
        return to

    def flops(self, rows: int) -> int:
        """A multiply-add for each row and number of the matrix; the activation is not counted."""
        return 2 * rows * sum(self.inputs) * sum(self.outputs)

    def bytes(self, rows: int) -> int:
        """Least memory traffic of `forth`: the input is read, the output is written."""
        return rows * (sum(self.inputs) + sum(self.outputs)) * self.dtype.itemsize

    def _results(self, widths: tuple[int, ...], rows: int) -> list[NDArray[Any]]:
        return [np.empty((rows, width), self.dtype) for width in widths]

    @staticmethod
    def _rows(arrays: Sequence[NDArray[Any]]) -> int:
        return arrays[0].shape[0] if len(arrays) and np.ndim(arrays[0]) == 2 else 0

    def _check(self, rows: int, matrix: NDArray[Any], *sets: tuple[Sequence[NDArray[Any]], tuple[int, ...]]) -> None:
        shape = (sum(self.inputs), sum(self.outputs))
        self._backend.arrays().checked("matrix", matrix, shape, self.dtype, False)
        for arrays, widths in sets:
            if [(a.shape, a.dtype) for a in arrays] != [((rows, width), self.dtype) for width in widths]:
                got = ", ".join(f"{a.shape} {a.dtype}" for a in arrays)
                raise ArrayError(f"dense was given {got}; expected {rows} rows of {widths} columns, {self.dtype}")


def reference(
    inputs: list[NDArray[Any]],
    matrix: NDArray[Any],
    transposed: bool,
    silu: bool,
    slope_at: list[NDArray[Any]],
    out: list[NDArray[Any]],
    threads: int,
) -> None:
    """Raw kernel: out = f(in) W, or, where slope_at is given, out = f'(slope_at) (in W).

    Parameters
    ----------
    inputs : list of (rows, width)
    matrix : (columns in, columns out), or the transpose of that
    transposed : bool
    silu : bool
        Whether f is silu, or nothing.
    slope_at : list of (rows, width)
        Empty, or as ``out``.
    out : list of (rows, width)
        Overwritten.
    threads : int
        Not used here.
    """
    x = np.concatenate(inputs, axis=1).astype(float)
    y = (x / (1 + np.exp(-x)) if silu and not slope_at else x) @ (matrix.T if transposed else matrix)
    if slope_at:
        x = np.concatenate(slope_at, axis=1).astype(float)
        s = 1 / (1 + np.exp(-x))
        y *= s * (1 + x * (1 - s))
    ends = np.cumsum([part.shape[1] for part in out])[:-1]
    for part, values in zip(out, np.split(y, ends, axis=1), strict=True):
        part[...] = values
