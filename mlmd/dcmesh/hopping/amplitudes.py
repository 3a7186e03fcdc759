r"""Electronic amplitudes between two steps of the nuclei, and the chances of a hop that come with them.

In a basis of adiabatic states that moves with the nuclei the amplitudes obey

.. math:: \dot c_i = -i E_i c_i - \sum_j T_{ij} c_j, \qquad T_{ij} = \langle i | \partial_t j \rangle .

Energies and couplings are linear in time between the steps; each part of a step is the exponential of the Hermitian
matrix E - iT in its middle.  The chance of a hop from the active state a to j in a time dt is what flows from a to j,
over what is in a (J. C. Tully, J. Chem. Phys. 93, 1061 (1990)):

.. math:: g_{a \to j} = \max\left(0, \frac{2\,\mathrm{Re}(c_a^* c_j T_{aj})\,dt}{|c_a|^2}\right) .
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .surfaces import Array

Complex = NDArray[np.complex128]
SMALLEST_POPULATION = 1e-12


def propagate(
    c: Complex, active: NDArray[np.intp], energies: tuple[Array, Array], T: tuple[Array, Array], dt: float, parts: int
) -> tuple[Complex, Array]:
    """Amplitudes after a step, and the chances of a hop in it.

    Parameters
    ----------
    c : (trajectories, states) complex128
    active : (trajectories,) int
        The states that the nuclei move on.
    energies : two of (trajectories, states) float64
        At the beginning and at the end, hartree.
    T : two of (trajectories, states, states) float64
        Time-derivative couplings there, antisymmetric.
    dt : float
    parts : int
        Parts of the step.

    Returns
    -------
    c : (trajectories, states) complex128
    chances : (trajectories, states) float64
        Of a hop to each state, zero for the active one; of all together at most 1.

    Examples
    --------
    >>> flat, turn = np.zeros((1, 2)), np.array([[[0.0, -1.0], [1.0, 0.0]]])
    >>> c, chances = propagate(np.array([[1.0 + 0j, 0]]), np.array([0]), (flat, flat), (turn, turn), 0.3, 300)
    >>> bool(np.allclose(abs(c) ** 2, [[np.cos(0.3) ** 2, np.sin(0.3) ** 2]]))
    True
    >>> bool(np.isclose(chances[0, 1], np.sin(0.3) ** 2, atol=1e-3))
    True
    """
    short, rows = dt / parts, np.arange(len(c))
    chances, stayed = np.zeros(c.shape), np.ones(len(c))
    for part in range(parts):
        at = (part + 0.5) / parts
        E, middle = ((1.0 - at) * before + at * after for before, after in (energies, T))
        values, vectors = np.linalg.eigh(E[:, :, None] * np.eye(c.shape[1]) - 1j * middle)
        half = np.exp(-0.5j * short * values)

        def turned(amplitudes: Complex, half: Complex = half, vectors: Complex = vectors) -> Complex:
            return np.einsum("bij,bj->bi", vectors, half * np.einsum("bji,bj->bi", vectors.conj(), amplitudes))

        c = turned(c)
        own = c[rows, active]
        flow = 2.0 * np.real(own.conj()[:, None] * c * middle[rows, active]) * short
        chance = np.maximum(flow, 0.0) / np.maximum(np.abs(own) ** 2, SMALLEST_POPULATION)[:, None]
        chance /= np.maximum(chance.sum(axis=1), 1.0)[:, None]
        chances += stayed[:, None] * chance
        stayed *= 1.0 - chance.sum(axis=1)
        c = turned(c)
    return c, chances


def decohere(c: Complex, active: NDArray[np.intp], energies: Array, kinetic: Array, dt: float, scale: float) -> Complex:
    r"""The energy-based decoherence correction: amplitudes of the other states fade.

    With :math:`\tau = \frac{\hbar}{|E_k - E_a|}\left(1 + \frac{C}{E_{kin}}\right)`;
    G. Granucci and M. Persico, J. Chem. Phys. 126, 134114 (2007), who take C = 0.1 hartree.

    Parameters
    ----------
    c : (trajectories, states) complex128
    active : (trajectories,) int
    energies : (trajectories, states) float64
    kinetic : (trajectories,) float64
        Kinetic energies of the nuclei, hartree.
    dt : float
    scale : float
        C, hartree.

    Returns
    -------
    (trajectories, states) complex128
        Of norm 1 again.

    Examples
    --------
    >>> c = decohere(np.array([[0.6 + 0j, 0.8]]), np.array([0]), np.array([[0.0, 0.1]]), np.array([0.1]), 1e9, 0.1)
    >>> abs(c).round(6).tolist()
    [[1.0, 0.0]]
    """
    rows = np.arange(len(c))
    gaps = np.abs(energies - energies[rows, active][:, None])
    rate = gaps / (1.0 + scale / np.maximum(kinetic, np.finfo(float).tiny))[:, None]
    faded = c * np.exp(-dt * rate)
    others = np.sum(np.abs(faded) ** 2, axis=1) - np.abs(c[rows, active]) ** 2
    own = c[rows, active]
    size = np.maximum(np.abs(own), np.finfo(float).tiny)
    faded[rows, active] = own / size * np.sqrt(np.maximum(1.0 - others, 0.0))
    return faded
