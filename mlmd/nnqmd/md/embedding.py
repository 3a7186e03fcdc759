"""NN/MM: networks in cheaper surroundings, by the subtractive scheme of QM/MM, atom by atom.

    E = E_MM + sum_i l_i (e_NN,i - e_MM,i) = sum_i [l_i e_NN,i + (1 - l_i) e_MM,i]

with a fixed share l_i in [0, 1] of the networks in the energy of each atom (extrapolation in metamodel space, section
5.1.8 of the MLMD paper). E is a function of the positions alone, and the forces are its gradient. The network sees the
elements that it does not know as those that they link to, the surroundings see both as their own.

Where l changes, an atom feels a force that the ramp alone exerts: sum_i v_ij (x) de_i/dv_ij times the slope of l, over
the pairs that end at it. How an energy is divided among atoms is a choice; with that of :func:`balanced` the atoms of
the cubic crystal feel no such force at first order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import ase
import numpy as np
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...errors import MlmdError
from .bricks import wrap
from .halo import Halo
from .neighbours import CHUNK
from .particles import Floats, make_system
from .potential import Edges, Potential
from .rigid_ions import STRONTIUM_TITANATE, Ions, RigidIons

SHARE = "network_share"
BORDER = 10.0  # Angstrom
Fractions = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Surroundings:
    """A cheaper potential and what a network makes of its elements.

    Attributes
    ----------
    ions : Ions
        Parameters.
    links : mapping
        Elements that the network does not know -> those that it takes them for.
    crystal : ase.Atoms
        Where the division of energies is balanced, in elements of the ions.
    """

    ions: Ions
    links: Mapping[str, str]
    crystal: ase.Atoms

    def element(self, symbol: str) -> str:
        """What the surroundings take an element for."""
        back = {known: own for own, known in self.links.items()}
        return back.get(symbol, symbol)


def perovskite(symbols: str, length: float) -> ase.Atoms:
    """Cubic cell of ABO3, with A at the origin.

    Examples
    --------
    >>> len(perovskite("SrTiO3", 3.905))
    5
    """
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    return ase.Atoms(symbols, cell=[length] * 3, pbc=True, scaled_positions=sites)


SURROUNDINGS = {"srtio3": Surroundings(STRONTIUM_TITANATE, {"Sr": "Pb"}, perovskite("SrTiO3", 3.905))}


class Linked:
    """A network that takes elements for others; a `Potential`.

    Parameters
    ----------
    network : Potential
        Which knows fewer elements.
    types : sequence of int
        For each element here, its number there.
    """

    def __init__(self, network: Potential, types: Sequence[int]) -> None:
        self._network, self._types = network, np.array(types)
        self.cutoff, self.bytes_per_pair, self.most_pairs = network.cutoff, network.bytes_per_pair, network.most_pairs

    def __call__(self, edges: Edges) -> tuple[Floats, Floats]:
        """See `Potential`."""
        types, neighbour = self._types[edges.types], self._types[edges.neighbour]
        return self._network(Edges(types, edges.centre, neighbour, edges.vectors))


@dataclass(frozen=True)
class Embedding:
    """What :class:`mlmd.nnqmd.md.forces.Forces` takes, for atoms of these elements.

    Attributes
    ----------
    elements : tuple of str
        Of the networks, and the linked ones.
    networks : tuple of Potential
        Those given, with links.
    surroundings : RigidIons
        The cheaper potential.
    fractions : dict
        How it divides energies of pairs.
    """

    elements: tuple[str, ...]
    networks: tuple[Potential, ...]
    surroundings: RigidIons
    fractions: Fractions


def embedded(networks: Sequence[Potential], elements: Sequence[str], within: Surroundings) -> Embedding:
    """Put networks into surroundings.

    Parameters
    ----------
    networks : sequence of Potential
        The ground state, which energies are balanced with; and the excited one.
    elements : sequence of str
        Which they know.
    within : Surroundings
        The cheaper potential.

    Returns
    -------
    Embedding

    Raises
    ------
    MlmdError
        An element of the networks that the surroundings have none for, or no element to link to.
    """
    seen = [within.element(one) for one in elements]
    alien = [one for one, other in zip(elements, seen, strict=True) if other not in within.ions.charges]
    missing = sorted(set(within.links.values()) - set(elements))
    if alien or missing:
        problem = f"know no {alien[0]}" if alien else f"need a network that knows {missing[0]}"
        raise MlmdError(f"the surroundings {problem}; the model was trained for {', '.join(elements)}")
    every = (*elements, *(one for one in within.links if one not in elements))
    types = [elements.index(one if one in elements else within.links[one]) for one in every]
    linked = tuple(Linked(one, types) for one in networks)
    fractions = balanced(linked[0], every, within)
    ions = RigidIons(within.ions, [within.element(one) for one in every], fractions=fractions)
    return Embedding(every, linked, ions, fractions)


def balanced(network: Potential, elements: Sequence[str], within: Surroundings) -> Fractions:
    """Divide the energies of pairs so that a ramp exerts no force on the atoms of the crystal, by least squares.

    What is left is the same for all atoms: the difference of the pressures of the two potentials. Four digits, so that
    it is the same everywhere.

    Parameters
    ----------
    network : Potential
        Which takes these elements.
    elements : sequence of str
        By their types.
    within : Surroundings
        Its ions and crystal.

    Returns
    -------
    dict
        (one, other) -> fraction of the first one.
    """
    own = sorted(set(within.crystal.get_chemical_symbols()))

    def of_ions(fractions: Fractions) -> Floats:
        return pulls(RigidIons(within.ions, own, fractions=fractions), within.crystal, own)

    even, pairs = of_ions({}), list(combinations(own, 2))
    slopes = [of_ions({pair: 1.0}) - even for pair in pairs]
    wanted = pulls(network, within.crystal, elements) - even
    found, *_ = np.linalg.lstsq(np.array([*slopes, np.ones_like(even)]).T, wanted, rcond=None)
    return {pair: round(0.5 * (1 + float(more)), 4) for pair, more in zip(pairs, found, strict=False)}


def pulls(potential: Potential, crystal: ase.Atoms, elements: Sequence[str]) -> Floats:
    """Forces along z on the atoms of a crystal, for a share that grows by 1 in each Angstrom along z.

    Parameters
    ----------
    potential : Potential
        Whose energies count by that share.
    crystal : ase.Atoms
        In which there are no forces where the share is constant.
    elements : sequence of str
        By their types.

    Returns
    -------
    ndarray, (atoms,)
        In eV/Angstrom per 1/Angstrom.
    """
    types = np.array([elements.index(symbol) for symbol in crystal.get_chemical_symbols()])
    centre, other, vectors = neighbor_list("ijD", crystal, potential.cutoff)
    _, gradients = potential(Edges(types, centre, types[other], vectors))
    pull = np.zeros(len(crystal))
    np.add.at(pull, other, vectors[:, 2] * gradients[:, 2])
    return pull


def shares_by_composition(atoms: ase.Atoms, links: Mapping[str, str], border: float = BORDER) -> Floats:
    """Shares of the network by what is around an atom: that of its own elements among those and the linked ones.

        l_i = sum_j g(r_ij) [j is known] / sum_j g(r_ij),    g(r) = (1 - (r / border)^2)^2,  r < border

    over j that are linked or linked to (Sr and Pb), the atom itself included.

    Parameters
    ----------
    atoms : ase.Atoms
        At the start.
    links : mapping
        Of the surroundings.
    border : float
        In Angstrom: further away from a linked atom the share is 1, further away from one that is linked to it is 0.

    Returns
    -------
    ndarray, (atoms,)
        1 for atoms that have neither around them.

    Examples
    --------
    >>> atoms = ase.Atoms("PbSr", [[0, 0, 0], [4, 0, 0]])
    >>> shares_by_composition(atoms, {"Sr": "Pb"}, 10.0).round(2).tolist()
    [0.59, 0.41]
    """
    symbols = np.array(atoms.get_chemical_symbols())
    known = np.isin(symbols, list(links.values()))
    sites = known | np.isin(symbols, list(links))
    shares = np.ones(len(atoms))
    if not sites.any():
        return shares
    system = make_system(atoms, sorted(set(symbols)))
    wrap(system)
    points = system.particles.positions
    system.particles = system.particles.rows(sites)
    halo = Halo(system, border)
    tree, of_network = cKDTree(halo.positions(system)), halo.values(known[sites].astype(float))
    for first in range(0, len(points), CHUNK):
        some = points[first : first + CHUNK]
        found = cKDTree(some).sparse_distance_matrix(tree, border, output_type="ndarray")
        kernel = (1 - (found["v"] / border) ** 2) ** 2
        whole, ours = (np.bincount(found["i"], w, len(some)) for w in (kernel, kernel * of_network[found["j"]]))
        np.divide(ours, whole, out=shares[first : first + CHUNK], where=whole > 0)
    return np.clip(shares, 0.0, 1.0)


def shares_of(atoms: ase.Atoms) -> NDArray[np.float64]:
    """Shares of the network that a structure brings, (atoms,).

    Parameters
    ----------
    atoms : ase.Atoms
        With an array ``network_share``.

    Returns
    -------
    ndarray

    Raises
    ------
    MlmdError
        When there is none, or one is not within [0, 1].
    """
    if SHARE not in atoms.arrays:
        raise MlmdError(f"the structure has no shares of the network; set atoms.arrays['{SHARE}']")
    shares = np.asarray(atoms.arrays[SHARE], dtype=float)
    wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)))
    if len(wrong):
        raise MlmdError(f"the share of the network of atom {wrong[0]} is {shares[wrong[0]]:g}, not within 0 and 1")
    return shares
