"""Blocked Davidson eigensolver with Teter-Payne-Allan preconditioning."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from .hamiltonian import Hamiltonian

Array = NDArray[np.float64]


class Eigenstates(NamedTuple):
    """Eigenvalues (nb,) in Ha, orbitals (nx, ny, nz, nb), residual norms (nb,) in Ha."""

    values: Array
    psi: NDArray[Any]
    residuals: Array


def solve(hamiltonian: Hamiltonian, psi: NDArray[Any], expansions: int = 3, cycles: int = 1) -> Eigenstates:
    """Improve the lowest eigenstates of a Hamiltonian.

    Each cycle grows the subspace ``expansions`` times by the preconditioned residuals of all
    orbitals and restarts from the best orbitals found (Davidson, J. Comput. Phys. 17, 87 (1975)).

    Parameters
    ----------
    hamiltonian
        H at fixed potential.
    psi
        (nx, ny, nz, nb) starting orbitals, linearly independent.
    expansions, cycles
        Work to be done.
    """
    shape, nb = psi.shape, psi.shape[3]
    root_dv = np.sqrt(hamiltonian.grid.dv)
    # Orthonormal in the Euclidean sense inside; 1/sqrt(dv) is put back at the end.
    basis = _orthonormal(psi.reshape(-1, nb), None)
    h_basis = _apply(hamiltonian, basis, shape)
    for _ in range(cycles):
        for grown in range(expansions + 1):
            values, vectors = scipy.linalg.eigh(_hermitian(basis.conj().T @ h_basis))
            values, vectors = values[:nb], vectors[:, :nb]
            x, hx = basis @ vectors, h_basis @ vectors
            residual = hx - x * values
            if grown == expansions:
                break
            kinetic = hamiltonian.kinetic_energies(x.reshape(shape) / root_dv)
            update = hamiltonian.precondition(residual.reshape(shape), kinetic).reshape(-1, nb)
            fresh = _orthonormal(update, basis)
            basis = np.concatenate([basis, fresh], axis=1)
            h_basis = np.concatenate([h_basis, _apply(hamiltonian, fresh, shape)], axis=1)
        basis, h_basis = x, hx
    return Eigenstates(values, x.reshape(shape) / root_dv, np.linalg.norm(residual, axis=0))


def random_orbitals(hamiltonian: Hamiltonian, nb: int, rng: np.random.Generator) -> NDArray[Any]:
    """Random orbitals damped at short wave lengths, as a start."""
    shape = (*hamiltonian.grid.shape, nb)
    psi = rng.standard_normal(shape)
    if not hamiltonian.real:
        psi = psi + 1j * rng.standard_normal(shape)
    return hamiltonian.precondition(psi, np.full(nb, 0.5))


def _apply(hamiltonian: Hamiltonian, flat: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    return hamiltonian.apply(flat.reshape(*shape[:3], -1)).reshape(flat.shape)


def _hermitian(matrix: NDArray[Any]) -> NDArray[Any]:
    return 0.5 * (matrix + matrix.conj().T)


def _orthonormal(block: NDArray[Any], against: NDArray[Any] | None) -> NDArray[Any]:
    """Orthonormal basis of the part of ``block`` outside ``against``; directions that vanish are dropped."""
    scale = np.linalg.norm(block, axis=0)
    block = block[:, scale > 0] / scale[scale > 0]
    for _ in range(2):
        if against is not None:
            block = block - against @ (against.conj().T @ block)
        weight, vectors = scipy.linalg.eigh(_hermitian(block.conj().T @ block))
        keep = weight > 1e-14 * max(1.0, weight[-1])
        block = block @ (vectors[:, keep] / np.sqrt(weight[keep]))
    return block
