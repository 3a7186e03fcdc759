"""The kinetic step orbital by orbital, as one writes it in Numba before thinking about memory."""

from __future__ import annotations

from typing import Any

from numba import njit, prange
from numpy.typing import NDArray


@njit(cache=True)
def _rotate(psi: NDArray[Any], axis: int, i: int, j: int, c: float, beta: complex) -> None:
    """Turn the pairs of planes i and j across an axis of one orbital, (nx, ny, nz)."""
    nx, ny, nz = psi.shape
    if axis == 0:
        for y in range(ny):
            for z in range(nz):
                a, b = psi[i, y, z], psi[j, y, z]
                psi[i, y, z], psi[j, y, z] = c * a + beta * b, c * b + beta * a
    elif axis == 1:
        for x in range(nx):
            for z in range(nz):
                a, b = psi[x, i, z], psi[x, j, z]
                psi[x, i, z], psi[x, j, z] = c * a + beta * b, c * b + beta * a
    else:
        for x in range(nx):
            for y in range(ny):
                a, b = psi[x, y, i], psi[x, y, j]
                psi[x, y, i], psi[x, y, j] = c * a + beta * b, c * b + beta * a


@njit(parallel=True, cache=True)
def propagate(psi: NDArray[Any], sets: NDArray[Any], c: NDArray[Any], beta: NDArray[Any], phase: complex) -> None:
    """One step in place.

    Parameters
    ----------
    psi : (norb, nx, ny, nz) complex
    sets : (sweeps, 4) int64
        Axis, first point, pairs in a row, wrap pair of each sweep.
    c, beta : (sweeps,)
        Coefficients of the rotations, of the types of psi; beta is imaginary.
    phase : complex
        Global phase.
    """
    for orbital in prange(psi.shape[0]):
        wave = psi[orbital]
        for k in range(len(sets)):
            axis, start, count, wrap = sets[k]
            for pair in range(count):
                _rotate(wave, axis, start + 2 * pair, start + 2 * pair + 1, c[k], beta[k])
            if wrap:
                _rotate(wave, axis, wave.shape[axis] - 1, 0, c[k], beta[k])
        for x in range(wave.shape[0]):
            for y in range(wave.shape[1]):
                for z in range(wave.shape[2]):
                    wave[x, y, z] *= phase
