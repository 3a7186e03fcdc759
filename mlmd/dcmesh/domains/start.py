"""A divided ground state as a start for real time: boxes with electrons of their own, in the potential of the whole."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..grid import Grid
from ..qxmd.archive import load_ions, save_ions
from ..qxmd.cell import Ions
from ..qxmd.energy import field_energies
from ..qxmd.ground_state import EIGENSOLVER_TOLERANCE, GroundState
from ..qxmd.occupations import gap
from .domain import Domain
from .ground_state import DividedState, entropy, occupy
from .partition import Box, recombine

if TYPE_CHECKING:
    import h5py

Array = NDArray[np.float64]
MOST_ROUNDS = 30  # of the eigensolver on bands that the density does not feel


@dataclass
class BoxStates:
    """Where the electrons of all domains start, atomic units.

    Attributes
    ----------
    ions
        Of the whole cell.
    boxes
        Where the domains lie.
    states
        The electrons of each box: its atoms, the potential of the whole on it, occupations of the one chemical
        potential. They need not sum up to a whole number, as its atoms' electrons do. Its density is periodic on the
        box; its energy has the terms that its core adds to those of the cell.
    density
        (nx, ny, nz) of the cell, sewn together.
    energy
        Of the cell: terms in Ha with their total.
    iterations
        Of the ground state.
    eigenvalues, occupations
        (1, bands) of all boxes, one after the other; of orbitals that lie in the core in part.
    kpoints, weights
        (1, 3) and (1,): Gamma.
    """

    ions: Ions
    boxes: list[Box]
    states: list[GroundState]
    density: Array
    energy: dict[str, float]
    iterations: int
    eigenvalues: Array = field(init=False)
    occupations: Array = field(init=False)
    kpoints: Array = field(init=False)
    weights: Array = field(init=False)

    def __post_init__(self) -> None:
        self.eigenvalues = np.concatenate([state.eigenvalues for state in self.states], axis=1)
        self.occupations = np.concatenate([state.occupations for state in self.states], axis=1)
        self.kpoints, self.weights = np.zeros((1, 3)), np.ones(1)

    @property
    def grid(self) -> Grid:
        """The grid of the cell."""
        return self.ions.grid

    @property
    def electrons(self) -> int:
        """Valence electrons in the cell."""
        return self.ions.electrons

    @property
    def gap(self) -> float:
        """Lowest empty minus highest occupied eigenvalue of all boxes, Ha; not below 0."""
        return gap(self.eigenvalues, self.occupations)

    def save(self, group: h5py.Group) -> None:
        """Write into an HDF5 group."""
        save_ions(self.ions, group)
        group.create_dataset("density", data=self.density).attrs["unit"] = "bohr^-3"
        energy = group.create_group("energy")
        energy.attrs["unit"] = "hartree"
        energy.attrs.update(self.energy)
        group.attrs["iterations"] = self.iterations
        for place, (box, state) in enumerate(zip(self.boxes, self.states, strict=True)):
            domain = group.create_group(f"domains/{place}")
            domain.attrs["core"], domain.attrs["buffer"] = box.core, box.buffer
            state.save(domain)

    @classmethod
    def load(cls, group: h5py.Group) -> BoxStates:
        """Read what `save` wrote."""
        density = group["density"][()]
        ions = load_ions(group, density.shape)
        domains = [group[f"domains/{place}"] for place in range(len(group["domains"]))]
        return cls(
            ions=ions,
            boxes=[_load_box(domain, ions.grid) for domain in domains],
            states=[GroundState.load(domain) for domain in domains],
            density=density,
            energy={term: float(value) for term, value in group["energy"].attrs.items() if term != "unit"},
            iterations=int(group.attrs["iterations"]),
        )


def box_states(divided: DividedState) -> BoxStates:
    """Take the boxes of a divided ground state apart.

    Their orbitals are improved in the potential that they are in until the empty ones too are eigenstates. All ranks
    that share them out make this call, and each gets all of them.

    Parameters
    ----------
    divided
        The ground state; its orbitals are changed.

    Examples
    --------
    >>> from ase import Atoms
    >>> from mlmd.dcmesh.domains import divided_ground_state
    >>> row = Atoms("H4", [[1.5, 1.5, z] for z in (0.63, 1.37, 3.63, 4.37)], cell=[3, 3, 6], pbc=True)
    >>> divided = divided_ground_state(row, (16, 16, 32), (1, 1, 2), buffer=2.8, extra_bands=2, tol=1e-4)
    >>> start = box_states(divided)
    >>> [state.grid.shape for state in start.states], round(float(start.density.sum() * start.grid.dv), 6)
    ([(16, 16, 32), (16, 16, 32)], 4.0)
    """
    ions, boxes, domains = divided.ions, divided.boxes, divided.domains
    worst = max(divided.line.collect([_polish(domain, divided.v_loc) for domain in domains]))
    if not worst < EIGENSOLVER_TOLERANCE:
        words = f"the highest bands of a domain have a residual of {worst:.1e} Ha: raise extra_bands"
        warnings.warn(words, stacklevel=2)
    occupations, level, entropy_term = occupy(domains, ions.electrons, divided.smearing, divided.line)
    own = [
        GroundState(
            ions=domain.ions,
            xc=divided.xc,
            kpoints=np.zeros((1, 3)),
            weights=np.ones(1),
            eigenvalues=domain.values[None],
            occupations=f[None],
            psi=[np.ascontiguousarray(domain.psi)],
            density=domain.density(f),
            v_loc=divided.v_loc[domain.box.points],
            energy=domain.energies(f) | {"entropy": entropy(domain.shares, f, divided.smearing)},
            fermi_level=level,
            smearing=divided.smearing,
            iterations=divided.iterations,
        )
        for domain, f in zip(domains, occupations, strict=True)
    ]
    states = divided.line.collect(own)
    density = recombine(boxes, [state.density for state in states])
    energy = {term: sum(state.energy[term] for state in states) for term in ("kinetic", "nonlocal")}
    energy |= field_energies(ions, divided.xc, density) | {"entropy": entropy_term}
    return BoxStates(ions, boxes, states, density, energy | {"total": sum(energy.values())}, divided.iterations)


def _polish(domain: Domain, potential: Array) -> float:
    """Bring the bands that the density does not feel to the residual of the others; tells the largest, Ha."""
    for _ in range(MOST_ROUNDS):
        worst = domain.solve(potential, cycles=1)
        if worst < EIGENSOLVER_TOLERANCE:
            break
    return worst


def _load_box(group: h5py.Group, cell: Grid) -> Box:
    x, y, z = ((int(start), int(points)) for start, points in group.attrs["core"])
    bx, by, bz = (int(points) for points in group.attrs["buffer"])
    return Box(cell, (x, y, z), (bx, by, bz))
