"""What moves the crystal: the networks of ``[networks]``, and rigid ions in SrTiO3 where ``mm`` asks for them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import ase

from ..nnqmd.md.calculator import BlockCalculator
from ..nnqmd.md.embedding import BORDER
from ..nnqmd.md.forces import MEMORY, SKIN, Forces
from ..nnqmd.md.interaction import Interaction, make_interaction
from .config import Networks

if TYPE_CHECKING:
    from ..nnqmd.md.network import Network


@cache
def load(name: str) -> Network:
    """A network by its file or name, loaded once."""
    from ..nnqmd.md.network import Network
    from ..nnqmd.shipped import find_model

    return Network(find_model(Path(name)))


@cache
def interaction(asked: Networks, excited: bool = False) -> Interaction:
    """The network of the ground state, and where wanted that of the excited one, in their surroundings."""
    names = [asked.ground, asked.excited] if excited else [asked.ground]
    return make_interaction([load(name) for name in names], asked.mm)


def forces_of(one: Interaction) -> Forces:
    """Forces in blocks of the usual size."""
    return one.forces(SKIN, MEMORY)


def with_shares(one: Interaction, crystal: ase.Atoms) -> ase.Atoms:
    """The crystal with the shares of the networks, by its composition."""
    return one.shared(crystal, BORDER)


def calculator(asked: Networks) -> BlockCalculator:
    """Calculator of ASE of the ground state."""
    return interaction(asked).calculator(SKIN, MEMORY)
