"""What moves the atoms of a dynamics: one network or two, alone or in cheaper surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ase

from .calculator import BlockCalculator
from .embedding import SHARE, SURROUNDINGS, Embedding, embedded, shares_by_composition, shares_of
from .forces import Forces
from .particles import Floats

if TYPE_CHECKING:
    from .network import Network


@dataclass(frozen=True)
class Interaction:
    """What moves the atoms: one network or two, alone or in surroundings of that name."""

    networks: Sequence[Network]
    name: str | None = None
    embedding: Embedding | None = None

    @property
    def elements(self) -> tuple[str, ...]:
        """Those that it knows."""
        return self.networks[0].elements if self.embedding is None else self.embedding.elements

    @property
    def files(self) -> dict[str, Any]:
        """What fixes its numbers."""
        models: dict[str, Any] = {"models": [network.digest for network in self.networks]}
        if self.embedding is not None:
            fractions = {"-".join(pair): part for pair, part in self.embedding.fractions.items()}
            models["surroundings"] = {"crystal": self.name, **fractions}
        return models

    def forces(self, skin: float, memory: float) -> Forces:
        """Forces of it."""
        if self.embedding is None:
            return Forces(self.networks, skin, memory)
        return Forces(self.embedding.networks, skin, memory, surroundings=self.embedding.surroundings)

    def calculator(self, skin: float, memory: float) -> BlockCalculator:
        """Calculator of ASE; weights of an excited state and shares are those of the structure."""
        from ..excited import weights_of

        weights = weights_of if len(self.networks) == 2 else None
        return BlockCalculator(lambda: self.forces(skin, memory), self.elements, weights, self.shares)

    def shared(self, start: ase.Atoms, border: float) -> ase.Atoms:
        """A structure with shares of the networks, its own or by composition; with none where there is nothing else."""
        start = start.copy()
        if self.name is None:
            start.arrays.pop(SHARE, None)
            return start
        if SHARE not in start.arrays:
            start.set_array(SHARE, shares_by_composition(start, SURROUNDINGS[self.name].links, border))
        shares_of(start)
        return start

    def shares(self, structure: ase.Atoms) -> Floats | None:
        """Shares of the networks that a structure brings, None where all is theirs."""
        return None if self.name is None else shares_of(structure)


def make_interaction(networks: Sequence[Network], name: str | None) -> Interaction:
    """Networks, in surroundings where a name is given.

    Raises
    ------
    MlmdError
        Networks of other elements than the surroundings need.
    """
    if name is None:
        return Interaction(networks)
    return Interaction(networks, name, embedded(networks, networks[0].elements, SURROUNDINGS[name]))
