"""Several copies of a system in one evaluation of a model: small systems cost a model little more than its overhead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ase
import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from nequip.data import AtomicDataDict

from .calculator import NeuralNetwork, StructureError, check_structure


class Replicas(Calculator):
    """Energy and forces of structures side by side in one ``Atoms``, which do not see each other.

    Parameters
    ----------
    network : NeuralNetwork
        The model.
    starts : sequence of ase.Atoms
        The structures in the order of their atoms; their cells count, that of the whole does not.

    Attributes
    ----------
    reasons : dict
        Number of a structure that the model cannot take at present -> why; it has no energy and no forces then.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, network: NeuralNetwork, starts: Sequence[ase.Atoms]) -> None:
        super().__init__()
        self.network, self.starts = network, [start.copy() for start in starts]
        ends = np.cumsum([len(start) for start in starts])
        self.parts = [slice(end - len(start), end) for start, end in zip(starts, ends, strict=True)]
        self.reasons: dict[int, str] = {}

    def calculate(
        self, atoms: ase.Atoms | None = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Evaluate all structures together."""
        super().calculate(atoms, properties, system_changes)
        self.reasons, known, data = {}, [], []
        for number, (start, part) in enumerate(zip(self.starts, self.parts, strict=True)):
            start.positions = self.atoms.positions[part]
            try:
                check_structure(start, self.network.elements)
            except StructureError as error:
                self.reasons[number] = str(error)
                continue
            known.append(part)
            data.append(self.network.atoms_to_data(start))
        forces, energy = np.zeros((len(self.atoms), 3)), 0.0
        if data:
            found = self.network.call_model(AtomicDataDict.batched_from_list(data))
            energy = found[AtomicDataDict.TOTAL_ENERGY_KEY].detach().sum().item()
            together = found[AtomicDataDict.FORCE_KEY].detach().cpu().numpy()
            forces[np.concatenate([np.arange(part.start, part.stop) for part in known])] = together
        self.results = {"energy": energy, "forces": forces}
