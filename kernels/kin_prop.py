r"""Kinetic propagator exp(-i dt T) of the 3-point kinetic energy, by exact 2x2 rotations of neighbouring points.

Along an axis with spacing h, and with theta = A h / c,

    (T psi)_j = -(1 / 2 h^2) (e^{i theta} psi_{j+1} - 2 psi_j + e^{-i theta} psi_{j-1}).

The off-diagonal part is split in sets of disjoint pairs: even E = (0,1), (2,3), ..., odd O = (1,2), (3,4), ...
and, on a periodic axis with an odd number of points, the lone wrap pair W = (n-1, 0); on an even one that pair
belongs to O.  The exponential of one set is exact, a unitary rotation of each pair, and one axis is the
symmetric product W/2 E/2 O E/2 W/2, of second order in dt (Richardson, Comput. Phys. Commun. 63, 84 (1991)).
The axes commute.  The diagonal is the same everywhere and makes the global phase.

Accuracy: the error of the splitting grows as (dt / h^2)^2, so that a finer grid wants a step shorter by h^2.  An even
number of points on a periodic axis is best: there each set covers every point, and k = 0 stays exactly at rest.

Flops are those of the tangent form, chi_a - t chi_b and chi_b + t chi_a with the cosines left for the end
(``csrc/cpu/wave.h``): 8 for each pair of complex numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import HOST, Backend, PlanError
from .constants import SPEED_OF_LIGHT
from .knobs import ISA, SCHEDULE, Knob, Tuning
from .memory import zeros
from .packed import Packing
from .plan import Plan, checked_boundary, checked_spacing, real, vector, whole

# Sets of pairs and the part of the time step of each, in the order in which they act.
ORDERS: dict[str, tuple[tuple[str, float], ...]] = {
    "full": (("W", 0.5), ("E", 0.5), ("O", 1.0), ("E", 0.5), ("W", 0.5)),
    "first": (("W", 0.5), ("E", 0.5), ("O", 0.5)),
    "second": (("O", 0.5), ("E", 0.5), ("W", 0.5)),
}
# When the local potential acts: parts of the time step before and after the kinetic energy.
LOCAL: dict[str, tuple[float, float]] = {"both": (0.5, 0.5), "before": (1.0, 0.0), "after": (0.0, 1.0)}
PAIR_FLOPS = 8
WORK_REALS = 9  # for each grid point: the phases of its way in and out
WORK_AXES = 128  # for the axes
PHASE_FLOPS = 20  # on the way in and on the way out

Sweeps = tuple[NDArray[np.int32], NDArray[np.float64], float]


class KinProp(Plan):
    """Plan of psi <- exp(-i dt T) psi with T = (p + A/c)^2 / 2 on the 3-point grid.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points; three or more along a periodic axis, two or more along a Dirichlet one.
    norb : int
        Number of orbitals.
    spacing : float or tuple of 3 float
        Grid spacing, bohr.
    dt : float
        Time step, atomic units; negative steps back.
    dtype : dtype
        complex64 or complex128.
    backend : str
        Name of the backend.
    boundary : str or tuple of 3 str
        ``"periodic"`` or ``"dirichlet"`` (the wave function is zero one point beyond either end).
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

    Notes
    -----
    A step reads and writes psi once where a plane of it fits the second-level cache.  For many orbitals
    on a large grid that holds in the packed layout: ``packed = plan.pack(psi)``, any number of ``plan(packed)``,
    ``plan.unpack(packed)``.  Otherwise psi is read and written twice.

    Examples
    --------
    >>> import numpy as np
    >>> plan = KinProp((4, 6, 8), 2, 0.5, 0.05, backend="reference")
    >>> psi = np.ones((4, 6, 8, 2), complex)  # a plane wave with k = 0 has T = 0 and stays
    >>> bool(np.allclose(plan(psi), 1.0))
    True
    """

    KERNEL = "kin_prop"
    KNOBS = {
        "cpu": (
            ISA,
            SCHEDULE,
            Knob("block", (0, 1, 2, 4, 8, 16, 4096), "parts of the grid along x, 4096: planes one by one; 0: by cache"),
        ),
        "sycl": (
            Knob("form", ("best", "planes"), "one pass where it fits the cache, or always planes and then lines"),
            Knob("task_points", (72, 8, 16, 32, 144), "points along z of a task on lines"),
        ),
        "cuda": (Knob("items", (128, 32, 64), "work items of a group"),),
    }

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        spacing: float | Sequence[float],
        dt: float,
        dtype: DTypeLike = "complex128",
        backend: str | Backend = "cpu",
        boundary: str | Sequence[str] = "periodic",
        threads: int | None = None,
        tuning: Tuning | None = None,
        effort: str | None = None,
    ) -> None:
        super().__init__(shape, whole("norb", norb, at_least=1), dtype, backend, threads, tuning, effort)
        self.spacing = checked_spacing(spacing)
        self.boundary = checked_boundary(boundary, self.shape)
        self.dt = real("dt", dt)
        self.packing = Packing(self.shape, self.norb, self.dtype, self.arrays)
        self._sets = [pair_sets(n, kind == "periodic") for n, kind in zip(self.shape, self.boundary, strict=True)]
        self._known = {
            (part, adjoint): self._tabulate(part, adjoint) for part in ORDERS for adjoint in (False, True)
        }
        self._spare: list[Any] = []
        self._raw = self.load("kin_prop")

    def __call__(
        self,
        psi: NDArray[Any],
        A: Sequence[float] = (0.0, 0.0, 0.0),
        v: NDArray[np.float64] | None = None,
        local: str = "both",
        steps: int = 1,
        out: Any = None,
        bonds: Any = None,
    ) -> Any:
        """Propagate by one step or several, with the local potential if it is given.

        Parameters
        ----------
        psi : ndarray, (nx, ny, nz, norb) or packed, the plan's dtype, C-contiguous
            Wave functions; overwritten unless ``out`` is given.
        A : 3 float
            Vector potential, Gaussian atomic units.
        v : ndarray, (nx, ny, nz), float64, optional
            Local potential, hartree: with it each step is exp(-i dt v) beside exp(-i dt T), at next to no cost.
        local : str
            When v acts: ``"both"`` (half of the step before T and half after it), ``"before"``, ``"after"``.
        steps : int
            Steps to take with A and v as they are.
        out : ndarray, optional
            Where the result goes.
        bonds : ndarray, (3,), float64, optional
            Instead of A what `peierls` makes of it, an array of the backend: for steps whose A is on a device already.

        Returns
        -------
        ndarray
            ``psi`` or ``out``.

        Raises
        ------
        PlanError
            If ``local`` or ``steps`` makes no sense.
        ArrayError
            If an array does not fit the plan.

        Examples
        --------
        >>> import numpy as np
        >>> plan = KinProp((4, 6, 8), 2, 0.5, 0.05, backend="reference")
        >>> psi, v = np.ones((4, 6, 8, 2), complex), np.full((4, 6, 8), np.pi)
        >>> bool(np.allclose(plan(psi, v=v, steps=20), -1.0))
        True
        """
        return self._apply("full", psi, self._phases(A, bonds), False, *self._local(v, local), steps, out)

    def bind(
        self,
        psi: NDArray[Any],
        A: Sequence[float] = (0.0, 0.0, 0.0),
        v: NDArray[np.float64] | None = None,
        local: str = "both",
        steps: int = 1,
        bonds: Any = None,
    ) -> Callable[[], None]:
        """The call on these arrays, in place, checked once; arguments as of a call, ``bonds`` may change between calls.

        Examples
        --------
        >>> import numpy as np
        >>> plan = KinProp((4, 6, 8), 2, 0.5, 0.05, backend="reference")
        >>> psi, bonds = np.ones((4, 6, 8, 2), complex), np.zeros(3)
        >>> step = plan.bind(psi, bonds=bonds)
        >>> for A in ((0, 0, 0.1), (0, 0, 0.2)):
        ...     bonds[:] = plan.peierls(A)
        ...     step()
        """
        bonds = self._phases(A, bonds)
        work, acts, spare = self._target(psi, None), self._local(v, local), self._take_spare()
        return self.bound(*self._arguments("full", work, bonds, False, *acts, steps, spare))

    def first_half(
        self,
        psi: NDArray[Any],
        A: Sequence[float] = (0.0, 0.0, 0.0),
        adjoint: bool = False,
        out: Any = None,
        bonds: Any = None,
    ) -> Any:
        """The factors O/2 E/2 W/2 of the step (W/2 acts first) and half of the phase; ``adjoint`` undoes it."""
        return self._apply("first", psi, self._phases(A, bonds), adjoint, None, (0.0, 0.0), 1, out)

    def second_half(
        self,
        psi: NDArray[Any],
        A: Sequence[float] = (0.0, 0.0, 0.0),
        adjoint: bool = False,
        out: Any = None,
        bonds: Any = None,
    ) -> Any:
        """The factors W/2 E/2 O/2 of the step (O/2 acts first) and half of the phase; ``adjoint`` undoes it."""
        return self._apply("second", psi, self._phases(A, bonds), adjoint, None, (0.0, 0.0), 1, out)

    def pack(self, psi: NDArray[Any], out: Any = None) -> NDArray[Any]:
        """Wave functions in blocks of orbitals, the layout in which a step is fastest; see `Packing.pack`."""
        if out is None and self.arrays is HOST:
            out = zeros(self.packing.packed_shape, self.dtype, self.threads)
        return self.packing.pack(psi, out)

    def unpack(self, packed: NDArray[Any], out: Any = None) -> NDArray[Any]:
        """Wave functions from blocks; see `Packing.unpack`."""
        return self.packing.unpack(packed, out)

    def tables(self, A: Sequence[float] = (0.0, 0.0, 0.0)) -> tuple[Any, ...]:
        """What a raw kernel gets of a full step: pairs, angles, phase, bonds; see `reference`."""
        return *self._known["full", False], self.peierls(A)

    def flops(self) -> int:
        """Floating-point operations of a full step: 8 for each pair rotation, 20 for the phases of a number."""
        pairs = self._known["full", False][0]
        turned = sum(int(count + wrap) * self.points // self.shape[axis] for axis, _, count, wrap in pairs)
        return self.norb * (turned * PAIR_FLOPS + self.points * PHASE_FLOPS)

    def bytes(self) -> int:
        """Least memory traffic of a call: read and write psi once."""
        return 2 * self.points * self.norb * self.dtype.itemsize

    def peierls(self, A: Sequence[float]) -> NDArray[np.float64]:
        """Peierls phase A h / c of a bond along each axis, (3,) float64.

        Examples
        --------
        >>> KinProp((4, 6, 8), 2, 0.5, 0.05, backend="reference").peierls((0, 0, 137.035999)).round(6).tolist()
        [0.0, 0.0, 0.5]
        """
        return np.array([a * h / SPEED_OF_LIGHT for a, h in zip(vector("A", A), self.spacing, strict=True)])

    def _local(self, v: Any, local: str) -> tuple[Any, tuple[float, ...]]:
        """The potential, and how long it acts before and after the rotations."""
        if local not in LOCAL:
            raise PlanError(f"local is {local!r}; give one of {', '.join(LOCAL)}")
        return v if v is None else self.check_field(v, "v"), tuple(share * self.dt for share in LOCAL[local])

    def _phases(self, A: Any, bonds: Any) -> Any:
        if bonds is None:
            return self.peierls(A)
        return self.arrays.checked("bonds", bonds, (3,), np.dtype(np.float64), False)

    def _apply(
        self, part: str, psi: Any, bonds: Any, adjoint: bool, v: Any, times: tuple[float, ...], steps: int, out: Any
    ) -> Any:
        spare = self._take_spare()
        self._raw(*self._arguments(part, self._target(psi, out), bonds, adjoint, v, times, steps, spare))
        self.arrays.settle()
        self._spare.append(spare)
        return psi if out is None else out

    def _arguments(
        self, part: str, psi: Any, bonds: Any, adjoint: bool, v: Any, times: tuple[float, ...], steps: int, spare: Any
    ) -> tuple[Any, ...]:
        blocks = psi if psi.ndim == 5 else psi[None]
        steps = whole("steps", steps, at_least=0)
        return blocks, *self._known[part, adjoint], bonds, v, np.array(times), steps, spare, self._launch

    def _take_spare(self) -> Any:
        """Working memory that no other call has: the plan may be called from several threads at once."""
        try:
            return self._spare.pop()
        except IndexError:
            size = (WORK_REALS * self.points + WORK_AXES) * self.real_dtype.itemsize
            return self.arrays.empty((size,), np.uint8)

    def _target(self, psi: Any, out: Any) -> Any:
        return self.packing.target(psi, out) if getattr(psi, "ndim", 4) == 5 else self.target(psi, out)

    def _tabulate(self, part: str, adjoint: bool) -> Sweeps:
        """Pairs and angles of the sweeps in their order, and the angle of the global phase."""
        order = tuple(reversed(ORDERS[part])) if adjoint else ORDERS[part]
        dt = -self.dt if adjoint else self.dt
        pairs: list[tuple[int, ...]] = []
        angles: list[float] = []
        for axis, (h, sets) in enumerate(zip(self.spacing, self._sets, strict=True)):
            pairs += [(axis, *sets[name]) for name, _ in order if name in sets]
            angles += [share * dt / (2.0 * h * h) for name, share in order if name in sets]
        phase = (dt if part == "full" else 0.5 * dt) * sum(h**-2 for h in self.spacing)
        return np.array(pairs, np.int32), np.array(angles), phase


def pair_sets(n: int, periodic: bool) -> dict[str, tuple[int, int, int]]:
    """The sets of disjoint pairs of an axis, each as (first point, pairs in a row, wrap pair too).

    Examples
    --------
    >>> pair_sets(5, periodic=True)
    {'E': (0, 2, 0), 'O': (1, 2, 0), 'W': (0, 0, 1)}
    """
    wrap = int(periodic and n % 2 == 0)
    sets = {"E": (0, n // 2, 0), "O": (1, (n - 1) // 2, wrap), "W": (0, 0, int(periodic and not wrap))}
    return {name: entry for name, entry in sets.items() if entry[1] or entry[2]}


def reference(
    psi: NDArray[Any],
    pairs: NDArray[np.int32],
    angles: NDArray[np.float64],
    phase: float,
    bonds: NDArray[np.float64],
    v: NDArray[np.float64] | None,
    times: NDArray[np.float64],
    steps: int,
    work: NDArray[np.uint8],
    threads: int,
) -> None:
    """Raw kernel: phases of v, the rotations one after the other, phases of v, the global phase, in place.

    Parameters
    ----------
    psi : (blocks, nx, ny, nz, orbitals) complex
        Wave functions.
    pairs : (sweeps, 4) int32
        Axis, first point, pairs in a row, wrap pair (0 or 1) of every sweep.
    angles : (sweeps,) float64
        Angle of rotation of every sweep.
    phase : float
        The result is multiplied by exp(-i phase).
    bonds : (3,) float64
        Peierls phase of a bond along each axis.
    v : (nx, ny, nz) float64 or None
    times : (2,) float64
        Time of v before and after the rotations.
    steps : int
    work : (bytes,) uint8
        Memory that may be written to; not used here.
    threads : int
        Not used here.
    """
    wide = psi.astype(np.complex128)
    before, after = (1.0 if v is None else np.exp(-1j * time * v)[..., None] for time in times)
    for _ in range(steps):
        wide *= before
        for (axis, start, count, wrap), angle in zip(pairs, angles, strict=True):
            c, beta = np.cos(angle), 1j * np.sin(angle) * np.exp(1j * bonds[axis])
            points = np.moveaxis(wide, 1 + axis, 0)
            _rotate(points[start : start + 2 * count : 2], points[start + 1 : start + 2 * count : 2], c, beta)
            if wrap:
                _rotate(points[-1], points[0], c, beta)
        wide *= np.exp(-1j * phase) * after
    psi[...] = wide


def _rotate(a: NDArray[Any], b: NDArray[Any], c: float, beta: complex) -> None:
    a[...], b[...] = c * a + beta * b, c * b - beta.conjugate() * a
