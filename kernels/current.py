"""Current density, kinetic energy and, if wished, the density from sums over the grid, in one read of psi.

With the bond sums b_axis = sum_s f_s sum_j conj(psi_j) psi_{j+1} dv and theta = A_axis h / c,

    E_kin = sum_axis (norm - Re(e^{i theta} b_axis)) / h^2,      J_axis = Im(e^{i theta} b_axis) / (h V),

so that J V = c dE_kin/dA holds on the grid exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import Backend
from .constants import SPEED_OF_LIGHT
from .knobs import ISA, SCHEDULE, Knob, Tuning
from .plan import Plan, checked_boundary, checked_spacing, vector, whole


@dataclass(frozen=True)
class Measure:
    """Sums over the occupied orbitals.

    Attributes
    ----------
    norm : float
        sum_s f_s <psi_s|psi_s>: the number of electrons.
    kinetic_energy : float
        sum_s f_s <psi_s|(p + A/c)^2/2|psi_s>, hartree.
    J : ndarray, (3,), float64
        Mean of the velocity of the electrons over the volume, atomic units (the charge -1 is not in it).
    """

    norm: float
    kinetic_energy: float
    J: NDArray[np.float64]


class Current(Plan):
    """Plan of the current density J = (1/V) sum_s f_s Re <psi_s| p + A/c |psi_s>.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    norb : int
        Number of orbitals.
    spacing : float or tuple of 3 float
        Grid spacing, bohr.
    dtype : dtype
        complex64 or complex128.
    backend : str
        Name of the backend.
    boundary : str or tuple of 3 str
        ``"periodic"`` or ``"dirichlet"``.
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
    >>> plan = Current((8, 4, 4), 1, 0.5, backend="reference")
    >>> wave = np.exp(2j * np.pi * np.arange(8) / 8)[:, None, None, None]
    >>> psi = np.ascontiguousarray(np.broadcast_to(wave, (8, 4, 4, 1)) / 4)  # one electron
    >>> J = plan(psi, np.array([1.0]), A=(0.0, 0.0, 0.0))
    >>> bool(np.allclose(J, [np.sin(2 * np.pi / 8) / 0.5 / 16, 0, 0]))
    True
    """

    KERNEL = "current"
    KNOBS = {
        "cpu": (ISA, SCHEDULE, Knob("block", (0, 1, 2, 8, 16), "planes of a piece of work")),
    }

    def __init__(
        self,
        shape: Sequence[int],
        norb: int,
        spacing: float | Sequence[float],
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
        self.dv = math.prod(self.spacing)
        self._periodic = np.array([kind == "periodic" for kind in self.boundary], np.int32)
        self._raw = self.load("current")

    def __call__(
        self, psi: NDArray[Any], f: NDArray[np.float64], A: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> NDArray[np.float64]:
        """Current density J, float64 of shape (3,); arguments and errors as in `measure`."""
        return self.measure(psi, f, A).J

    def measure(
        self,
        psi: NDArray[Any],
        f: NDArray[np.float64],
        A: Sequence[float] = (0.0, 0.0, 0.0),
        density: NDArray[np.float64] | None = None,
    ) -> Measure:
        """Norm, kinetic energy, current and, if an array for it is given, the density in one read of psi.

        Parameters
        ----------
        psi : ndarray, (nx, ny, nz, norb), the plan's dtype, C-contiguous
            Wave functions.
        f : ndarray, (norb,), float64
            Occupations.
        A : 3 float
            Vector potential, Gaussian atomic units.
        density : ndarray, (nx, ny, nz), float64, optional
            Where the density sum_s f_s |psi_s|^2 goes, electrons per bohr^3.

        Returns
        -------
        Measure

        Raises
        ------
        ArrayError
            If an array does not fit the plan.
        """
        sums = self.arrays.asnumpy(self.sums(psi, f, density))
        return measured(sums, A, self.spacing, self.dv * self.points)

    def sums(
        self, psi: NDArray[Any], f: NDArray[np.float64], density: NDArray[np.float64] | None = None
    ) -> NDArray[np.complex128]:
        """The raw sums [norm, b_x, b_y, b_z], complex128, an array of the backend; arguments as in `measure`."""
        psi, f = self.check_psi(psi, writable=False), self.check_occupations(f)
        if density is not None:
            density = self.check_field(density, "density", writable=True)
        totals = self.arrays.empty((4,), np.complex128)
        self._raw(psi, f, self._periodic, self.dv, density, totals, self._launch)
        self.arrays.settle()
        return totals

    def flops(self) -> int:
        """For each element a weighted square and three weighted products of complex numbers."""
        return (5 + 3 * 10) * self.points * self.norb

    def bytes(self) -> int:
        """Least memory traffic of a call: read psi once."""
        return self.points * self.norb * self.dtype.itemsize


def measured(
    sums: NDArray[np.complex128], A: Sequence[float], spacing: tuple[float, float, float], volume: float
) -> Measure:
    """What the sums of `Current.sums` over a whole cell tell.

    Parameters
    ----------
    sums : ndarray, (4,), complex128
        Norm and bond sums along the axes.
    A : 3 float
        Vector potential, Gaussian atomic units.
    spacing : tuple of 3 float
        Grid spacing, bohr.
    volume : float
        Volume of the cell, bohr^3.

    Examples
    --------
    >>> measured(np.array([2.0, 2.0, 2.0, 2.0 + 1j]), (0, 0, 0), (0.5, 0.5, 0.5), 8.0).J.tolist()
    [0.0, 0.0, 0.25]
    """
    h = np.array(spacing)
    theta = np.array(vector("A", A)) * h / SPEED_OF_LIGHT
    norm, *bonds = sums
    turned = np.exp(1j * theta) * np.array(bonds)
    energy = float(np.sum((norm.real - turned.real) / h**2))
    return Measure(float(norm.real), energy, turned.imag / (h * volume))


def reference(
    psi: NDArray[Any],
    f: NDArray[np.float64],
    periodic: NDArray[np.int32],
    dv: float,
    n: NDArray[np.float64] | None,
    totals: NDArray[np.complex128],
    threads: int,
) -> None:
    """Raw kernel: write [norm, b_x, b_y, b_z] into totals, and the density into n.

    Parameters
    ----------
    psi : (nx, ny, nz, norb) complex
    f : (norb,) float64
    periodic : (3,) int32
        Whether the axis has a bond from its last point to its first.
    dv : float
    n : (nx, ny, nz) float64, or None
        Overwritten.
    totals : (4,) complex128
        Overwritten.
    threads : int
        Not used here.
    """
    wide = psi.astype(np.complex128)
    squares = (wide.real**2 + wide.imag**2) @ f
    if n is not None:
        n[...] = squares
    totals[0] = np.sum(squares) * dv
    for axis in range(3):
        points = np.moveaxis(wide, axis, 0)
        totals[1 + axis] = np.sum(points[:-1].conj() * points[1:] * f) * dv
        if periodic[axis]:
            totals[1 + axis] += np.sum(points[-1].conj() * points[0] * f) * dv
