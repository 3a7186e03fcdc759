"""Forces on the atoms of all ranks, in blocks of bounded memory.

Of a block of atoms: E = sum_i E_i(r_ij) and g_ij = dE/dr_ij in FP64; force on i: + sum_j g_ij, on the point j: - g_ij;
virial: sum r_ij (x) g_ij. What counts of several potentials says :mod:`mlmd.nnqmd.md.mixing`; the energy takes the
shares of the atoms, the virial the mean shares.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import NumericsError
from .bricks import heights, migrate, wrap
from .halo import Halo
from .mixing import Part, parts_of, restricted
from .neighbours import Pairs, find_pairs
from .particles import Floats, System
from .potential import Edges, Potential

CLOSEST = 0.3  # Angstrom: nearer than any bond, where a model knows nothing
SKIN = 0.7  # Angstrom
MEMORY = 2 << 30  # bytes


@dataclass
class Load:
    """What a rank has and did: its last lists, how often they were made, blocks of the last evaluation, seconds."""

    atoms: int = 0
    ghosts: int = 0
    pairs: int = 0
    lists: int = 0
    blocks: int = 0
    potentials: float = 0.0
    exchange: float = 0.0
    listing: float = 0.0


class Forces:
    """Forces of one network, or of two that are mixed by the weights of the atoms, alone or within surroundings.

    Parameters
    ----------
    networks : sequence of Potential
        The ground state; and the excited one, whose weights the atoms bring.
    skin : float
        What the list of neighbours reaches beyond the cutoff, in Angstrom.
    memory : float
        Bytes that an evaluation may take on this rank, besides arrays of atoms and the list of neighbours.
    blocks : int, optional
        At least so many blocks.
    surroundings : Potential, optional
        What has the part of the energy that is not the networks', by the shares of the atoms.

    Attributes
    ----------
    load : Load
        Of this rank.
    """

    def __init__(
        self,
        networks: Sequence[Potential],
        skin: float = SKIN,
        memory: float = MEMORY,
        blocks: int = 1,
        surroundings: Potential | None = None,
    ) -> None:
        self._networks, self._surroundings = tuple(networks), surroundings
        self._skin, self._memory, self._blocks = skin, memory, blocks
        self.cutoff = max(one.cutoff for one in (networks[0], surroundings) if one is not None)
        self.load = Load()
        self._fraction = 1.0
        self._halo: Halo | None = None
        self._parts: list[tuple[Part, Pairs]] = []
        self._bound: bool | None = None

    def fade(self, system: System, fraction: float) -> None:
        """Let the weights of the excited state count by a fraction only, from the next evaluation on.

        Parameters
        ----------
        system : System
            Whose forces these are.
        fraction : float
            In [0, 1]; 0 leaves the ground state alone, and the excited one is not evaluated.
        """
        if fraction != self._fraction:
            self._fraction = fraction
            if self._halo is not None:
                # Which atoms a part has, and so its pairs, is a matter of shares alone.
                parts = self._what_counts(system, self._halo)
                self._parts = [(part, pairs) for part, (_, pairs) in zip(parts, self._parts, strict=True)]

    def update(self, system: System) -> None:
        """Compute forces, energy and virial of the system, after a new list of neighbours where one is due.

        Parameters
        ----------
        system : System
            Changed in place: forces of the atoms, energy, virial; with a new list atoms move to other ranks.

        Raises
        ------
        NumericsError
            On all ranks: a position, energy or force that is not finite, two atoms at one place, an atom that lost
            all its neighbours.
        """
        _check_cell(system)
        if self._halo is None or self._is_due(system):
            self.renew(system)
        assert self._halo is not None
        start = time.perf_counter()
        points = self._halo.positions(system)
        self.load.exchange += time.perf_counter() - start
        problem, energy, forces, virial = "", 0.0, np.zeros_like(points), np.zeros((3, 3))
        try:
            energy, virial = self._evaluate(system, points, forces)
        except NumericsError as error:
            problem = str(error)
        start = time.perf_counter()
        system.particles.forces = self._halo.summed(forces, len(system.particles))
        sums = system.ranks.sum(np.array([energy, *virial.ravel(), bool(problem)]))
        self.load.exchange += time.perf_counter() - start
        if sums[-1]:
            problems = [one for one in system.ranks.collect(problem) if one]
            raise NumericsError(f"step {system.step}: {problems[0]}")
        system.energy, system.virial = float(sums[0]), sums[1:-1].reshape(3, 3)

    def renew(self, system: System) -> None:
        """Let atoms move to their bricks and make a new list of neighbours.

        Parameters
        ----------
        system : System
            Changed in place.
        """
        start = time.perf_counter()
        finite = np.isfinite(system.particles.positions).all(axis=1)
        lost = [one for one in system.ranks.collect(system.particles.ids[~finite][:1].tolist()) if one]
        if lost:
            raise NumericsError(f"step {system.step}: the position of atom {lost[0][0]} is not finite")
        wrap(system)
        migrate(system)
        system.particles.home, system.home_cell = system.particles.positions.copy(), system.cell.copy()
        self._list(system)
        self.load.listing += time.perf_counter() - start

    def resume(self, system: System) -> None:
        """Make the list of neighbours that the system had: of its atoms where they were when it was made.

        Parameters
        ----------
        system : System
            Changed in place: atoms move to the ranks that they were on.
        """
        self._exchange_home(system)
        migrate(system)
        self._list(system)
        self._exchange_home(system)

    def _exchange_home(self, system: System) -> None:
        atoms = system.particles
        atoms.positions, atoms.home = atoms.home, atoms.positions
        system.cell, system.home_cell = system.home_cell, system.cell

    def _list(self, system: System) -> None:
        atoms, reach = len(system.particles), self.cutoff + self._skin
        self._halo = halo = Halo(system, reach)
        self._types = halo.values(system.particles.types)
        points, order = halo.positions(system), halo.order(system.particles.ids)
        self._parts = [
            (part, find_pairs(points, part.of_energy[:atoms] != 0, part.cutoff + self._skin, order))
            for part in self._what_counts(system, halo)
        ]
        self._check_lost(system)
        load = self.load
        load.atoms, load.ghosts = atoms, halo.points - atoms
        load.pairs = sum(len(pairs.other) for _, pairs in self._parts)
        load.lists += 1

    def _what_counts(self, system: System, halo: Halo) -> list[Part]:
        weights, shares = halo.values(system.particles.weights), halo.values(system.particles.shares)
        return parts_of(self._networks, self._surroundings, system, weights, shares, self._fraction)

    def _is_due(self, system: System) -> bool:
        """Whether a pair may have come within the cutoff unseen: an atom moves, and the cell strains all vectors."""
        map_ = np.linalg.solve(system.home_cell, system.cell)
        strain = np.linalg.norm(map_ - np.eye(3), 2)
        moved = system.particles.positions - system.particles.home @ map_
        furthest = float(np.sqrt(np.einsum("ia,ia->i", moved, moved).max(initial=0.0)))
        still = 2 * furthest + strain * (self.cutoff + self._skin) <= self._skin
        return bool(system.ranks.sum(int(not still)))

    def _check_lost(self, system: System) -> None:
        lonely = system.particles.ids[sum(np.diff(pairs.begin) for _, pairs in self._parts) == 0]
        found = [number for numbers in system.ranks.collect(lonely.tolist()) for number in numbers]
        if self._bound is None:
            self._bound = not found
        if self._bound and found:
            raise NumericsError(
                f"step {system.step}: atom {found[0]} is lost: no other within {self.cutoff + self._skin:.3g} Angstrom"
            )

    def _evaluate(self, system: System, points: Floats, forces: Floats) -> tuple[float, Floats]:
        """Energy and virial of this rank's atoms; what they exert on all points is added to ``forces``."""
        start = time.perf_counter()
        energy, virial, self.load.blocks = 0.0, np.zeros((3, 3)), 0
        for part, pairs in self._parts:
            for first, last in pairs.blocks(part.largest_block(self._memory), self._blocks):
                more, strain = self._block(system, points, forces, part, pairs, first, last)
                energy, virial = energy + more, virial + strain
                self.load.blocks += 1
        self.load.potentials += time.perf_counter() - start
        return energy, virial

    def _block(
        self, system: System, points: Floats, forces: Floats, part: Part, pairs: Pairs, first: int, last: int
    ) -> tuple[float, Floats]:
        begin = pairs.begin[first : last + 1]
        centre = np.repeat(np.arange(first, last), np.diff(begin))
        other = pairs.other[begin[0] : begin[-1]]
        vectors = points.take(other, axis=0) - points.take(centre, axis=0)
        square = np.einsum("ea,ea->e", vectors, vectors)
        near = np.flatnonzero(square < part.cutoff**2)
        centre, other, vectors = centre.take(near), other.take(near), vectors.take(near, axis=0)
        if square.min(initial=np.inf) < CLOSEST**2:
            raise NumericsError(_too_close(system, centre, vectors))
        chosen = part.of_energy[first:last] != 0
        edges = restricted(Edges(self._types[first:last], centre - first, self._types[other], vectors), chosen)
        of_atoms, of_pairs = part.of_energy[first:last][chosen], part.of_energy[centre, None]
        energy, virial = 0.0, np.zeros((3, 3))
        for state in part.states:
            energies, gradients = state.potential(edges)
            if not (np.isfinite(energies).all() and np.isfinite(gradients).all()):
                raise NumericsError("energy or forces are not finite")
            gradients = of_pairs * gradients
            energy += float((of_atoms * state.of_forces[first:last][chosen]) @ energies)
            virial += state.mean * (vectors.T @ gradients)
            add_rows(forces, centre, state.of_forces[centre, None] * gradients)
            add_rows(forces, other, -state.of_forces[other, None] * gradients)
        return energy, virial


def add_rows(total: Floats, rows: NDArray[np.integer], values: Floats) -> None:
    """Add each row of ``values`` to a row of ``total``, rows that come several times too."""
    for axis in range(total.shape[1]):
        np.add.at(total[:, axis], rows, values[:, axis])


def _check_cell(system: System) -> None:
    thinnest = heights(system.cell)[system.periodic].min(initial=np.inf) if np.isfinite(system.cell).all() else 0.0
    if thinnest < CLOSEST:
        raise NumericsError(
            f"step {system.step}: the cell is {thinnest:.2g} Angstrom thin; "
            "take a shorter time step, a longer --barostat or another structure"
        )


def _too_close(system: System, centre: NDArray, vectors: Floats) -> str:
    """Message about the closest pair."""
    distances = np.linalg.norm(vectors, axis=1)
    pair = int(distances.argmin())
    atoms = system.particles
    number, symbol = int(atoms.ids[centre[pair]]), system.elements[atoms.types[centre[pair]]]
    return (
        f"atom {number} ({symbol}) has another {distances[pair]:.2g} Angstrom away; "
        "take a shorter time step or relax the structure first"
    )
