"""The atoms of a rank as arrays, and the system that all ranks have together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import ase
import numpy as np
from numpy.typing import NDArray

from .ranks import Ranks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass
class Particles:
    """Atoms, one row each.

    Attributes
    ----------
    ids : ndarray of int64, (atoms,)
        Their numbers in the structure that the user gave.
    types : ndarray of int64, (atoms,)
        Elements, as numbers of the model.
    masses : ndarray, (atoms,)
        In u.
    positions, momenta, forces : ndarray, (atoms, 3)
        In Angstrom, ASE's unit of momentum, eV/Angstrom.
    images : ndarray of int64, (atoms, 3)
        Cells between a position and where the atom would be had it never been wrapped.
    home : ndarray, (atoms, 3)
        Positions when the list of neighbours was made, in Angstrom.
    weights : ndarray, (atoms,)
        Of the excited state.
    shares : ndarray, (atoms,)
        Of the networks in the energy of the atom; the surroundings have the rest.
    """

    ids: Ints
    types: Ints
    masses: Floats
    positions: Floats
    momenta: Floats
    forces: Floats
    images: Ints
    home: Floats
    weights: Floats
    shares: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> Particles:
        """Some of the atoms, in the order of the indices."""
        return Particles(**{one.name: getattr(self, one.name)[chosen] for one in fields(self)})


def joined(parts: Sequence[Particles]) -> Particles:
    """Several sets of atoms as one."""
    return Particles(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Particles)})


@dataclass
class System:
    """All atoms, of which this rank has some.

    Attributes
    ----------
    particles : Particles
        Those of this rank.
    cell : ndarray, (3, 3)
        Vectors as rows, in Angstrom.
    periodic : ndarray of bool, (3,)
        Along which of them.
    home_cell : ndarray, (3, 3)
        The cell when the list of neighbours was made.
    elements : tuple of str
        Symbols of the types.
    ranks : Ranks
        All ranks.
    atoms : int
        Of all ranks.
    energy : float
        Potential energy of all atoms in eV.
    virial : ndarray, (3, 3)
        Sum of r (x) dE/dr over pairs, in eV: the volume times the stress of the atoms at rest.
    step : int
        Steps done.
    time : float
        In ASE's unit.
    """

    particles: Particles
    cell: Floats
    periodic: NDArray[np.bool_]
    home_cell: Floats
    elements: tuple[str, ...]
    ranks: Ranks
    atoms: int
    energy: float = 0.0
    virial: Floats = field(default_factory=lambda: np.zeros((3, 3)))
    step: int = 0
    time: float = 0.0

    @property
    def volume(self) -> float:
        """Of the cell, in Angstrom^3."""
        return abs(float(np.linalg.det(self.cell)))

    def kinetic(self) -> Floats:
        """Sum of p (x) p / m over all atoms, (3, 3) in eV: twice the kinetic energy is its trace."""
        p = self.particles.momenta
        return self.ranks.sum(p.T @ (p / self.particles.masses[:, None]))

    def kinetic_energy(self) -> float:
        """Of all atoms, in eV."""
        return 0.5 * float(np.trace(self.kinetic()))

    def pressure(self, kinetic: Floats) -> Floats:
        """Pressure tensor in eV/Angstrom^3, (3, 3), from :meth:`kinetic`."""
        return (kinetic - self.virial) / self.volume


def make_system(
    atoms: ase.Atoms,
    elements: Sequence[str],
    ranks: Ranks | None = None,
    weights: Floats | None = None,
    shares: Floats | None = None,
) -> System:
    """Take a structure apart into arrays.

    Parameters
    ----------
    atoms : ase.Atoms
        The same on all ranks.
    elements : sequence of str
        Those of the model; the structure has no others.
    ranks : Ranks, optional
        All ranks; one where not given.
    weights : ndarray, (atoms,), optional
        Of the excited state; 0 where not given.
    shares : ndarray, (atoms,), optional
        Of the networks; 1 where not given.

    Returns
    -------
    System
        Whose atoms are shared out evenly; they move to their bricks with the first list of neighbours.

    Examples
    --------
    >>> system = make_system(ase.Atoms("HOH", cell=[9, 9, 9]), ["H", "O"])
    >>> system.particles.types.tolist(), system.volume
    ([0, 1, 0], 729.0...)
    """
    ranks = ranks or Ranks()
    number_of = {symbol: number for number, symbol in enumerate(elements)}
    count = len(atoms)
    particles = Particles(
        ids=np.arange(count),
        types=np.array([number_of[symbol] for symbol in atoms.get_chemical_symbols()], dtype=np.int64),
        masses=atoms.get_masses().astype(float),
        positions=atoms.get_positions(),
        momenta=atoms.get_momenta(),
        forces=np.zeros((count, 3)),
        images=np.zeros((count, 3), dtype=np.int64),
        home=atoms.get_positions(),
        weights=np.zeros(count) if weights is None else np.array(weights, dtype=float),
        shares=np.ones(count) if shares is None else np.array(shares, dtype=float),
    )
    own = particles.rows(np.arange(ranks.rank, count, ranks.size))
    cell = atoms.cell.complete().array
    return System(own, cell.copy(), atoms.pbc.copy(), cell.copy(), tuple(elements), ranks, count)


def gathered(system: System) -> Particles:
    """All atoms in the order of the user's structure on the first rank; on the others their own."""
    parts = system.ranks.gather(system.particles)
    if parts is None:
        return system.particles
    everything = joined(parts)
    return everything.rows(np.argsort(everything.ids))
