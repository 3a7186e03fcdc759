r"""Nonlocal pseudopotential :math:`\hat v_{nl} = \sum_{aij} |p_i^a\rangle h^a_{ij} \langle p_j^a|` on the grid.

Projectors are made in reciprocal space at the kinetic momentum q = G + k + A/c,

.. math:: p(\mathbf r) = \frac1\Omega \sum_G e^{iG\cdot r}
          (-i)^l\, 4\pi \int r^2 p(r) j_l(qr) dr\; Y_{lm}(\hat q)\, e^{-iG\cdot R},

so that they move smoothly with the atoms and carry the phase exp(-iA.r/c) of a uniform vector potential exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import fourier
from ..grid import Grid
from .pseudopotential import Channel, Pseudopotential

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
_S, _P = np.sqrt(1 / (4 * np.pi)), np.sqrt(3 / (4 * np.pi))
_D, _D0 = np.sqrt(15 / (4 * np.pi)), np.sqrt(5 / (16 * np.pi))

# Real solid harmonics q^l Y_lm(q), l = 0, 1, 2.
SOLID_HARMONICS: tuple[tuple[Callable[[Any, Any, Any], Any], ...], ...] = (
    (lambda x, y, z: _S + 0 * (x + y + z),),
    (
        lambda x, y, z: _P * x + 0 * (y + z),
        lambda x, y, z: _P * y + 0 * (x + z),
        lambda x, y, z: _P * z + 0 * (x + y),
    ),
    (
        lambda x, y, z: _D * x * y + 0 * z,
        lambda x, y, z: _D * y * z + 0 * x,
        lambda x, y, z: _D * z * x + 0 * y,
        lambda x, y, z: 0.5 * _D * (x**2 - y**2) + 0 * z,
        lambda x, y, z: _D0 * (2 * z**2 - x**2 - y**2),
    ),
)


def structure_phase(grid: Grid, position: Array, half: bool = False) -> Complex:
    """Phase factors exp(-i G.R) on the (half) spectrum, 0 at the Nyquist planes of even axes.

    A grid cannot tell +G from -G there; without these planes everything moves smoothly with R.
    """
    phase = np.ones((1, 1, 1), dtype=complex)
    for axis, (n, g, r) in enumerate(zip(grid.shape, grid.wave_numbers, position, strict=True)):
        factor = np.exp(-1j * g * r)
        if n % 2 == 0:
            factor[n // 2] = 0.0
        if half and axis == 2:
            factor = np.where(g < 0, np.conj(factor), factor)[: n // 2 + 1]
        phase = phase * factor.reshape([-1 if a == axis else 1 for a in range(3)])
    return phase


class Projectors:
    """Projectors of all atoms for one momentum offset.

    Parameters
    ----------
    grid
        The grid.
    elements, positions
        Chemical symbols and Cartesian positions (natoms, 3) in bohr.
    pseudos
        Pseudopotential of each element.
    """

    def __init__(
        self,
        grid: Grid,
        elements: Sequence[str],
        positions: Array,
        pseudos: Mapping[str, Pseudopotential],
    ) -> None:
        self.grid, self.elements, self.positions, self.pseudos = grid, elements, positions, pseudos
        self.coupling = self._coupling()

    @property
    def count(self) -> int:
        """Number of projectors."""
        return len(self.coupling)

    def _columns(self, element: str) -> list[tuple[Channel, int, Callable[[Any, Any, Any], Any]]]:
        return [
            (channel, i, harmonic)
            for channel in self.pseudos[element].channels
            for harmonic in SOLID_HARMONICS[channel.l]
            for i in range(len(channel.h))
        ]

    def _coupling(self) -> Array:
        blocks = [
            channel.h
            for element in self.elements
            for channel in self.pseudos[element].channels
            for _ in SOLID_HARMONICS[channel.l]
        ]
        size = sum(len(block) for block in blocks)
        matrix, start = np.zeros((size, size)), 0
        for block in blocks:
            matrix[start : start + len(block), start : start + len(block)] = block
            start += len(block)
        return matrix

    def form_factors(self, element: str, offset: Array, half: bool = False) -> list[Complex]:
        """(-i)^l p(q) Y_lm(q) / dv on the spectrum for each projector of an element."""
        x, y, z = (g + q for g, q in zip(self.grid.gradient_vectors(half), offset, strict=True))
        q = np.sqrt(2 * self.grid.kinetic(offset, half))
        forms: list[Complex] = []
        for channel, i, harmonic in self._columns(element):
            radial = self.pseudos[element].radial(channel, i, q)
            forms.append((-1j) ** channel.l * radial * harmonic(x, y, z) / self.grid.dv)
        return forms

    def on_grid(self, offset: Array | None = None) -> NDArray[Any]:
        """All projectors on the grid: (nx, ny, nz, count), real without an offset, complex with one."""
        forms = {e: self._forms(e, offset) for e in dict.fromkeys(self.elements)}
        blocks = [self._atom(a, forms[e], offset) for a, e in enumerate(self.elements)]
        shape = (*self.grid.shape, 0)
        empty = np.zeros(shape, dtype=float if offset is None else complex)
        return np.concatenate([empty, *blocks], axis=3)

    def _forms(self, element: str, offset: Array | None) -> list[Complex]:
        return self.form_factors(element, np.zeros(3) if offset is None else offset, half=offset is None)

    def _atom(
        self, atom: int, forms: list[Complex], offset: Array | None, direction: int | None = None
    ) -> NDArray[Any]:
        """Projectors of one atom, or their derivative by its coordinate along ``direction``."""
        half = offset is None
        if not forms:
            return np.zeros((*self.grid.shape, 0), dtype=float if half else complex)
        phase = structure_phase(self.grid, self.positions[atom], half)
        if direction is not None:
            phase = phase * (-1j * self.grid.gradient_vectors(half)[direction])
        spectrum = np.stack([form * phase for form in forms], axis=3)
        return fourier.backward(spectrum, self.grid.shape, real=half)

    def apply(self, p: NDArray[Any], psi: NDArray[Any]) -> NDArray[Any]:
        """v_nl psi with the projectors ``p``, flat as (ngrid, count)."""
        amplitude = self.coupling @ (p.conj().T @ psi.reshape(self.grid.size, -1)) * self.grid.dv
        return (p @ amplitude).reshape(psi.shape)

    def energies(self, p: NDArray[Any], psi: NDArray[Any]) -> Array:
        """Expectation value of v_nl in each orbital with the projectors ``p``, flat as (ngrid, count); Ha."""
        overlap = p.conj().T @ psi.reshape(self.grid.size, -1) * self.grid.dv
        return np.asarray(np.real(np.sum(overlap.conj() * (self.coupling @ overlap), axis=0)))

    def forces(self, psi: NDArray[Any], occupations: Array, offset: Array | None) -> Array:
        """Force of the nonlocal potential on each atom, Ha/bohr, for one k-point's orbitals."""
        flat = psi.reshape(self.grid.size, -1)
        result, start = np.zeros((len(self.elements), 3)), 0
        for atom, element in enumerate(self.elements):
            forms = self._forms(element, offset)
            p = self._atom(atom, forms, offset).reshape(self.grid.size, -1)
            stop = start + p.shape[1]
            h = self.coupling[start:stop, start:stop]
            amplitude = h @ (p.conj().T @ flat) * self.grid.dv
            for axis in range(3):
                slope = self._atom(atom, forms, offset, axis).reshape(self.grid.size, -1)
                overlap = slope.conj().T @ flat * self.grid.dv
                result[atom, axis] = -2 * np.sum(np.real(np.conj(overlap) * amplitude) * occupations)
            start = stop
        return result
