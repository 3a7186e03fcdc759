"""Overlaps O = psi0^H psi dv of two sets of wave functions: the projecting half of the nonlocal propagator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import Backend
from .knobs import ISA, Knob, Tuning
from .plan import Plan, positive, whole

KINDS = (np.dtype(np.complex64), np.dtype(np.complex128))


class Overlap(Plan):
    """Plan of O = psi0^H psi dv.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    norb : int
        Number of orbitals of psi.
    rank : int
        Number of orbitals of psi0.
    dv : float
        Volume of a grid point, bohr^3.
    dtype : dtype
        complex64 or complex128, that of psi.
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
    >>> psi = np.ones((4, 4, 4, 2), complex) * (1, 1j)
    >>> Overlap((4, 4, 4), 2, 2, dv=1 / 64, backend="reference")(psi, psi).round(12).tolist()
    [[(1+0j), 1j], [-1j, (1+0j)]]
    """

    KERNEL = "overlap"
    KNOBS = {"cpu": (ISA, Knob("block", (0, 32, 128, 256), "grid points whose products are summed at once"))}

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        rank: int,
        dv: float,
        dtype: DTypeLike = "complex128",
        backend: str | Backend = "cpu",
        threads: int | None = None,
        tuning: Tuning | None = None,
        effort: str | None = None,
    ) -> None:
        self.rank = whole("rank", rank, at_least=1)
        norb = whole("norb", norb, at_least=1)
        super().__init__(shape, norb, dtype, backend, threads, tuning, effort, self.rank)
        self.dv = positive("dv", dv)
        self._raw = self.load("overlap")

    def __call__(self, psi0: NDArray[Any], psi: NDArray[Any], out: Any = None) -> NDArray[np.complex128]:
        """Overlaps of all pairs.

        Parameters
        ----------
        psi0 : ndarray, (nx, ny, nz, rank), complex64 or complex128, C-contiguous
            The orbitals on the left; products are formed in the wider of the two types, a psi0 of the narrower one
            is converted.
        psi : ndarray, (nx, ny, nz, norb), the plan's dtype, C-contiguous
            The orbitals on the right.
        out : ndarray, (rank, norb), complex128, optional
            Where the result goes.

        Returns
        -------
        ndarray, (rank, norb), complex128
            O[k, s] = sum_r conj(psi0_k(r)) psi_s(r) dv.

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        kind = self.arrays.dtype_of(psi0)
        kind = kind if kind in KINDS else self.dtype
        psi0 = self.arrays.checked("psi0", psi0, (*self.shape, self.rank), kind, False)
        psi, shape = self.check_psi(psi, writable=False), (self.rank, self.norb)
        a, wide = self.arrays, KINDS[1]
        to = a.empty(shape, wide) if out is None else a.checked("out", out, shape, wide, True)
        left = psi0.reshape(self.points, self.rank).astype(max(kind, self.dtype), copy=False)
        self._raw(left, psi.reshape(self.points, self.norb), self.dv, to, self._launch)
        self.arrays.settle()
        return to if out is None else out

    def flops(self) -> int:
        """8 for each product of complex numbers."""
        return 8 * self.rank * self.norb * self.points

    def bytes(self) -> int:
        """Least memory traffic of a call: both sets are read once, psi0 in the type of psi."""
        return self.points * (self.norb + self.rank) * self.dtype.itemsize


def reference(
    psi0: NDArray[Any], psi: NDArray[Any], dv: float, out: NDArray[np.complex128], threads: int
) -> None:
    """Raw kernel: out = psi0^H psi dv.

    Parameters
    ----------
    psi0 : (points, rank) complex
        Its type is the type of the arithmetic.
    psi : (points, norb) complex
    dv : float
    out : (rank, norb) complex128
    threads : int
        Not used here.
    """
    out[...] = psi0.astype(np.complex128).conj().T @ psi.astype(np.complex128) * dv
