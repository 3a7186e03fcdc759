"""What counts of which potential: a part of the energy of each atom, and of its forces the shares of several states.

    E_k = sum_i l_i e_k,i,    F_j = - sum_k c_k(j) dE_k / dr_j

The l_i are fixed: forces of one state are the exact gradient of its energy, wherever l changes. The shares c_k of the
ground and the excited state are those of the atom on which the force acts, as in :mod:`mlmd.nnqmd.excited`. What the
networks leave, 1 - l_i, is the part of the surroundings (:mod:`mlmd.nnqmd.md.embedding`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .particles import Floats, System
from .potential import Edges, Potential


@dataclass(frozen=True)
class State:
    """A potential, its share c of the forces on each point, and the mean share."""

    potential: Potential
    of_forces: Floats
    mean: float


@dataclass(frozen=True)
class Part:
    """States that see the same neighbours, and the part l of the energy of each point that is theirs."""

    states: tuple[State, ...]
    of_energy: Floats

    @property
    def cutoff(self) -> float:
        """In Angstrom."""
        return self.states[0].potential.cutoff

    def largest_block(self, memory: float) -> int:
        """Pairs that its potentials take at once within so much memory."""
        of_states = [min(memory / one.bytes_per_pair, one.most_pairs) for one in (s.potential for s in self.states)]
        return max(1, int(min(of_states)))


def parts_of(
    networks: Sequence[Potential],
    surroundings: Potential | None,
    system: System,
    weights: Floats,
    shares: Floats,
    fraction: float = 1.0,
) -> list[Part]:
    """What counts of the potentials; without those of which nothing does. A collective call.

    Parameters
    ----------
    networks : sequence of Potential
        The ground state; and the excited one.
    surroundings : Potential or None
        What has the energy that the networks leave.
    system : System
        For sums over all atoms.
    weights, shares : ndarray, (points,)
        Of the excited state among the networks, and of the networks in the energy.
    fraction : float
        Of the weights that counts.

    Returns
    -------
    list of Part

    Examples
    --------
    >>> import ase
    >>> from .particles import make_system
    >>> system = make_system(ase.Atoms("O2"), ["O"], weights=np.array([0.0, 0.5]), shares=np.array([1.0, 0.25]))
    >>> atoms = system.particles
    >>> for part in parts_of(["ground", "excited"], "around", system, atoms.weights, atoms.shares):
    ...     print(part.of_energy.tolist(), [(state.potential, state.of_forces.tolist()) for state in part.states])
    [1.0, 0.25] [('ground', [1.0, 0.5]), ('excited', [0.0, 0.5])]
    [0.0, 0.75] [('around', [1.0, 1.0])]
    """
    atoms = system.particles
    whole, excited = system.ranks.sum(np.array([atoms.shares.sum(), atoms.shares @ atoms.weights]))
    mean = fraction * float(excited / whole) if whole else 0.0
    found = [Part(_states(networks, fraction * weights, mean), shares)] if whole else []
    if surroundings is not None and whole < system.atoms:
        found.append(Part((State(surroundings, np.ones_like(shares), 1.0),), 1 - shares))
    return found


def _states(networks: Sequence[Potential], weights: Floats, mean: float) -> tuple[State, ...]:
    if len(networks) == 1:
        return (State(networks[0], np.ones_like(weights), 1.0),)
    ground, excited = networks
    both = State(ground, 1 - weights, 1 - mean), State(excited, weights, mean)
    return tuple(state for state in both if state.mean > 0)


def restricted(edges: Edges, chosen: NDArray[np.bool_]) -> Edges:
    """Some atoms of a block with their pairs, which the others have none of.

    Examples
    --------
    >>> block = Edges(np.array([3, 4, 5]), np.array([1, 1]), np.array([6, 7]), np.ones((2, 3)))
    >>> some = restricted(block, np.array([False, True, True]))
    >>> some.types.tolist(), some.centre.tolist()
    ([4, 5], [0, 0])
    """
    return Edges(edges.types[chosen], (np.cumsum(chosen) - 1)[edges.centre], edges.neighbour, edges.vectors)
