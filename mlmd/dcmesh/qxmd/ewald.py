"""Ion-ion energy and forces of point charges in a periodic orthorhombic cell by Ewald's sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

Array = NDArray[np.float64]


def ewald(charges: Array, positions: Array, lengths: tuple[float, float, float]) -> tuple[float, Array]:
    """Electrostatic energy and forces, with a neutralising uniform background.

    Parameters
    ----------
    charges
        (natoms,) in units of e.
    positions
        (natoms, 3) Cartesian, bohr.
    lengths
        Cell edges, bohr.

    Returns
    -------
    energy, forces
        Ha and (natoms, 3) Ha/bohr.

    Examples
    --------
    The Madelung energy of rock salt (one NaCl pair per unit distance has -1.747565):

    >>> import itertools
    >>> sites = np.array(list(itertools.product([0.0, 1.0], repeat=3)))
    >>> energy, _ = ewald((-1.0) ** sites.sum(axis=1), sites, (2.0, 2.0, 2.0))
    >>> round(energy / 4, 6)
    -1.747565
    """
    edges = np.asarray(lengths)
    volume = float(np.prod(edges))
    eta = np.sqrt(np.pi) * (len(charges) / volume**2) ** (1 / 6)
    reach = np.sqrt(-np.log(1e-17))
    e_real, f_real = _real_space(charges, positions, edges, eta, reach / eta)
    e_wave, f_wave = _wave_space(charges, positions, edges, eta, 2 * eta * reach)
    e_self = -eta / np.sqrt(np.pi) * float(np.sum(charges**2))
    e_background = -np.pi / (2 * volume * eta**2) * float(np.sum(charges)) ** 2
    return float(e_real + e_wave + e_self + e_background), f_real + f_wave


def _lattice(limits: Array) -> Array:
    ranges = [np.arange(-int(m), int(m) + 1, dtype=np.float64) for m in limits]
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)


def _real_space(charges: Array, positions: Array, edges: Array, eta: float, cutoff: float) -> tuple[float, Array]:
    cells = _lattice(np.ceil(cutoff / edges) + 1) * edges
    energy, forces = 0.0, np.zeros_like(positions)
    for i, here in enumerate(positions):
        delta = here - positions[:, None, :] + cells[None, :, :]
        r = np.linalg.norm(delta, axis=-1)
        near = (r > 1e-9) & (r < cutoff)
        q = np.broadcast_to(charges[:, None], r.shape)[near]
        d, r = delta[near], r[near]
        energy += 0.5 * charges[i] * np.sum(q * erfc(eta * r) / r)
        pull = q * (erfc(eta * r) / r + 2 * eta / np.sqrt(np.pi) * np.exp(-((eta * r) ** 2))) / r**2
        forces[i] = charges[i] * pull @ d
    return float(energy), forces


def _wave_space(charges: Array, positions: Array, edges: Array, eta: float, cutoff: float) -> tuple[float, Array]:
    g = _lattice(np.ceil(cutoff * edges / (2 * np.pi))) * (2 * np.pi / edges)
    g2 = np.sum(g**2, axis=1)
    keep = (g2 > 0) & (g2 < cutoff**2)
    g, g2 = g[keep], g2[keep]
    kernel = 4 * np.pi / np.prod(edges) * np.exp(-g2 / (4 * eta**2)) / g2
    phases = np.exp(1j * positions @ g.T)
    structure = charges @ phases
    energy = 0.5 * float(np.sum(kernel * np.abs(structure) ** 2))
    forces = charges[:, None] * np.imag((kernel * np.conj(structure) * phases) @ g)
    return energy, forces
