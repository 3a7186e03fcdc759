"""The discretisation of the reference calculations, for the ground state and the exact mode.

Octopus takes differences with four neighbours on either side (its DerivativesOrder = 4, an error of eighth order) and
samples unfiltered pseudopotentials at the grid points; ours are spectral and band-limited. On the coarse grids of the
reference the two differ by more than what shall be compared (the gap of CH4 by 0.5 eV, that of Si by a third of
itself). So its discretisation is made here, with the program's own self-consistent field and propagation around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ase
import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, gamma

from mlmd.dcmesh import fourier
from mlmd.dcmesh.grid import Grid
from mlmd.dcmesh.qxmd import GroundState
from mlmd.dcmesh.qxmd.cell import Ions, prepare
from mlmd.dcmesh.qxmd.ground_state import _SelfConsistentField
from mlmd.dcmesh.qxmd.projectors import Projectors, structure_phase

Array = NDArray[np.float64]
STENCIL = (8 / 5, -1 / 5, 8 / 315, -1 / 560)  # second derivative with four neighbours on either side
WIDTH = 0.7  # of the Gaussian charges whose potential is summed over images, bohr


class ReferenceGrid(Grid):
    """Kinetic energy and velocity of the differences; the Hartree potential stays spectral."""

    def kinetic(self, k: Array | None = None, half: bool = False) -> Array:
        total = np.zeros((1, 1, 1))
        for axis, (x, h) in enumerate(zip(self._angles(k, half), self.spacing, strict=True)):
            term = 205 / 144 - sum(c * np.cos((m + 1) * x) for m, c in enumerate(STENCIL))
            total = total + (term / h**2).reshape(_along(axis))
        return total

    def velocity(self, k: Array) -> tuple[Array, Array, Array]:
        slopes = [
            sum(c * (m + 1) * np.sin((m + 1) * x) for m, c in enumerate(STENCIL)) / h
            for x, h in zip(self._angles(k, half=False), self.spacing, strict=True)
        ]
        x, y, z = (slope.reshape(_along(axis)) for axis, slope in enumerate(slopes))
        return x, y, z

    def g_squared(self, half: bool = False) -> Array:
        return 2 * Grid.kinetic(self, half=half)

    def _angles(self, k: Array | None, half: bool) -> list[Array]:
        waves = list(self.wave_numbers)
        if half:
            waves[2] = waves[2][: self.shape[2] // 2 + 1]
        return [(g + q) * h for g, q, h in zip(waves, np.zeros(3) if k is None else k, self.spacing, strict=True)]


def _along(axis: int) -> list[int]:
    return [-1 if a == axis else 1 for a in range(3)]


def _from_atom(grid: Grid, position: Array) -> tuple[Array, Array, Array]:
    """Coordinates of the grid points from the nearest image of an atom."""
    x, y, z = ((p - r + l / 2) % l - l / 2 for p, r, l in zip(grid.points(), position, grid.lengths, strict=True))
    return x, y, z


class SampledProjectors(Projectors):
    """Projectors as they are at the grid points, with the phase exp(-iA.r/c) about their atom."""

    def on_grid(self, offset: Array | None = None) -> NDArray[Any]:
        columns = [
            self._sampled(atom, channel, i, harmonic, offset)
            for atom, element in enumerate(self.elements)
            for channel, i, harmonic in self._columns(element)
        ]
        empty = np.zeros((*self.grid.shape, 0), dtype=float if offset is None else complex)
        return np.concatenate([empty, *(c[..., None] for c in columns)], axis=3)

    def _sampled(self, atom: int, channel: Any, i: int, harmonic: Any, offset: Array | None) -> NDArray[Any]:
        x, y, z = _from_atom(self.grid, self.positions[atom])
        r2, power = x**2 + y**2 + z**2, channel.l + 2 * i + 1.5
        radial = np.sqrt(2.0) * r2**i * np.exp(-0.5 * r2 / channel.r**2) / (channel.r**power * np.sqrt(gamma(power)))
        values = radial * harmonic(x, y, z)
        return values if offset is None else values * np.exp(-1j * (offset[0] * x + offset[1] * y + offset[2] * z))


@dataclass(frozen=True)
class SampledIons(Ions):
    """Pseudopotentials at the grid points; a wall of 40 Ha outside a sphere about the middle of the cell."""

    radius: float = np.inf

    @cached_property
    def projectors(self) -> Projectors:
        return SampledProjectors(self.grid, self.elements, self.positions, self.pseudos)

    @cached_property
    def v_ion(self) -> Array:
        x, y, z = _from_atom(self.grid, np.array(self.grid.lengths) / 2)
        wall = np.where(x**2 + y**2 + z**2 > self.radius**2 * (1 + 1e-9), 40.0, 0.0)
        return sum((self.v_atom(atom) for atom in range(len(self.elements))), wall)

    def v_atom(self, atom: int) -> Array:
        """Local potential of one atom."""
        p, position = self.pseudos[self.elements[atom]], self.positions[atom]
        g2 = self.grid.g_squared(half=True)
        smooth = np.where(g2 > 0, 4 * np.pi / np.where(g2 > 0, g2, 1.0), 0.0) * np.exp(-0.5 * g2 * WIDTH**2)
        phase = structure_phase(self.grid, position, half=True)
        long_range = -p.charge * fourier.backward(smooth * phase / self.grid.dv, self.grid.shape, real=True)
        return long_range + _short_range(p, np.sqrt(sum(c**2 for c in _from_atom(self.grid, position))))


def _short_range(p: Any, r: Array) -> Array:
    """The local part of a pseudopotential without the potential of its charge spread over WIDTH."""
    far, x2 = np.maximum(r, 1e-10), (r / p.r_loc) ** 2
    coulomb = erf(far / (np.sqrt(2) * p.r_loc)) - erf(far / (np.sqrt(2) * WIDTH))
    return -p.charge / far * coulomb + np.exp(-0.5 * x2) * sum(c * x2**n for n, c in enumerate(p.c))


def reference_ground_state(
    atoms: ase.Atoms, shape: tuple[int, int, int], extra_bands: int, radius: float = np.inf
) -> GroundState:
    """As `mlmd.dcmesh.qxmd.ground_state` at Gamma, in the discretisation of the reference."""
    ions = prepare(atoms, shape, "lda", None)
    grid = ReferenceGrid(ions.grid.shape, ions.grid.lengths)
    sampled = SampledIons(ions.atoms, grid, ions.pseudos, radius)
    loop = _SelfConsistentField(sampled, "lda", sampled.electrons // 2 + extra_bands, np.zeros((1, 3)), np.ones(1), 0.0)
    loop.begin(np.random.default_rng(0), None)
    return loop.iterate(1e-7, 200, None)  # the wall keeps the eigensolver from more, and slows it down


def reference_forces(ions: SampledIons, psi: NDArray[Any], occupations: Array) -> Array:
    """(natoms, 3) Ha/bohr, of orbitals at Gamma in the dark, by differences of the orbitals as in the reference.

    With d for such a difference, F_I = -sum_s f_s 2 Re <psi_s|v_I|d psi_s>, since the potential goes with its atom.
    """
    grid, flat = ions.grid, psi.reshape(ions.grid.size, -1)
    spectrum, symbols = fourier.forward(psi.astype(complex)), grid.velocity(np.zeros(3))
    overlaps = ions.projectors.on_grid().reshape(grid.size, -1).T * grid.dv
    amplitudes = ions.projectors.coupling @ (overlaps @ flat)
    owner = [atom for atom, element in enumerate(ions.elements) for _ in ions.projectors._columns(element)]
    total = ions.ion_ion[1].copy()
    for axis, symbol in enumerate(symbols):
        slope = fourier.backward(1j * symbol[..., None] * spectrum, grid.shape, real=False)
        gradient = 2 * np.real(psi.conj() * slope) @ occupations
        parts = 2 * np.real(amplitudes.conj() * (overlaps @ slope.reshape(flat.shape))) @ occupations
        for atom in range(len(total)):
            total[atom, axis] -= np.sum(ions.v_atom(atom) * gradient) * grid.dv
            total[atom, axis] -= sum(part for part, own in zip(parts, owner, strict=True) if own == atom)
    return total
