"""Rivals of ``kin_prop``: what else a user could do for exp(-i dt T), at equal psi, and the four rows of Table 3.

All of them propagate by one step without light on a periodic grid.  Those by pairs do the same rotations as the plan;
the FFT step (forward, phase, backward) has the spectral kinetic energy.  Each owns its wave functions, in the layout
that suits it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import DTypeLike, NDArray

from ..backends import get
from ..kernels import kin_prop, zeros
from ..kernels.kin_prop import ORDERS, pair_sets
from ..tuning.inputs import random_waves
from .roofs import native

Shape = tuple[int, int, int]
Call = Callable[[], Any]
Rotation = tuple[int, int, int, int, float, complex]  # axis, first point, pairs in a row, wrap pair, c, beta

SPACING, TIME_STEP = 0.4, 0.04
FFT = "FFT step, "
ORBITAL_MAJOR = "numba, by orbital"
TABLE3 = ("baseline", "contiguous", "reordered", "blocked", "hierarchical")


def rivals(shape: Shape, norb: int, dtype: DTypeLike, threads: int) -> dict[str, Call]:
    """The peers of the plan: name -> one step.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    norb : int
        Number of orbitals.
    dtype : dtype
        complex64 or complex128.
    threads : int
        Threads of each.

    Examples
    --------
    >>> list(rivals((4, 4, 4), 2, "complex64", 1))[0]
    'numpy, slices'
    """
    psi = random_waves((*shape, norb), dtype)
    found: dict[str, Call] = {"numpy, slices": lambda: numpy_step(psi, rotations(shape), phase_of())}
    if get("numba").status().works:
        found[ORBITAL_MAJOR] = orbital_major(shape, norb, dtype, threads)
    columns = random_waves((norb, *shape), dtype)
    factor = np.exp(-1j * TIME_STEP * spectral_kinetic(shape)).astype(dtype)
    found |= {FFT + name: step for name, step in fft_steps(columns, factor, threads)}
    return found


def table3_rivals(shape: Shape, norb: int, dtype: DTypeLike, threads: int) -> dict[str, Call]:
    """The rows of the paper's Table 3 that can run here: name -> one step.

    Parameters
    ----------
    shape, norb, dtype
        As in `rivals`.
    threads : int
        Threads of the hierarchical row; the others have one, as in the paper.
    """
    module, psi = native(), zeros((*shape, norb), dtype, threads)
    psi[...] = random_waves(psi.shape, dtype)
    columns = random_waves((norb, *shape), dtype)
    one, wide = (kin_prop(shape, norb, SPACING, TIME_STEP, dtype, "cpu", threads=t) for t in (1, threads))
    packed = wide.pack(psi)
    return {
        "baseline": lambda: module.kin_rung(columns, "baseline", *one.tables(), 1),
        "contiguous": lambda: module.kin_rung(columns, "contiguous", *one.tables(), 1),
        "reordered": lambda: module.kin_rung(psi, "reordered", *one.tables(), 1),
        "blocked": lambda: one(psi),
        "hierarchical": lambda: wide(packed),
    }


def scaling_pass(psi: NDArray[Any], threads: int) -> Call:
    """The roof of all propagators: psi <- -psi in place."""
    module, numbers = native(), psi.view(psi.real.dtype)
    return lambda: module.roof_scale(numbers, -1.0, threads)


def reading_pass(psi: NDArray[Any], threads: int) -> Call:
    """The roof of all reductions: the sum of the numbers in psi."""
    module, numbers = native(), psi.view(psi.real.dtype)
    return lambda: module.roof_read(numbers, threads)


def rotations(shape: Shape) -> list[Rotation]:
    """The pair rotations of a step, in their order.

    Examples
    --------
    >>> len(rotations((4, 4, 4)))  # half even, full odd, half even for each axis
    9
    """
    found = []
    for axis, n in enumerate(shape):
        sets = pair_sets(n, periodic=True)
        for name, share in ORDERS["full"]:
            if name in sets:
                angle = share * TIME_STEP / (2.0 * SPACING**2)
                found.append((axis, *sets[name], math.cos(angle), 1j * math.sin(angle)))
    return found


def phase_of() -> complex:
    """The global phase of a step, from the diagonal of T."""
    return complex(np.exp(-3j * TIME_STEP / SPACING**2))


def numpy_step(psi: NDArray[Any], turns: list[Rotation], phase: complex) -> None:
    """One step by array slices, in place; psi is (nx, ny, nz, norb)."""
    for axis, start, count, wrap, c, beta in turns:
        points = np.moveaxis(psi, axis, 0)
        pairs = [(points[start : start + 2 * count : 2], points[start + 1 : start + 2 * count : 2])] if count else []
        for a, b in [*pairs, (points[-1:], points[:1])][: len(pairs) + wrap]:
            turned = c * a + beta * b
            b *= c
            b += beta * a
            a[...] = turned
    psi *= phase


def orbital_major(shape: Shape, norb: int, dtype: DTypeLike, threads: int) -> Call:
    """What a user writes first: psi[orbital, x, y, z], orbital by orbital, compiled by Numba, orbitals in parallel."""
    from ..kernels.numba.threads import team
    from .orbital_major import propagate

    columns = random_waves((norb, *shape), dtype)
    real = columns.real.dtype.type
    kind = columns.dtype.type
    turns = rotations(shape)
    sets = np.array([turn[:4] for turn in turns], np.int64)
    c, beta = (np.array(values) for values in zip(*(turn[4:] for turn in turns), strict=True))
    arguments = (sets, c.astype(real), beta.astype(kind), kind(phase_of()))

    def step() -> None:
        with team(threads):
            propagate(columns, *arguments)

    return step


def spectral_kinetic(shape: Shape) -> NDArray[np.float64]:
    """Kinetic energy of the plane waves, k^2 / 2."""
    k = np.meshgrid(*(2 * np.pi * np.fft.fftfreq(n, SPACING) for n in shape), indexing="ij", sparse=True)
    return np.asarray(0.5 * sum(component**2 for component in k))


def fft_steps(columns: NDArray[Any], factor: NDArray[Any], threads: int) -> Iterator[tuple[str, Call]]:
    """The FFT step by each FFT library that is here; columns are (norb, nx, ny, nz), overwritten."""
    axes = (1, 2, 3)

    def by_scipy() -> None:
        spectrum = scipy.fft.fftn(columns, axes=axes, workers=threads)
        spectrum *= factor
        columns[...] = scipy.fft.ifftn(spectrum, axes=axes, workers=threads, overwrite_x=True)

    yield "scipy.fft", by_scipy
    if find_spec("mkl_fft"):
        yield "mkl_fft", _mkl_step(columns, factor)
    if find_spec("pyfftw"):
        yield "pyfftw", _fftw_step(columns, factor, threads)


def _mkl_step(columns: NDArray[Any], factor: NDArray[Any]) -> Call:
    """Orbital by orbital, so that one orbital stays in cache through its three stages; threads are MKL's own."""
    import mkl_fft

    def step() -> None:
        for column in columns:
            spectrum = mkl_fft.fftn(column)
            spectrum *= factor
            column[...] = mkl_fft.ifftn(spectrum)

    return step


def _fftw_step(columns: NDArray[Any], factor: NDArray[Any], threads: int) -> Call:
    import pyfftw

    work = pyfftw.empty_aligned(columns.shape[1:], columns.dtype)
    options = {"axes": (0, 1, 2), "threads": threads, "flags": ("FFTW_MEASURE",)}
    forward = pyfftw.FFTW(work, work, direction="FFTW_FORWARD", **options)
    backward = pyfftw.FFTW(work, work, direction="FFTW_BACKWARD", **options)

    def step() -> None:
        for column in columns:
            work[...] = column
            forward()
            np.multiply(work, factor, out=work)
            backward()
            column[...] = work

    return step
