"""Nonlocal propagator psi <- psi + Q S (Q^H psi) dv: a low-rank unitary, two tall and skinny complex products.

With Q orthonormal under dv and S = exp(-i t Sigma) - 1 this is exp(-i t Q Sigma Q^H), exactly.

In the modes bf16x1, bf16x2 and bf16x3 each float32 factor of the two tall products is a sum of 1, 2 or 3 bf16 numbers,
hi = bf16(x), mid = bf16(x - hi), lo = bf16(x - hi - mid), and the 1, 3 or 6 largest products of the parts are summed in
float32.  Errors relative to the result, on random data: 3e-3, 1e-5, 1e-6.  Numbers below 1e-38 may count as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import HOST, Backend, PlanError
from .bf16 import products, split
from .knobs import ISA, Knob, Tuning
from .plan import Plan, checked_dtype, positive, whole


class Mode(NamedTuple):
    """Arithmetic of the products: the type that Q is kept in, and the bf16 parts of each number (0: none)."""

    dtype: np.dtype[Any]
    parts: int


MODES = {
    "fp64": Mode(np.dtype(np.complex128), 0),
    "fp32": Mode(np.dtype(np.complex64), 0),
    **{f"bf16x{parts}": Mode(np.dtype(np.complex64), parts) for parts in (1, 2, 3)},
}


class NlpProp(Plan):
    """Plan of psi <- psi + Q S (Q^H psi) dv.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    norb : int
        Number of orbitals.
    rank : int
        Number of columns of Q.
    dv : float
        Volume of a grid point, bohr^3.
    dtype : dtype
        complex64 or complex128.
    mode : str, optional
        Arithmetic of the products, ``"fp64"``, ``"fp32"``, ``"bf16x3"``, ``"bf16x2"`` or ``"bf16x1"``; by default
        that of the dtype.  complex64 wave functions may be worked on in any; complex128 ones are never lowered.
    backend : str
        Name of the backend.
    threads : int, optional
        Threads of a call.
    tuning : mapping, optional
        Knobs, see `Plan.knobs`; by default those that wisdom knows.
    effort : str, optional
        How wisdom is asked, see `Plan`.

    Raises
    ------
    PlanError, BackendUnavailable
        See `Plan`.

    Examples
    --------
    >>> import numpy as np
    >>> plan = NlpProp((4, 4, 4), 1, rank=1, dv=1 / 64, backend="reference")
    >>> Q, S = np.ones((4, 4, 4, 1), complex), np.array([[-2.0 + 0j]])  # S = exp(-i pi) - 1
    >>> plan.set(Q, S)
    >>> bool(np.allclose(plan(Q.copy()), -Q))
    True
    """

    KERNEL = "nlp_prop"
    KNOBS = {
        "cpu": (
            ISA,
            Knob("form", ("best", "own", "library"), "products of FP32 and FP64 by this library's loops or by MKL"),
            Knob("block", (0, 32, 128, 256, 2048, 32768), "grid points whose products are summed at once"),
        ),
    }

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        rank: int,
        dv: float,
        dtype: DTypeLike = "complex128",
        mode: str | None = None,
        backend: str | Backend = "cpu",
        threads: int | None = None,
        tuning: Tuning | None = None,
        effort: str | None = None,
    ) -> None:
        kind = checked_dtype(dtype)
        self.rank = whole("rank", rank, at_least=1)
        self.dv = positive("dv", dv)
        self.mode = mode or ("fp32" if kind == np.complex64 else "fp64")
        if self.mode not in MODES:
            raise PlanError(f"mode is {self.mode!r}; give one of {', '.join(MODES)}")
        if self.mode != "fp64" and kind == np.complex128:
            raise PlanError(
                f"mode {self.mode!r} would lower complex128 wave functions; use dtype='complex64' or mode='fp64'"
            )
        norb = whole("norb", norb, at_least=1)
        super().__init__(shape, norb, kind, backend, threads, tuning, effort, self.rank, self.mode)
        self._arithmetic = MODES[self.mode]
        self._Q: Any = None
        self._S: Any = None
        self._raw = self.load("nlp_prop")
        own_form = self._arithmetic.parts > 0 or self.arrays is not HOST  # of Q: devices have one in every mode
        self._pack = self.load("nlp_pack") if own_form else None

    def set(self, Q: NDArray[Any], S: NDArray[Any]) -> None:
        """Take the operator; both arrays are copied, and Q is converted or packed for the mode once.

        Parameters
        ----------
        Q : ndarray, (nx, ny, nz, rank), complex64 or complex128
            Columns, orthonormal under dv.
        S : ndarray, (rank, rank), complex128
            Middle matrix: a NumPy array, or one of the backend's device, of which no copy is made.

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        kind, a = self.arrays.dtype_of(Q), self.arrays
        kind = kind if kind in (np.dtype(np.complex64), np.dtype(np.complex128)) else self._arithmetic.dtype
        Q = a.checked("Q", Q, (*self.shape, self.rank), kind, False)
        middle = self._take_middle(S)
        columns = Q.reshape(self.points, self.rank)
        if self._pack is None:
            self._Q = columns.astype(self._arithmetic.dtype)
        else:
            columns = columns.astype(self._arithmetic.dtype, copy=False)
            self._Q = self._pack(columns, self._arithmetic.parts, self.threads)
        self._S = middle

    def set_middle(self, S: NDArray[Any]) -> None:
        """Replace the middle matrix and keep Q.

        Parameters
        ----------
        S : ndarray, (rank, rank), complex128
            Middle matrix.

        Raises
        ------
        PlanError
            If `set` was not called yet.
        ArrayError
            If the array does not fit the plan.
        """
        if self._Q is None:
            raise PlanError("the plan has no operator yet; call plan.set(Q, S) first")
        self._S = self._take_middle(S)

    def _take_middle(self, S: Any) -> Any:
        """A copy of a NumPy array where the backend works, or an array of a device as it is."""
        shape, kind = (self.rank, self.rank), np.dtype(np.complex128)
        if self.arrays is HOST or isinstance(S, np.ndarray):
            return self.arrays.asarray(HOST.checked("S", S, shape, kind, False).copy())
        return self.arrays.checked("S", S, shape, kind, False)

    def __call__(self, psi: NDArray[Any], out: Any = None) -> NDArray[Any]:
        """Apply the operator.

        Parameters
        ----------
        psi : ndarray, (nx, ny, nz, norb), the plan's dtype, C-contiguous
            Wave functions; overwritten unless ``out`` is given.
        out : ndarray, optional
            Where the result goes.

        Returns
        -------
        ndarray
            ``psi`` or ``out``.

        Raises
        ------
        PlanError
            If `set` was not called yet.
        ArrayError
            If an array does not fit the plan.
        """
        self._raw(*self._arguments(psi, out))
        self.arrays.settle()
        return psi if out is None else out

    def bind(self, psi: NDArray[Any]) -> Callable[[], None]:
        """The call on these wave functions, in place, checked once, with the operator that the plan has now."""
        return self.bound(*self._arguments(psi, None))

    def _arguments(self, psi: Any, out: Any) -> tuple[Any, ...]:
        if self._Q is None:
            raise PlanError("the plan has no operator yet; call plan.set(Q, S) first")
        flat = self.target(psi, out).reshape(self.points, self.norb)
        return flat, self._Q, self._S, self.dv, self._arithmetic.parts, self._launch

    def flops(self) -> int:
        """8 for each product of complex numbers in the two tall products and the small one between them."""
        return 8 * self.rank * self.norb * (2 * self.points + self.rank)

    def bytes(self) -> int:
        """Least memory traffic of a call: Q and psi are read twice (the sum must be complete first), psi written."""
        number = 4 * self._arithmetic.parts or self._arithmetic.dtype.itemsize
        return self.points * (3 * self.norb * self.dtype.itemsize + 2 * self.rank * number)


