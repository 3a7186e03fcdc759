"""What a potential has to tell: energies of atoms and their gradients in the pair vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .particles import Floats


@dataclass(frozen=True)
class Edges:
    """Pairs of some atoms with all their neighbours within the cutoff.

    Attributes
    ----------
    types : ndarray of int64, (atoms,)
        Elements of the atoms.
    centre : ndarray of int64, (pairs,)
        Atom of each pair, ascending.
    neighbour : ndarray of int64, (pairs,)
        Element of its neighbour.
    vectors : ndarray of float64, (pairs, 3)
        From atom to neighbour, in Angstrom.
    """

    types: NDArray[np.int64]
    centre: NDArray[np.int64]
    neighbour: NDArray[np.int64]
    vectors: Floats


class Potential(Protocol):
    """A strictly local potential: E = sum_i E_i, each E_i a function of the vectors from atom i to its neighbours."""

    @property
    def cutoff(self) -> float:
        """In Angstrom."""

    @property
    def bytes_per_pair(self) -> float:
        """Memory that an evaluation takes."""

    @property
    def most_pairs(self) -> float:
        """Pairs beyond which an evaluation does better in blocks, whatever the memory."""

    def __call__(self, edges: Edges) -> tuple[Floats, Floats]:
        """Energies of the atoms in eV, (atoms,); gradients of their sum in the vectors in eV/Angstrom, (pairs, 3)."""
