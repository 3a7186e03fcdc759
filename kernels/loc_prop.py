"""Local propagator psi <- exp(-i dt v(r)) psi: a phase at each grid point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import Backend
from .knobs import ISA, SCHEDULE, TASK_POINTS, Tuning
from .plan import Plan, real, whole


class LocProp(Plan):
    """Plan of psi <- exp(-i dt v) psi.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    norb : int
        Number of orbitals.
    dt : float
        Time of one call, atomic units.
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
    >>> plan = LocProp((4, 4, 4), 1, dt=np.pi, backend="reference")
    >>> psi, v = np.ones((4, 4, 4, 1), complex), np.ones((4, 4, 4))
    >>> bool(np.allclose(plan(psi, v), -1.0))
    True
    """

    KERNEL = "loc_prop"
    KNOBS = {"cpu": (ISA, SCHEDULE), "sycl": (TASK_POINTS,)}

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        dt: float,
        dtype: DTypeLike = "complex128",
        backend: str | Backend = "cpu",
        threads: int | None = None,
        tuning: Tuning | None = None,
        effort: str | None = None,
    ) -> None:
        super().__init__(shape, whole("norb", norb, at_least=1), dtype, backend, threads, tuning, effort)
        self.dt = real("dt", dt)
        self._raw = self.load("loc_prop")

    def __call__(
        self, psi: NDArray[Any], v: NDArray[np.float64], dt: float | None = None, out: Any = None
    ) -> NDArray[Any]:
        """Apply the phase.

        Parameters
        ----------
        psi : ndarray, (nx, ny, nz, norb), the plan's dtype, C-contiguous
            Wave functions; overwritten unless ``out`` is given.
        v : ndarray, (nx, ny, nz), float64
            Potential, hartree.
        dt : float, optional
            Time of this call instead of the plan's.
        out : ndarray, optional
            Where the result goes.

        Returns
        -------
        ndarray
            ``psi`` or ``out``.

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        self._raw(*self._arguments(psi, v, dt, out))
        self.arrays.settle()
        return psi if out is None else out

    def bind(self, psi: NDArray[Any], v: NDArray[np.float64], dt: float | None = None) -> Callable[[], None]:
        """The call on these arrays, in place, checked once; they are read and written each time."""
        return self.bound(*self._arguments(psi, v, dt, None))

    def _arguments(self, psi: Any, v: Any, dt: float | None, out: Any) -> tuple[Any, ...]:
        time = self.dt if dt is None else real("dt", dt)
        v = self.check_field(v, "v")
        return self.target(psi, out), v, time, self._launch

    def flops(self) -> int:
        """A complex product for each element (sine and cosine are not counted)."""
        return 6 * self.points * self.norb

    def bytes(self) -> int:
        """Least memory traffic of a call: read and write psi, read v."""
        return self.points * (2 * self.norb * self.dtype.itemsize + 8)


def reference(psi: NDArray[Any], v: NDArray[np.float64], dt: float, threads: int) -> None:
    """Raw kernel: multiply by exp(-i dt v), in place.

    Parameters
    ----------
    psi : (nx, ny, nz, norb) complex
    v : (nx, ny, nz) float64
    dt : float
    threads : int
        Not used here.
    """
    psi *= np.exp(-1j * dt * v)[..., None]