def reference(
    psi: NDArray[Any], Q: NDArray[Any], S: NDArray[np.complex128], dv: float, parts: int, threads: int
) -> None:
    """Raw kernel: psi += Q (S (Q^H psi dv)), in place.

    Parameters
    ----------
    psi : (points, norb) complex
    Q : (points, rank) complex
        Its type is the type of the arithmetic; or what the raw ``nlp_pack`` made of it, on devices in every mode.
    S : (rank, rank) complex128
    dv : float
    parts : int
        bf16 numbers for each real one, as given to ``nlp_pack``; 0 if Q is not packed.
    threads : int
        Not used here.
    """
    if parts:
        _reference_in_parts(psi, Q.astype(np.complex128), S, dv)
        return
    columns = Q.astype(np.complex128)
    overlaps = columns.conj().T @ psi.astype(np.complex128) * dv
    psi += (columns @ (S @ overlaps)).astype(psi.dtype)


def _reference_in_parts(
    psi: NDArray[np.complex64], Q: NDArray[np.complex128], S: NDArray[np.complex128], dv: float
) -> None:
    """Products of the rounded parts, (parts, points, rank) for Q, summed in double precision."""
    wanted = products(len(Q))
    waves = split(psi, len(Q)).astype(np.complex128)
    overlaps = sum(Q[i].conj().T @ waves[j] for i, j in wanted) * dv
    factors = split(S @ overlaps, len(Q)).astype(np.complex128)
    psi += sum(Q[i] @ factors[j] for i, j in wanted).astype(np.complex64)
