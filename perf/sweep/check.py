"""Is a backend right?  Each row of a sweep is compared with the plain reference before it is timed.

Both get the same numbers, those that the row's dtype can hold; the reference works in double precision.  The error is
the norm of the difference over the norm of the reference's result.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import kernels
from ...backends import get
from ..bench_kinetic import SPACING
from ..cases import RANKED, VECTOR_POTENTIAL, Problem, kinetic_plan

LARGEST = 2**21  # numbers in psi; above it a smaller grid is compared: the reference is slow
LEAST_POINTS = 4  # along an axis of that grid
TOLERANCE = {"fp64": 1e-12, "fp32": 1e-5, "bf16x3": 1e-5, "bf16x2": 1e-4, "bf16x1": 2e-2}
TOLERANCE |= {"multigrid": 1e-6, "dsa": 1e-9, "fft": 1e-9}
HARTREE_TOLERANCE = 1e-8


def compared(problem: Problem) -> Problem:
    """The problem itself, or the same with fewer grid points if the reference would take long.

    Examples
    --------
    >>> compared(Problem("density", (64, 64, 64), 64, "complex64", 2, 0)).shape
    (32, 32, 32)
    """
    shape = list(problem.shape)
    while math.prod(shape) * max(1, problem.norb) > LARGEST and max(shape) > LEAST_POINTS:
        axis = shape.index(max(shape))
        shape[axis] = max(LEAST_POINTS, shape[axis] // 4 * 2)
    x, y, z = shape
    return replace(problem, shape=(x, y, z), rank=min(problem.rank, x * y * z))


def relative_error(problem: Problem, mode: str, backend: str) -> float:
    """How far a backend is from the reference.

    Parameters
    ----------
    problem : Problem
        Small enough for the reference, see `compared`.
    mode : str
        Arithmetic, or the method of hartree.
    backend : str
        Name of the backend.

    Raises
    ------
    MlmdError
        If the backend cannot do it.

    Examples
    --------
    >>> relative_error(Problem("density", (4, 4, 4), 2, "complex64", 1, 0), "fp32", "reference")
    0.0
    """
    inputs = Inputs(problem)
    got = inputs.result(problem, mode, backend)
    plain = problem if problem.kernel == "hartree" else replace(problem, dtype="complex128")
    expected = inputs.result(plain, mode if problem.kernel == "hartree" else "fp64", "reference")
    error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
    return float(error)


class Inputs:
    """Random input of a problem.

    Those of nlp_prop lie in the span of Q, so that the result is the products and nothing else.
    """

    def __init__(self, problem: Problem) -> None:
        self.rng = np.random.default_rng(7)
        self.f = self.rng.uniform(0.0, 2.0, problem.norb)
        self.field = self.rng.normal(size=problem.shape)
        rank = problem.rank if problem.kernel in RANKED else 1
        columns, _ = np.linalg.qr(self.numbers((problem.points, rank)))
        self.Q = columns.reshape(*problem.shape, rank)
        self.S = np.diag(np.expm1(-1j * self.rng.uniform(1.0, 5.0, rank)))
        self.psi = self.numbers((*problem.shape, problem.norb))
        if problem.kernel in RANKED:
            self.psi = self.Q @ self.numbers((rank, problem.norb))
        if problem.norb:
            self.psi, self.Q = self.psi.astype(problem.dtype), self.Q.astype(problem.dtype)

    def numbers(self, shape: tuple[int, ...]) -> NDArray[np.complex128]:
        """Random complex numbers."""
        return self.rng.normal(size=shape) + 1j * self.rng.normal(size=shape)

    def result(self, problem: Problem, mode: str, backend: str) -> NDArray[Any]:
        """What a backend makes of the input in the types of the problem."""
        arrays = get(backend).arrays()
        size = problem.shape, problem.norb
        options: dict[str, Any] = {"dtype": problem.dtype, "backend": backend, "threads": problem.threads}
        there = arrays.asarray
        psi: Any = there(self.psi.astype(problem.dtype)) if problem.norb else None
        match problem.kernel:
            case "kin_prop":
                found = kinetic_plan(problem, backend)(psi, VECTOR_POTENTIAL)
            case "loc_prop":
                found = kernels.loc_prop(*size, dt=1.0, **options)(psi, there(self.field))
            case "density":
                found = kernels.density(*size, **options)(psi, there(self.f))
            case "current":
                found = kernels.current(*size, spacing=SPACING, **options).sums(psi, there(self.f))
            case "overlap":
                overlap = kernels.overlap(*size, rank=problem.rank, dv=1.0, **options)
                found = overlap(there(self.Q.astype(problem.dtype)), psi)
            case "nlp_prop":
                low_rank = kernels.nlp_prop(*size, rank=problem.rank, dv=1.0, mode=mode, **options)
                low_rank.set(there(self.Q.astype(problem.dtype)), self.S)
                found = low_rank(psi)
            case "hartree":
                del options["dtype"]
                solver = kernels.hartree(problem.shape, SPACING, method=mode, tol=HARTREE_TOLERANCE, **options)
                found = solver(there(self.field))
        return np.asarray(arrays.asnumpy(found)).astype(np.complex128)
