"""Hartree potential: laplacian v = -4 pi n, by fast transforms, by multigrid, or followed in time by annealing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend, MlmdError, PlanError
from .dsa import fastest_mode, friction, predictor_order
from .multigrid import make_levels
from .plan import Plan, checked_boundary, checked_spacing, positive, refuse_overlap, whole
from .poisson_fft import SYMBOLS, FourierPoisson

METHODS = ("fft", "multigrid", "dsa")
SWEEP_FLOPS = 14
TRANSFER_FLOPS = 14  # to and from the coarser grids, for each point of the finest one


class Hartree(Plan):
    """Plan of the potential of a charge density.

    If all axes are periodic the mean of n is taken out and v has the mean 0.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    spacing : float or tuple of 3 float
        Grid spacing, bohr.
    boundary : str or tuple of 3 str
        ``"periodic"`` or ``"dirichlet"`` (v is zero one point beyond either end).
    method : str
        ``"fft"``: direct, the same on each backend.  ``"multigrid"``: the 3-point equation to ``tol``.
        ``"dsa"``: follows a density that moves slowly from call to call, by ``sweeps`` damped sweeps per call; the
        potential and its motion are kept (`state`, `restore`), so give it a solved potential to start from.
    laplacian : str
        ``"spectral"`` or ``"fd"``, for fft only: of the continuum, or of the 3-point equation (then it is the
        oracle of the other two methods).
    tol : float
        Relative residual that multigrid reaches.
    max_cycles : int
        Multigrid cycles after which it gives up.
    sweeps : int
        DSA sweeps of one call.
    backend : str
        Name of the backend.
    threads : int, optional
        Threads of a call.

    Attributes
    ----------
    last : tuple of (int, float)
        Cycles (or sweeps) of the last call, and the relative residual that multigrid reached (else 0).

    Raises
    ------
    PlanError, BackendUnavailable
        See `Plan`.

    Examples
    --------
    >>> import numpy as np
    >>> n = np.zeros((6, 7, 8)); n[3, 3, 3] = 1.0
    >>> exact = Hartree((6, 7, 8), 0.5, method="fft", laplacian="fd", backend="reference")(n)
    >>> v = Hartree((6, 7, 8), 0.5, method="multigrid", tol=1e-9, backend="reference")(n)
    >>> bool(np.allclose(v, exact, atol=1e-7))
    True
    """

    def __init__(
        self,
        shape: Sequence[int],
        spacing: float | Sequence[float],
        boundary: str | Sequence[str] = "periodic",
        method: str = "fft",
        laplacian: str = "spectral",
        tol: float = 1e-10,
        max_cycles: int = 100,
        sweeps: int = 4,
        backend: str | Backend = "cpu",
        threads: int | None = None,
    ) -> None:
        super().__init__(shape, 0, "complex128", backend, threads)
        self.spacing = checked_spacing(spacing)
        self.boundary = checked_boundary(boundary, self.shape)
        if method not in METHODS:
            raise PlanError(f"method is {method!r}; give one of {', '.join(METHODS)}")
        if laplacian not in SYMBOLS:
            raise PlanError(f"laplacian is {laplacian!r}; give one of {', '.join(SYMBOLS)}")
        self.method = method
        self.laplacian = laplacian if method == "fft" else "fd"
        self.tol = positive("tol", tol)
        self.max_cycles = whole("max_cycles", max_cycles, at_least=1)
        self.sweeps = whole("sweeps", sweeps, at_least=1)
        self.last = (0, 0.0)
        self._prepare()

    def _prepare(self) -> None:
        self._periodic = np.array([kind == "periodic" for kind in self.boundary], np.int32)
        self._neutral = bool(self._periodic.all())
        if self.method == "fft":
            self._direct = FourierPoisson(self.shape, self.spacing, self.boundary, self.laplacian, self.threads)
            return
        self._raw = self.load(self.method)
        self._levels = make_levels(self.shape, self.spacing, self.boundary)
        if self.method == "dsa":
            self._v, self._velocity, self._acceleration = (np.zeros(self.shape) for _ in range(3))
            self._keep, self._gain = friction(self.sweeps, fastest_mode(self._raw, self._levels, self.threads))
            self._order = predictor_order(self.sweeps)

    def __call__(
        self, n: NDArray[np.float64], v: NDArray[np.float64] | None = None, out: Any = None
    ) -> NDArray[np.float64]:
        """Potential of a density.

        Parameters
        ----------
        n : ndarray, (nx, ny, nz), float64
            Density, electrons per bohr^3.
        v : ndarray, (nx, ny, nz), float64, optional
            Where the iteration starts (multigrid: else from zero; DSA: else from where it was).
        out : ndarray, (nx, ny, nz), float64, optional
            Where the result goes; may be ``v``.

        Returns
        -------
        ndarray, (nx, ny, nz), float64
            Potential, hartree.

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        MlmdError
            If multigrid does not reach ``tol``.
        """
        self.check_field(n, "n")
        if v is not None:
            self.check_field(v, "v")
        if out is not None:
            refuse_overlap(n, self.check_field(out, "out", writable=True))
        rhs = n - (n.mean() if self._neutral else 0.0)
        rhs *= 4.0 * math.pi
        solution = getattr(self, f"_{self.method}")(rhs, v)
        if self._neutral:
            solution -= solution.mean()
        if out is None:
            return solution.copy() if self.method == "dsa" else solution
        np.copyto(out, solution)
        return out

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Copies of what DSA keeps between calls (nothing for the other methods).

        ``v``, and its first and second difference from call to call, ``velocity`` and ``acceleration``.
        """
        return {name: array.copy() for name, array in self._kept().items()} if self.method == "dsa" else {}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Take back what `state` gave; later calls go on from there bit for bit.

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        if self.method == "dsa":
            for name, array in self._kept().items():
                np.copyto(array, self.check_field(state.get(name), f"state['{name}']"))

    def _kept(self) -> dict[str, NDArray[np.float64]]:
        return {"v": self._v, "velocity": self._velocity, "acceleration": self._acceleration}

    def flops(self) -> int:
        """Floating-point operations of the last call (before the first one: of one cycle or set of sweeps)."""
        if self.method == "fft":
            return round(self.points * (5.0 * math.log2(self.points) + 1))
        if self.method == "dsa":
            return self.sweeps * self.points * (SWEEP_FLOPS + TRANSFER_FLOPS + 3)
        work = int(self._levels.shapes.astype(np.int64).prod(axis=1).sum())
        return max(1, self.last[0]) * (6 * SWEEP_FLOPS + 12) * work

    def bytes(self) -> int:
        """Least memory traffic of the last call: each sweep reads v and the source and writes v."""
        if self.method == "fft":
            return 16 * self.points
        passes = self.sweeps * 6 if self.method == "dsa" else max(1, self.last[0]) * 6 * 3
        return 8 * passes * self.points

    def _fft(self, rhs: NDArray[np.float64], v: NDArray[np.float64] | None) -> NDArray[np.float64]:
        return self._direct(rhs)

    def _multigrid(self, rhs: NDArray[np.float64], v: NDArray[np.float64] | None) -> NDArray[np.float64]:
        solution = np.zeros(self.shape) if v is None else v.copy()
        if not rhs.any():
            self.last = (0, 0.0)
            return np.zeros(self.shape)
        self.last = self._raw(solution, rhs, self._levels, self.tol, self.max_cycles, self.threads)
        if not self.last[1] <= self.tol:
            raise MlmdError(
                f"multigrid reached the relative residual {self.last[1]:.1e} in {self.last[0]} cycles, not "
                f"{self.tol:.1e}; give a larger tol or max_cycles, and check that n is finite"
            )
        return solution

    def _dsa(self, rhs: NDArray[np.float64], v: NDArray[np.float64] | None) -> NDArray[np.float64]:
        if v is not None:
            np.copyto(self._v, v)
            self._velocity[...] = self._acceleration[...] = 0.0
        before, motion = self._v.copy(), np.zeros(self.shape)
        if self._order > 0:
            self._v += self._velocity
        if self._order > 1:
            self._v += self._acceleration
        self._raw(self._v, motion, rhs, self._levels, self._keep, self._gain, self.threads)
        velocity = self._v - before
        np.subtract(velocity, self._velocity, out=self._acceleration)
        self._velocity = velocity
        self.last = (self.sweeps, 0.0)
        return self._v
