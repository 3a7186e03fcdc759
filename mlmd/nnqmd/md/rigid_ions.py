"""Rigid ions: repulsion of Born and Mayer, and Coulomb forces of partial charges that end at a cutoff.

    u(r) = A exp(-r / rho) + k q q' erfc(alpha r) / r
    E_i = s_i + sum_j f_ij [u(r) - u(R) - (r - R) u'(R)],  r < R,  f_ij + f_ji = 1

Energy and force go to zero at R. What is taken off is a charge on the sphere around each ion that makes what the ion
sees neutral (Wolf et al., J. Chem. Phys. 110, 8254 (1999); with shifted forces Fennell and Gezelter, J. Chem. Phys.
124, 234104 (2006)). s_i is what the ion itself has of it: half of the bracket less k q^2 / r, for its own charge at
r = 0. How the energy of a pair is divided between its atoms, f_ij, changes neither the energy nor the forces of a
crystal; it does where atoms count in part (:mod:`mlmd.nnqmd.md.embedding`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import NDArray
from scipy.special import erfc

from .particles import Floats
from .potential import Edges

COULOMB = units.Hartree * units.Bohr  # eV Angstrom
CUTOFF = 10.0  # Angstrom
DAMPING = 0.2  # 1/Angstrom


@dataclass(frozen=True)
class Ions:
    """Parameters of a crystal.

    Attributes
    ----------
    charges : mapping
        Of the elements, in elementary charges.
    repulsion : mapping
        (A in eV, rho in Angstrom) of pairs of elements; others do not repel.
    """

    charges: Mapping[str, float]
    repulsion: Mapping[frozenset[str], tuple[float, float]]


# Thomas, Marks and Begg, Nucl. Instrum. Methods B 228, 288 (2005)
STRONTIUM_TITANATE = Ions(
    charges={"Sr": 1.84, "Ti": 2.36, "O": -1.40},
    repulsion={
        frozenset(("Sr", "O")): (1769.51, 0.319894),
        frozenset(("Ti", "O")): (14567.40, 0.197584),
        frozenset(("O",)): (6249.17, 0.231472),
    },
)


class RigidIons:
    """Energies and gradients of rigid ions; a `Potential`.

    Parameters
    ----------
    ions : Ions
        Parameters.
    elements : sequence of str
        Those of the types, in their order.
    cutoff : float
        In Angstrom.
    damping : float
        In 1/Angstrom.
    fractions : mapping, optional
        (one, other) -> what of their pair's energy is the first one's; half where not given.

    Examples
    --------
    The cation of a pair 2.5 Angstrom apart:

    >>> potential = RigidIons(STRONTIUM_TITANATE, ("O", "Sr"))
    >>> pair = Edges(np.array([1]), np.array([0]), np.array([0]), np.array([[2.5, 0, 0]]))
    >>> energies, gradients = potential(pair)
    >>> energies.round(3).tolist(), gradients.round(3).tolist()
    ([-8.752], [[1.602, 0.0, 0.0]])
    """

    bytes_per_pair = 250.0  # of the arrays of an evaluation
    most_pairs = 2.0**16  # so that they stay in the cache

    def __init__(
        self,
        ions: Ions,
        elements: Sequence[str],
        cutoff: float = CUTOFF,
        damping: float = DAMPING,
        fractions: Mapping[tuple[str, str], float] | None = None,
    ) -> None:
        self.cutoff, self._damping, self._count = cutoff, damping, len(elements)
        charges = np.array([ions.charges[one] for one in elements])
        repulsion = [ions.repulsion.get(frozenset((one, other)), (0.0, 1.0)) for one in elements for other in elements]
        parts = {**(fractions or {}), **{(b, a): 1 - part for (a, b), part in (fractions or {}).items()}}
        self._parts = np.array([parts.get((one, other), 0.5) for one in elements for other in elements])
        self._charges = COULOMB * np.outer(charges, charges).ravel()
        self._height, self._length = np.array(repulsion).T
        every = np.arange(self._count**2)
        self._end, self._slope = self._pair(every, np.full(len(every), cutoff))
        screen, slope = self._screened(np.array(cutoff))
        self._own = 0.5 * COULOMB * charges**2 * (-2 * damping / np.sqrt(np.pi) - screen + cutoff * slope)

    def __call__(self, edges: Edges) -> tuple[Floats, Floats]:
        """See `Potential`."""
        r = np.sqrt(np.einsum("ea,ea->e", edges.vectors, edges.vectors))
        pair = edges.types[edges.centre] * self._count + edges.neighbour
        u, slope = self._pair(pair, r)
        end, final, part = (table.take(pair) for table in (self._end, self._slope, self._parts))
        energies = part * (u - end - (r - self.cutoff) * final)
        gradients = (part * (slope - final) / r)[:, None] * edges.vectors
        return self._own[edges.types] + np.bincount(edges.centre, energies, len(edges.types)), gradients

    def _pair(self, pair: NDArray[np.int64], r: Floats) -> tuple[Floats, Floats]:
        """u(r) and its slope; the number of a pair of types is that of the first times their count plus the other."""
        height, length, charges = (table.take(pair) for table in (self._height, self._length, self._charges))
        repulsion, (screen, slope) = height * np.exp(-r / length), self._screened(r)
        return repulsion + charges * screen, charges * slope - repulsion / length

    def _screened(self, r: Floats) -> tuple[Floats, Floats]:
        """erfc(alpha r) / r and its slope."""
        screen = erfc(self._damping * r) / r
        gauss = 2 * self._damping / np.sqrt(np.pi) * np.exp(-((self._damping * r) ** 2))
        return screen, -(screen + gauss) / r
