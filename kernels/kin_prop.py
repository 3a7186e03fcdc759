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
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .constants import SPEED_OF_LIGHT
from .plan import Plan, checked_boundary, checked_spacing, real, vector, whole
from .rotations import rotations, split_phase

# Sets of pairs and the part of the time step of each, in the order in which they act.
ORDERS: dict[str, tuple[tuple[str, float], ...]] = {
    "full": (("W", 0.5), ("E", 0.5), ("O", 1.0), ("E", 0.5), ("W", 0.5)),
    "first": (("W", 0.5), ("E", 0.5), ("O", 0.5)),
    "second": (("O", 0.5), ("E", 0.5), ("W", 0.5)),
}
PAIR_FLOPS = 24
PHASE_FLOPS = 14

Sweeps = tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.complex128]]


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

    Raises
    ------
    PlanError, BackendUnavailable
        See `Plan`.

    Examples
    --------
    >>> import numpy as np
    >>> plan = KinProp((4, 6, 8), 2, 0.5, 0.05, backend="reference")
    >>> psi = np.ones((4, 6, 8, 2), complex)  # a plane wave with k = 0 has T = 0 and stays
    >>> bool(np.allclose(plan(psi), 1.0))
    True
    """

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        spacing: float | Sequence[float],
        dt: float,
        dtype: DTypeLike = "complex128",
        backend: str = "cpu",
        boundary: str | Sequence[str] = "periodic",
        threads: int | None = None,
    ) -> None:
        super().__init__(shape, whole("norb", norb, at_least=1), dtype, backend, threads)
        self.spacing = checked_spacing(spacing)
        self.boundary = checked_boundary(boundary, self.shape)
        self.dt = real("dt", dt)
        self._sets = [pair_sets(n, kind == "periodic") for n, kind in zip(self.shape, self.boundary, strict=True)]
        self._known: dict[tuple[Any, ...], Sweeps] = {}
        self._raw = self.load("kin_prop")

    def __call__(self, psi: NDArray[Any], A: Sequence[float] = (0.0, 0.0, 0.0), out: Any = None) -> NDArray[Any]:
        """Propagate by one step.

        Parameters
        ----------
        psi : ndarray, (nx, ny, nz, norb), the plan's dtype, C-contiguous
            Wave functions; overwritten unless ``out`` is given.
        A : 3 float
            Vector potential, Gaussian atomic units.
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
        return self._apply("full", psi, A, False, out)

    def first_half(
        self, psi: NDArray[Any], A: Sequence[float] = (0.0, 0.0, 0.0), adjoint: bool = False, out: Any = None
    ) -> NDArray[Any]:
        """The factors O/2 E/2 W/2 of the step (W/2 acts first) and half of the phase; ``adjoint`` undoes it."""
        return self._apply("first", psi, A, adjoint, out)

    def second_half(
        self, psi: NDArray[Any], A: Sequence[float] = (0.0, 0.0, 0.0), adjoint: bool = False, out: Any = None
    ) -> NDArray[Any]:
        """The factors W/2 E/2 O/2 of the step (O/2 acts first) and half of the phase; ``adjoint`` undoes it."""
        return self._apply("second", psi, A, adjoint, out)

    def flops(self) -> int:
        """Floating-point operations of a full step: 24 for each pair rotation, 14 for each phase."""
        pairs = self._sweeps("full", (0.0, 0.0, 0.0), False)[0]
        turned = sum(int(count + wrap) * self.points // self.shape[axis] for axis, _, count, wrap in pairs)
        return self.norb * (turned * PAIR_FLOPS + self.points * PHASE_FLOPS)

    def bytes(self) -> int:
        """Least memory traffic of a call: read and write psi once."""
        return 2 * self.points * self.norb * self.dtype.itemsize

    def _apply(self, part: str, psi: NDArray[Any], A: Any, adjoint: bool, out: Any) -> NDArray[Any]:
        potential = vector("A", A)
        work = self.target(psi, out)
        self._raw(work, *self._sweeps(part, potential, adjoint), self.threads)
        return work

    def _sweeps(self, part: str, A: tuple[float, float, float], adjoint: bool) -> Sweeps:
        """Tables for the raw kernel, kept for the last few vector potentials."""
        key = (part, A, adjoint)
        if key not in self._known:
            if len(self._known) >= 8:
                self._known.clear()
            self._known[key] = self._tabulate(part, A, adjoint)
        return self._known[key]

    def _tabulate(self, part: str, A: tuple[float, float, float], adjoint: bool) -> Sweeps:
        order = tuple(reversed(ORDERS[part])) if adjoint else ORDERS[part]
        dt = -self.dt if adjoint else self.dt
        single = bool(self.dtype == np.complex64)
        pairs: list[tuple[int, ...]] = []
        turns: list[tuple[float, ...]] = []
        for axis, (h, sets) in enumerate(zip(self.spacing, self._sets, strict=True)):
            theta = A[axis] * h / SPEED_OF_LIGHT
            turn = {share: rotations(share * dt / (2.0 * h * h), theta, single) for share in {s for _, s in order}}
            for name, share in order:
                if name in sets:
                    pairs += [(axis, *sets[name])] * len(turn[share])
                    turns += turn[share]
        angle = (dt if part == "full" else 0.5 * dt) * sum(h**-2 for h in self.spacing)
        return np.array(pairs, np.int32), np.array(turns), np.array(split_phase(angle, single))


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
    psi: NDArray[Any], pairs: NDArray[np.int32], turns: NDArray[np.float64], phase: NDArray[np.complex128], threads: int
) -> None:
    """Raw kernel: the rotations one after the other, then the phase, in place.

    Parameters
    ----------
    psi : (nx, ny, nz, norb) complex
        Wave functions.
    pairs : (sweeps, 4) int32
        Axis, first point, pairs in a row, wrap pair (0 or 1) of every sweep.
    turns : (sweeps, 4) float64
        High and low part of c, Re beta, Im beta of every sweep.
    phase : (2,) complex128
        High and low part of the global phase.
    threads : int
        Not used here.
    """
    work = psi.astype(np.complex128)
    for (axis, start, count, wrap), (c, low, *parts) in zip(pairs, turns, strict=True):
        beta = complex(*parts)
        points = np.moveaxis(work, axis, 0)
        _rotate(points[start : start + 2 * count : 2], points[start + 1 : start + 2 * count : 2], c, low, beta)
        if wrap:
            _rotate(points[-1], points[0], c, low, beta)
    psi[...] = work * phase[1] + work * phase[0]


def _rotate(a: NDArray[Any], b: NDArray[Any], c: float, low: float, beta: complex) -> None:
    a[...], b[...] = c * a + (beta * b + low * a), c * b + (low * b - beta.conjugate() * a)
