"""A many-body potential that needs no network, and the same energy by brute force."""

from __future__ import annotations

import ase
import numpy as np
from ase.build import bulk
from ase.neighborlist import neighbor_list

from mlmd.nnqmd.md.dynamics import Settings, prepare
from mlmd.nnqmd.md.potential import Edges

SYMBOLS = ("Cu", "Au")


class Gupta:
    """E_i = sum_j A exp(-p (r/r0 - 1)) s(r) - sqrt(sum_j xi^2 exp(-2 q (r/r0 - 1)) s(r)), with s = (1 - (r/R)^2)^3."""

    cutoff = 5.0
    bytes_per_pair, most_pairs = 1000.0, np.inf
    strength = 1.0
    repulsive, bonding = np.array([[0.086, 0.13], [0.13, 0.2]]), np.array([[1.22, 1.5], [1.5, 1.8]])

    def __call__(self, edges: Edges) -> tuple[np.ndarray, np.ndarray]:
        r = np.linalg.norm(edges.vectors, axis=1)
        atoms, pair = len(edges.types), (edges.types[edges.centre], edges.neighbour)
        a, xi = self.strength * self.repulsive[pair], self.strength * self.bonding[pair]
        x, inside = r / 2.8 - 1, 1 - (r / self.cutoff) ** 2
        s, ds = inside**3, -6 * r / self.cutoff**2 * inside**2
        repulsion, density = a * np.exp(-10.9 * x), xi**2 * np.exp(-2 * 2.3 * x)
        bond = np.sqrt(np.bincount(edges.centre, density * s, atoms))
        energies = np.bincount(edges.centre, repulsion * s, atoms) - bond
        slope = repulsion * (ds - 10.9 / 2.8 * s)
        slope -= density * (ds - 2 * 2.3 / 2.8 * s) / (2 * bond[edges.centre])
        return energies, (slope / r)[:, None] * edges.vectors


def brute_force(atoms: ase.Atoms) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy, forces and virial from ASE's list of neighbours, which knows no ghosts."""
    i, j, vectors = neighbor_list("ijD", atoms, Gupta.cutoff)
    types = np.array([SYMBOLS.index(symbol) for symbol in atoms.symbols])
    energies, gradients = Gupta()(Edges(types, i, types[j], vectors))
    forces = np.zeros((len(atoms), 3))
    np.add.at(forces, i, gradients)
    np.add.at(forces, j, -gradients)
    return float(energies.sum()), forces, vectors.T @ gradients


def alloy(repeat: tuple[int, int, int] = (2, 2, 2), seed: int = 0, kelvin: float = 300.0) -> ase.Atoms:
    """A crystal of copper and gold in motion."""
    random = np.random.default_rng(seed)
    atoms = bulk("Cu", cubic=True, a=3.83).repeat(repeat)
    atoms.symbols = random.choice(SYMBOLS, len(atoms))
    atoms.rattle(0.05, rng=random)
    return prepare(atoms, Settings(temperature=kelvin, seed=seed))
