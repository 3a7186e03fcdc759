"""Constants that a model takes from its data: energies of atoms, size of forces, number of neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import ase
import numpy as np
from ase.neighborlist import neighbor_list

from .dataset import composition, labels


def atom_energies(frames: Sequence[ase.Atoms], elements: Sequence[str], known: dict[str, float]) -> dict[str, float]:
    """Energy of an atom of each element, as a starting point of a model.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Labelled structures.
    elements : sequence of str
        Symbols.
    known : dict
        Energies of isolated atoms in eV; the others follow by least squares from the energies of the structures (of
        many solutions the shortest, as where all structures have one composition).

    Returns
    -------
    dict
        Symbol -> eV.

    Examples
    --------
    >>> from mlmd.nnqmd.dataset import labelled
    >>> found = atom_energies([labelled(ase.Atoms("H2O"), energy=-30.0)], ["H", "O"], {"O": -10.0})
    >>> round(found["H"], 6)
    -10.0
    """
    counts = composition(frames, elements)
    energies = np.array([labels(frame)["energy"] for frame in frames], dtype=float)
    fixed = [k for k, symbol in enumerate(elements) if symbol in known]
    free = [k for k, symbol in enumerate(elements) if symbol not in known]
    found = np.zeros(len(elements))
    found[fixed] = [known[elements[k]] for k in fixed]
    if free:
        found[free] = np.linalg.lstsq(counts[:, free], energies - counts @ found, rcond=None)[0]
    return dict(zip(elements, found.tolist(), strict=True))


def force_sizes(frames: Sequence[ase.Atoms], elements: Sequence[str]) -> dict[str, float]:
    """Root mean square of a component of the force on atoms of each element.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Structures with forces; others do not count.
    elements : sequence of str
        Symbols.

    Returns
    -------
    dict
        Symbol -> eV/Angstrom; 1 for an element without forces, or whose forces vanish.

    Examples
    --------
    >>> from mlmd.nnqmd.dataset import labelled
    >>> force_sizes([labelled(ase.Atoms("H"), energy=0.0, forces=np.array([[3.0, 0, 0]]))], ["H", "O"])
    {'H': 1.7320508075688772, 'O': 1.0}
    """
    sizes = {}
    for symbol in elements:
        forces = [labels(frame)["forces"][frame.symbols == symbol] for frame in frames if "forces" in labels(frame)]
        square = float(np.mean(np.concatenate(forces) ** 2)) if sum(map(len, forces)) else 0.0
        sizes[symbol] = square**0.5 or 1.0
    return sizes


def mean_neighbours(frames: Sequence[ase.Atoms], cutoff: float) -> float:
    """Mean number of neighbours of an atom.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Structures.
    cutoff : float
        Distance in Angstrom within which an atom is a neighbour.

    Returns
    -------
    float

    Examples
    --------
    >>> mean_neighbours([ase.Atoms("H2", [[0, 0, 0], [0, 0, 0.8]])], 2.0)
    1.0
    """
    pairs = sum(len(neighbor_list("i", frame, cutoff)) for frame in frames)
    return pairs / sum(len(frame) for frame in frames)
