"""Nonlocal propagator psi <- psi + Q S (Q^H psi) dv: a low-rank unitary, two tall and skinny complex products.

With Q orthonormal under dv and S = exp(-i t Sigma) - 1 this is exp(-i t Q Sigma Q^H), exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import PlanError
from .plan import Plan, checked_array, positive, whole

MODES: dict[str, np.dtype[Any]] = {"fp64": np.dtype(np.complex128), "fp32": np.dtype(np.complex64)}


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
        Arithmetic of the products, ``"fp64"`` or ``"fp32"``; by default that of the dtype.  complex64 wave
        functions may be worked on in fp64; complex128 ones are never lowered.
    backend : str
        Name of the backend.
    threads : int, optional
        Threads of a call.

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

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        rank: int,
        dv: float,
        dtype: DTypeLike = "complex128",
        mode: str | None = None,
        backend: str = "cpu",
        threads: int | None = None,
    ) -> None:
        super().__init__(shape, whole("norb", norb, at_least=1), dtype, backend, threads)
        self.rank = whole("rank", rank, at_least=1)
        self.dv = positive("dv", dv)
        self.mode = mode or ("fp32" if self.dtype == np.complex64 else "fp64")
        if self.mode not in MODES:
            raise PlanError(f"mode is {self.mode!r}; give one of {', '.join(MODES)}")
        if self.mode == "fp32" and self.dtype == np.complex128:
            raise PlanError("mode 'fp32' would lower complex128 wave functions; use dtype='complex64' or mode='fp64'")
        self._Q: NDArray[Any] | None = None
        self._S: NDArray[Any] | None = None
        self._raw = self.load("nlp_prop")

    def set(self, Q: NDArray[Any], S: NDArray[Any]) -> None:
        """Take the operator; both arrays are copied, and Q is converted to the mode's type once.

        Parameters
        ----------
        Q : ndarray, (nx, ny, nz, rank), complex64 or complex128
            Columns, orthonormal under dv.
        S : ndarray, (rank, rank), complex128
            Middle matrix.

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        kind = Q.dtype if isinstance(Q, np.ndarray) and Q.dtype in MODES.values() else MODES[self.mode]
        checked_array("Q", Q, (*self.shape, self.rank), kind, False)
        checked_array("S", S, (self.rank, self.rank), np.dtype(np.complex128), False)
        self._Q = Q.reshape(self.points, self.rank).astype(MODES[self.mode])
        self._S = S.copy()

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
        checked_array("S", S, (self.rank, self.rank), np.dtype(np.complex128), False)
        self._S = S.copy()

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
        if self._Q is None:
            raise PlanError("the plan has no operator yet; call plan.set(Q, S) first")
        work = self.target(psi, out)
        self._raw(work.reshape(self.points, self.norb), self._Q, self._S, self.dv, self.threads)
        return work

    def flops(self) -> int:
        """8 for each product of complex numbers in the two tall products and the small one between them."""
        return 8 * self.rank * self.norb * (2 * self.points + self.rank)

    def bytes(self) -> int:
        """Least memory traffic of a call: Q and psi are read twice (the sum must be complete first), psi written."""
        return self.points * (3 * self.norb * self.dtype.itemsize + 2 * self.rank * MODES[self.mode].itemsize)


def reference(psi: NDArray[Any], Q: NDArray[Any], S: NDArray[np.complex128], dv: float, threads: int) -> None:
    """Raw kernel: psi += Q (S (Q^H psi dv)), in place.

    Parameters
    ----------
    psi : (points, norb) complex
    Q : (points, rank) complex
        Its type is the type of the arithmetic.
    S : (rank, rank) complex128
    dv : float
    threads : int
        Not used here.
    """
    columns = Q.astype(np.complex128)
    overlaps = columns.conj().T @ psi.astype(np.complex128) * dv
    psi += (columns @ (S @ overlaps)).astype(psi.dtype)
