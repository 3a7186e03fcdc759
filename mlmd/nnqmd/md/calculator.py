"""Networks in blocks of bounded memory, with a list of neighbours that lasts, as a calculator of ASE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ase
import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from .forces import Forces
from .particles import Floats, System, gathered, make_system

Key = tuple[bytes, bytes, list[Floats | None]]
OfAtoms = Callable[[ase.Atoms], "Floats | None"]


class BlockCalculator(Calculator):
    """Energy (eV), forces (eV/Angstrom) and stress (eV/Angstrom^3) of structures of any size.

    Parameters
    ----------
    forces : callable
        Makes a :class:`Forces`; called for each new set of atoms.
    elements : sequence of str
        Those of the potentials.
    weights : callable, optional
        Weights of the excited state of a structure, (atoms,).
    shares : callable, optional
        Shares of the networks, (atoms,); all where not given.

    Raises
    ------
    NumericsError
        On evaluation: see :meth:`Forces.update`.

    Examples
    --------
    In Python::

        network = Network(load_model("model.safetensors"))
        atoms.calc = BlockCalculator(lambda: Forces([network], memory=500e6), network.elements)
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]

    def __init__(
        self,
        forces: Callable[[], Forces],
        elements: Sequence[str],
        weights: OfAtoms | None = None,
        shares: OfAtoms | None = None,
    ) -> None:
        super().__init__()
        self._make, self._elements, self._weights, self._shares = forces, tuple(elements), weights, shares
        self._known: tuple[Key, System, Forces] | None = None

    def check_state(self, atoms: ase.Atoms, tol: float = 1e-15) -> list[str]:
        """Tell what changed since the last evaluation; weights and shares count, too."""
        changes = super().check_state(atoms, tol)
        if self.atoms is not None and len(self.atoms) == len(atoms):
            same = _equal(self._arrays(self.atoms), self._arrays(atoms))
            return changes if same else [*changes, "weights"]
        return changes

    def calculate(
        self, atoms: ase.Atoms | None = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Evaluate the potentials on a structure."""
        super().calculate(atoms, properties, system_changes)
        system, forces = self._system(self.atoms)
        forces.update(system)
        self.results = {
            "energy": system.energy,
            "free_energy": system.energy,
            "forces": gathered(system).forces,
        }
        if any(self.atoms.pbc):
            self.results["stress"] = full_3x3_to_voigt_6_stress(system.virial / system.volume)

    def _system(self, atoms: ase.Atoms) -> tuple[System, Forces]:
        """The system of the last call with the places of these atoms, or a new one where these are other atoms."""
        key = (atoms.numbers.tobytes(), atoms.pbc.tobytes(), self._arrays(atoms))
        if self._known is None or self._known[0][:2] != key[:2] or not _equal(self._known[0][2], key[2]):
            weights, shares = key[2]
            self._known = key, make_system(atoms, self._elements, weights=weights, shares=shares), self._make()
        _, system, forces = self._known
        system.cell = atoms.cell.complete().array
        particles = system.particles
        particles.positions = atoms.positions[particles.ids] - particles.images @ system.cell
        return system, forces

    def _arrays(self, atoms: ase.Atoms) -> list[Floats | None]:
        return [None if of_atoms is None else of_atoms(atoms) for of_atoms in (self._weights, self._shares)]


def _equal(some: Sequence[Floats | None], others: Sequence[Floats | None]) -> bool:
    pairs = zip(some, others, strict=True)
    return all(one is None or other is None or np.array_equal(one, other) for one, other in pairs)
