"""Observables and the Hartree potential beside their rivals: NumPy, Numba and fast transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import current, density, hartree, loc_prop

Calls = dict[str, Callable[[], None]]
SPACING, TIME_STEP, TOLERANCE = 0.24, 0.033, 1e-8
BACKENDS = {"cpu": "mlmd", "reference": "numpy", "numba": "numba"}


def rivals(kernel: str, shape: tuple[int, int, int], norb: int, dtype: str, threads: int) -> Calls:
    """Callables that do the same work, ready to be timed in turns.

    Parameters
    ----------
    kernel : str
        ``"density"``, ``"current"``, ``"measure"`` (current, energy and density), ``"loc_prop"`` or ``"hartree"``.
    shape : tuple of 3 int
        Grid points.
    norb : int
        Number of orbitals (any number for hartree).
    dtype : str
        ``"complex64"`` or ``"complex128"``.
    threads : int
        Threads of each.

    Returns
    -------
    dict of str to callable
        ``"mlmd"`` and its rivals; the first call of each may compile.

    Examples
    --------
    >>> calls = rivals("density", (8, 8, 8), 3, "complex64", threads=1)
    >>> list(calls)
    ['mlmd', 'numpy', 'numba']
    >>> calls["mlmd"]()
    """
    rng = np.random.default_rng(1)
    if kernel == "hartree":
        return hartree_rivals(rng.normal(size=shape), threads)
    psi = (rng.normal(size=(*shape, norb)) + 1j * rng.normal(size=(*shape, norb))).astype(dtype)
    return {name: orbital_call(kernel, backend, psi, threads) for backend, name in BACKENDS.items()}


def orbital_call(kernel: str, backend: str, psi: NDArray[Any], threads: int) -> Callable[[], None]:
    """One backend's kernel on wave functions."""
    *grid, norb = psi.shape
    f, field, dtype = np.ones(norb), np.ones(grid), psi.dtype
    if kernel == "density":
        squares = density(grid, norb, dtype, backend, threads)
        return lambda: _done(squares(psi, f, out=field))
    if kernel == "loc_prop":
        phases = loc_prop(grid, norb, TIME_STEP, dtype, backend, threads)
        return lambda: _done(phases(psi, field))
    bonds = current(grid, norb, SPACING, dtype, backend, threads=threads)
    if kernel == "current":
        return lambda: _done(bonds(psi, f))
    if kernel == "measure":
        return lambda: _done(bonds.measure(psi, f, density=field))
    raise ValueError(f"kernel is {kernel!r}; give density, current, measure, loc_prop or hartree")


def hartree_rivals(n: NDArray[np.float64], threads: int) -> Calls:
    """Multigrid, the DSA sweeps of a step, the transforms, and multigrid by the other backends."""

    def call(method: str, backend: str = "cpu") -> Callable[[], None]:
        solver = hartree(n.shape, SPACING, method=method, tol=TOLERANCE, backend=backend, threads=threads)
        return lambda: _done(solver(n))

    calls = {"mlmd": call("multigrid"), "mlmd dsa": call("dsa"), "fft": call("fft")}
    return calls | {BACKENDS[backend]: call("multigrid", backend) for backend in ("reference", "numba")}


def _done(_: Any) -> None:
    """Drops a result."""
