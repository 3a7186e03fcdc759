"""Blocked Davidson eigensolver on plane waves, with Teter-Payne-Allan preconditioning."""

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
    waves, nb = hamiltonian.waves, psi.shape[3]
    basis = _orthonormal(waves.coefficients(psi), None)
    h_basis = hamiltonian.apply_to_coefficients(basis)
    for _ in range(cycles):
        matrix = _hermitian(basis.conj().T @ h_basis)
        for grown in range(expansions + 1):
            values, vectors = scipy.linalg.eigh(matrix)
            values, vectors = values[:nb], vectors[:, :nb]
            x, hx = basis @ vectors, h_basis @ vectors
            residual = hx - x * values
            if grown == expansions:
                break
            kinetic = waves.kinetic @ np.abs(x) ** 2
            fresh = _orthonormal(hamiltonian.precondition(residual, kinetic), basis)
            h_fresh = hamiltonian.apply_to_coefficients(fresh)
            matrix = _bordered(matrix, basis.conj().T @ h_fresh, _hermitian(fresh.conj().T @ h_fresh))
            basis, h_basis = np.concatenate([basis, fresh], axis=1), np.concatenate([h_basis, h_fresh], axis=1)
        basis, h_basis = x, hx
    return Eigenstates(values, waves.orbitals(x), np.linalg.norm(residual, axis=0))


def random_orbitals(hamiltonian: Hamiltonian, nb: int, rng: np.random.Generator) -> NDArray[Any]:
    """Random orbitals damped at short wave lengths, as a start."""
    shape = (*hamiltonian.grid.shape, nb)
    psi = rng.standard_normal(shape)
    if not hamiltonian.real:
        psi = psi + 1j * rng.standard_normal(shape)
    waves = hamiltonian.waves
    return waves.orbitals(hamiltonian.precondition(waves.coefficients(psi), np.full(nb, 0.5)))


def _bordered(matrix: NDArray[Any], side: NDArray[Any], corner: NDArray[Any]) -> NDArray[Any]:
    return np.block([[matrix, side], [side.conj().T, corner]])


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
