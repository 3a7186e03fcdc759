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

Key = tuple[bytes, bytes, Floats | None]


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
        weights: Callable[[ase.Atoms], Floats] | None = None,
    ) -> None:
        super().__init__()
        self._make, self._elements, self._weights = forces, tuple(elements), weights
        self._known: tuple[Key, System, Forces] | None = None

    def check_state(self, atoms: ase.Atoms, tol: float = 1e-15) -> list[str]:
        """Tell what changed since the last evaluation; the weights count, too."""
        changes = super().check_state(atoms, tol)
        if self._weights is not None and self.atoms is not None and len(self.atoms) == len(atoms):
            same = np.array_equal(self._weights(self.atoms), self._weights(atoms))
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
        key = (atoms.numbers.tobytes(), atoms.pbc.tobytes(), None if self._weights is None else self._weights(atoms))
        if self._known is None or not _equal(self._known[0], key):
            self._known = key, make_system(atoms, self._elements, weights=key[2]), self._make()
        _, system, forces = self._known
        system.cell = atoms.cell.complete().array
        particles = system.particles
        particles.positions = atoms.positions[particles.ids] - particles.images @ system.cell
        return system, forces


def _equal(one: Key, other: Key) -> bool:
    return one[:2] == other[:2] and (one[2] is None or other[2] is None or np.array_equal(one[2], other[2]))
