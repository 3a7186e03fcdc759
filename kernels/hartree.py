"""Hartree potential: laplacian v = -4 pi n, by fast transforms, by multigrid, or followed in time by annealing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import HOST, Backend, Device, MlmdError, PlanError, fastest_host, get
from .dsa import fastest_mode, friction, predictor_order
from .knobs import ISA, Knob, Tuning
from .multigrid import make_levels
from .plan import Plan, checked_boundary, checked_spacing, real, refuse_overlap, whole
from .poisson_fft import SYMBOLS, FourierPoisson, HostTransforms

METHODS = ("fft", "multigrid", "dsa")
SOLVER = Knob("solver", ("as asked", "fft"), "multigrid by its cycles, or its equation directly by fast transforms")
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
        ``"fft"``: direct, by the array library's transforms.  ``"multigrid"``: the 3-point equation to ``tol``.
        ``"dsa"``: follows a density that moves slowly from call to call, by ``sweeps`` damped sweeps per call; the
        potential and its motion are kept (`state`, `restore`), so give it a solved potential to start from.
    laplacian : str
        ``"spectral"`` or ``"fd"``, for fft only: of the continuum, or of the 3-point equation (then it is the
        oracle of the other two methods).
    tol : float
        Relative residual that multigrid reaches.  With 0 it does ``max_cycles`` cycles, whatever they reach, and reads
        nothing from a device (else 8 bytes per cycle, and 16 more).
    max_cycles : int
        Multigrid cycles after which it gives up.
    sweeps : int
        DSA sweeps of one call.
    backend : str
        Name of the backend.
    threads : int, optional
        Threads of a call.
    tuning : mapping, optional
        Knobs, see `Plan.knobs`; by default those that wisdom knows.
    effort : str, optional
        How wisdom is asked, see `Plan`.

    Attributes
    ----------
    last : tuple of (int, float)
        Cycles (or sweeps) of the last call, and the relative residual that multigrid reached (else 0; not a number
        on a device with ``tol=0``).

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

    KERNEL = "hartree"
    KNOBS = {
        "cpu": (
            ISA,
            Knob("block", (0, 256, 512, 2048, 4096), "KiB of the planes that multigrid has in use"),
            SOLVER,
        ),
        "numba": (SOLVER,),
        "sycl": (SOLVER,),
        "cuda": (SOLVER,),
    }
    PLAN_KNOBS = (*Plan.PLAN_KNOBS, SOLVER.name)

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
        tuning: Tuning | None = None,
        effort: str | None = None,
    ) -> None:
        if method not in METHODS:
            raise PlanError(f"method is {method!r}; give one of {', '.join(METHODS)}")
        super().__init__(shape, 0, "complex128", backend, threads, tuning, effort, mode=method)
        self.spacing = checked_spacing(spacing)
        self.boundary = checked_boundary(boundary, self.shape)
        if laplacian not in SYMBOLS:
            raise PlanError(f"laplacian is {laplacian!r}; give one of {', '.join(SYMBOLS)}")
        self.method = method
        self.laplacian = laplacian if method == "fft" else "fd"
        self._solver = str(self.tuning.get(SOLVER.name, method)) if method == "multigrid" else method
        self.tol = real("tol", tol)
        if self.tol < 0.0:
            raise PlanError(f"tol is {self.tol}; give a number above zero, or 0 for max_cycles cycles")
        self.max_cycles = whole("max_cycles", max_cycles, at_least=1)
        self.sweeps = whole("sweeps", sweeps, at_least=1)
        self.last = (0, 0.0)
        self._prepare()

    def _prepare(self) -> None:
        self._neutral = all(kind == "periodic" for kind in self.boundary)
        on_device = isinstance(self.arrays, Device)
        self._fields = (self._backend if on_device else get("reference")).load("hartree_fields")()
        if self._solver == "fft":
            transforms = self.load("transforms")() if on_device else HostTransforms(self.threads)
            self._direct = FourierPoisson(
                self.shape, self.spacing, self.boundary, self.laplacian, transforms, self.arrays
            )
            return
        self._raw = self.load(self._solver)
        self._levels = make_levels(self.shape, self.spacing, self.boundary)
        self._zeros = self.arrays.zeros(self.shape, np.float64)
        if self.method == "dsa":
            names = ("v", "velocity", "acceleration", "before", "motion")
            self._v, self._velocity, self._acceleration, self._before, self._motion = (
                self.arrays.zeros(self.shape, np.float64) for _ in names
            )
            host = fastest_host().load("dsa") if on_device else self._raw
            self._keep, self._gain = friction(self.sweeps, fastest_mode(host, self._levels, self.threads))
            self._order = predictor_order(self.sweeps)

    def __call__(self, n: Any, v: Any = None, out: Any = None) -> Any:
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
        n = self.check_field(n, "n")
        start = None if v is None else self.check_field(v, "v")
        if out is not None:
            to = self.check_field(out, "out", writable=True)
            refuse_overlap(self.arrays, n, to)
        solution = getattr(self, f"_{self._solver}")(self._fields.source(n, self._neutral), start)
        if self._neutral:
            self._fields.centre(solution)
        if out is not None:
            self.arrays.copy(to, solution)
        elif self.method == "dsa":
            solution = self._copied(solution)
        self.arrays.settle()
        return solution if out is None else out

    def _copied(self, field: Any) -> Any:
        made = self.arrays.empty(self.shape, np.float64)
        self.arrays.copy(made, field)
        return made

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Copies of what DSA keeps between calls (nothing for the other methods), as NumPy arrays.

        ``v``, and its first and second difference from call to call, ``velocity`` and ``acceleration``.
        """
        return {name: np.array(self.arrays.asnumpy(array)) for name, array in self._kept().items()}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Take back what `state` gave; later calls go on from there bit for bit.

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        given = {
            name: HOST.checked(f"state['{name}']", state.get(name), self.shape, np.dtype(np.float64), False)
            for name in self._kept()
        }
        for name, array in self._kept().items():
            self.arrays.copy(array, self.arrays.asarray(given[name]))

    def _kept(self) -> dict[str, Any]:
        if self.method != "dsa":
            return {}
        return {"v": self._v, "velocity": self._velocity, "acceleration": self._acceleration}

    def flops(self) -> int:
        """Floating-point operations of the last call (before the first one: of one cycle or set of sweeps)."""
        if self._solver == "fft":
            return round(self.points * (5.0 * math.log2(self.points) + 1))
        if self.method == "dsa":
            return self.sweeps * self.points * (SWEEP_FLOPS + TRANSFER_FLOPS + 3)
        work = int(self._levels.shapes.astype(np.int64).prod(axis=1).sum())
        return max(1, self.last[0]) * (6 * SWEEP_FLOPS + 12) * work

    def bytes(self) -> int:
        """Least memory traffic of the last call: each sweep reads v and the source and writes v."""
        if self._solver == "fft":
            return 16 * self.points
        passes = self.sweeps * 6 if self.method == "dsa" else max(1, self.last[0]) * 6 * 3
        return 8 * passes * self.points

    def _fft(self, rhs: Any, v: Any) -> Any:
        return self._direct(rhs)

    def _multigrid(self, rhs: Any, v: Any) -> Any:
        solution = self._copied(self._zeros if v is None else v)
        if self._fields.vanishes(rhs):
            self.last = (0, 0.0)
            return self._copied(self._zeros)
        self.last = self._raw(solution, rhs, self._levels, self.tol, self.max_cycles, self._launch)
        if self.tol > 0.0 and not self.last[1] <= self.tol:
            raise MlmdError(
                f"multigrid reached the relative residual {self.last[1]:.1e} in {self.last[0]} cycles, not "
                f"{self.tol:.1e}; give a larger tol or max_cycles, and check that n is finite"
            )
        return solution

    def _dsa(self, rhs: Any, v: Any) -> Any:
        if v is not None:
            self.arrays.copy(self._v, v)
            for field in (self._velocity, self._acceleration):
                self.arrays.copy(field, self._zeros)
        self.arrays.copy(self._motion, self._zeros)
        self._fields.predict(self._v, self._before, self._velocity, self._acceleration, self._order)
        self._raw(self._v, self._motion, rhs, self._levels, self._keep, self._gain, self._launch)
        self._fields.follow(self._v, self._before, self._velocity, self._acceleration)
        self.last = (self.sweeps, 0.0)
        return self._v
