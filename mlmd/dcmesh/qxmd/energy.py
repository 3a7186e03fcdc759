"""Energy terms of a Kohn-Sham state, Ha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import fourier
from ..grid import Grid
from . import xc
from .cell import Ions
from .hamiltonian import Hamiltonian

Array = NDArray[np.float64]


def band_energies(
    hamiltonians: Sequence[Hamiltonian], psi: Sequence[NDArray[Any]], f: Array, weights: Array
) -> dict[str, float]:
    """Kinetic and nonlocal energy of occupied orbitals."""
    kinetic = nonlocal_ = 0.0
    for h, orbitals, occupation, weight in zip(hamiltonians, psi, f, weights, strict=True):
        kinetic += weight * float(np.sum(occupation * h.kinetic_energies(orbitals)))
        nonlocal_ += weight * float(np.sum(occupation * h.projectors.energies(h.p, orbitals)))
    return {"kinetic": kinetic, "nonlocal": nonlocal_}


def field_energies(ions: Ions, functional: str, density: Array) -> dict[str, float]:
    """Energies that depend on the density alone: local, Hartree, xc, and ion-ion."""
    dv = ions.grid.dv
    parts = xc.evaluate(functional, density, ions.grid)
    return {
        "local": float(np.sum(ions.v_ion * density) * dv),
        "hartree": 0.5 * float(np.sum(hartree_potential(density, ions.grid) * density) * dv),
        "exchange": parts.exchange,
        "correlation": parts.correlation,
        "ion_ion": ions.ion_ion[0],
    }


def hartree_potential(density: Array, grid: Grid) -> Array:
    """Hartree potential of a periodic density by FFT, mean 0, Ha."""
    g2 = grid.g_squared(half=True)
    kernel = np.where(g2 > 0, 4 * np.pi / np.where(g2 > 0, g2, 1.0), 0.0)
    return fourier.backward(kernel * fourier.forward(density), grid.shape, real=True)
