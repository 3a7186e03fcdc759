"""Electron density n(r) = sum_s f_s |psi_s(r)|^2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import Backend
from .knobs import ISA, SCHEDULE, TASK_POINTS, Knob, Tuning
from .plan import Plan, whole


class Density(Plan):
    """Plan of n = sum_s f_s |psi_s|^2, summed in double precision.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    norb : int
        Number of orbitals.
    dtype : dtype
        complex64 or complex128.
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
    >>> plan = Density((4, 4, 4), 2, backend="reference")
    >>> n = plan(np.ones((4, 4, 4, 2), complex), np.array([2.0, 1.0]))
    >>> float(n[0, 0, 0])
    3.0
    """

    KERNEL = "density"
    KNOBS = {
        "cpu": (ISA, SCHEDULE, Knob("block", (0, 16, 256, 1024, 4096), "grid points of a piece of work")),
        "sycl": (TASK_POINTS,),
    }

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        dtype: DTypeLike = "complex128",
        backend: str | Backend = "cpu",
        threads: int | None = None,
        tuning: Tuning | None = None,
        effort: str | None = None,
    ) -> None:
        super().__init__(shape, whole("norb", norb, at_least=1), dtype, backend, threads, tuning, effort)
        self._raw = self.load("density")

    def __call__(self, psi: NDArray[Any], f: NDArray[np.float64], out: Any = None) -> NDArray[np.float64]:
        """Density of the wave functions.

        Parameters
        ----------
        psi : ndarray, (nx, ny, nz, norb), the plan's dtype, C-contiguous
            Wave functions.
        f : ndarray, (norb,), float64
            Occupations.
        out : ndarray, (nx, ny, nz), float64, optional
            Where the result goes.

        Returns
        -------
        ndarray, (nx, ny, nz), float64
            Density, electrons per bohr^3.

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        n = self.arrays.empty(self.shape, np.float64) if out is None else out
        self._raw(*self._arguments(psi, f, n))
        self.arrays.settle()
        return n

    def bind(self, psi: NDArray[Any], f: NDArray[np.float64], out: NDArray[np.float64]) -> Callable[[], None]:
        """The call with these arrays, checked once; they are read and written each time."""
        return self.bound(*self._arguments(psi, f, out))

    def _arguments(self, psi: Any, f: Any, out: Any) -> tuple[Any, ...]:
        psi, f = self.check_psi(psi, writable=False), self.check_occupations(f)
        return psi, f, self.check_field(out, "out", writable=True), self._launch

    def flops(self) -> int:
        """Two squares, a sum and a weighted sum for each element."""
        return 5 * self.points * self.norb

    def bytes(self) -> int:
        """Least memory traffic of a call: read psi, write n."""
        return self.points * (self.norb * self.dtype.itemsize + 8)


def reference(psi: NDArray[Any], f: NDArray[np.float64], n: NDArray[np.float64], threads: int) -> None:
    """Raw kernel: write the density into n.

    Parameters
    ----------
    psi : (nx, ny, nz, norb) complex
    f : (norb,) float64
    n : (nx, ny, nz) float64
        Overwritten.
    threads : int
        Not used here.
    """
    wide = psi.astype(np.complex128)
    n[...] = (wide.real**2 + wide.imag**2) @ f
