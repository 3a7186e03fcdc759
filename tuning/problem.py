"""What is tuned for: a kernel, the size and type of its arrays, threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backends import MlmdError, PlanError, default_threads
from ..backends.choice import Question
from ..kernels.hartree import METHODS
from ..kernels.nlp_prop import MODES
from ..kernels.plan import Boundary, checked_boundary, checked_dtype, checked_shape, checked_spacing, whole

KERNELS = ("kin_prop", "loc_prop", "nlp_prop", "overlap", "density", "current", "hartree")
RANKED = ("nlp_prop", "overlap")
SPACING = 0.4  # bohr; times do not depend on it
SMALL = 12  # points along an axis on which a candidate meets the reference


@dataclass(frozen=True)
class Problem(Question):
    """A question as plans ask it, and what a plan needs besides.

    Attributes
    ----------
    spacing : tuple of 3 float
        Grid spacing, bohr.
    boundary : tuple of 3 str
        ``"periodic"`` or ``"dirichlet"``.
    """

    spacing: tuple[float, float, float] = (SPACING,) * 3
    boundary: Boundary = ("periodic",) * 3

    @property
    def points(self) -> int:
        """Grid points."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of psi; for hartree of one field."""
        return self.points * max(1, self.norb) * np.dtype(self.dtype).itemsize

    def small(self) -> Problem:
        """The same problem on few points, with as many orbitals: the plain reference can do it.

        Examples
        --------
        >>> make_problem("density", (70, 71, 8), 64).small().shape
        (12, 13, 8)
        """
        x, y, z = (n if n <= SMALL else SMALL + n % 2 for n in self.shape)
        return replace(self, shape=(x, y, z), rank=min(self.rank, x * y * z))

    def __str__(self) -> str:
        grid = "x".join(map(str, self.shape))
        rank = f", rank {self.rank}" if self.rank else ""
        orbitals = f" x {self.norb} {self.dtype}{rank}" if self.norb else ""
        return f"{self.kernel}{' ' if self.mode else ''}{self.mode} {grid}{orbitals}, {self.threads} threads"


def make_problem(
    kernel: str,
    shape: Sequence[int],
    norb: int = 1,
    dtype: Any = "complex64",
    threads: int | None = None,
    rank: int | None = None,
    mode: str = "",
    spacing: Any = SPACING,
    boundary: str | Sequence[str] = "periodic",
) -> Problem:
    """A checked problem.

    Parameters
    ----------
    kernel : str
        Its name.
    shape : tuple of 3 int
        Grid points.
    norb : int
        Orbitals; not looked at for hartree.
    dtype : dtype
        complex64 or complex128; not looked at for hartree.
    threads : int, optional
        Threads of a plan; by default as in `mlmd.kernels.plan.Plan`.
    rank : int, optional
        By default as many as orbitals, where the kernel has a rank.
    mode : str
        Arithmetic of nlp_prop (by default that of the dtype), method of hartree (by default multigrid).
    spacing : float or tuple of 3 float
        Grid spacing, bohr.
    boundary : str or tuple of 3 str
        ``"periodic"`` or ``"dirichlet"``.

    Returns
    -------
    Problem

    Raises
    ------
    MlmdError
        For a kernel that is not there.
    PlanError
        For parameters that make no sense.

    Examples
    --------
    >>> make_problem("nlp_prop", (8, 8, 8), 4, threads=2).mode
    'fp32'
    """
    if kernel not in KERNELS:
        raise MlmdError(f"there is no kernel '{kernel}' to tune; known: {', '.join(KERNELS)}")
    points = checked_shape(shape)
    team = default_threads() if threads is None else whole("threads", threads, at_least=1)
    frame: dict[str, Any] = {"spacing": checked_spacing(spacing), "boundary": checked_boundary(boundary, points)}
    if kernel == "hartree":
        return Problem(kernel, points, 0, "float64", team, 0, _one_of("method", mode or "multigrid", METHODS), **frame)
    norb, kind = whole("norb", norb, at_least=1), str(checked_dtype(dtype))
    columns = (norb if rank is None else whole("rank", rank, at_least=1)) if kernel in RANKED else 0
    if columns > math.prod(points):
        raise PlanError(f"rank is {columns}, more than the {math.prod(points)} grid points; give a smaller one")
    usual = "fp32" if kind == "complex64" else "fp64"
    mode = _one_of("mode", mode or usual, tuple(MODES)) if kernel == "nlp_prop" else ""
    return Problem(kernel, points, norb, kind, team, columns, mode, **frame)


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise PlanError(f"{name} is {value!r}; give one of {', '.join(known)}")
    return value
