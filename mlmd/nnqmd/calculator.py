"""A model as a calculator of ASE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ase
import numpy as np
import torch
from ase.calculators.calculator import Calculator, all_changes
from matscipy.neighbours import neighbour_list
from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
from nequip.integrations.ase import NequIPCalculator

from ..errors import MlmdError
from .allegro import accelerate
from .model_file import Model

CLOSEST = 0.3  # Angstrom: nearer than any bond, where a model knows nothing


class StructureError(MlmdError):
    """A structure that a model cannot take."""


class NeuralNetwork(NequIPCalculator):
    """Energy (eV), forces (eV/Angstrom) and stress (eV/Angstrom^3) of a model.

    Parameters
    ----------
    model : Model
        From :func:`mlmd.nnqmd.load_model`.
    device : str
        Of PyTorch.

    Raises
    ------
    StructureError
        On evaluation: no atoms, an element that the model does not know, two atoms at one place, or a result that is
        not finite.
    """

    def __init__(self, model: Model, device: str = "cpu") -> None:
        self.elements = model.architecture.elements
        super().__init__(
            placed(model, device),
            device=device,
            transforms=transforms_of(model),
        )

    def calculate(
        self, atoms: ase.Atoms | None = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Evaluate the model on a structure."""
        structure = self.atoms if atoms is None else atoms
        check_structure(structure, self.elements)
        super().calculate(structure, list(properties), system_changes)
        for name, value in self.results.items():
            if name in ("energy", "forces", "stress") and not np.all(np.isfinite(value)):
                raise StructureError(
                    f"{name} of {structure.get_chemical_formula()} is not finite; look at its positions"
                )

    def together(self, structures: Sequence[ase.Atoms]) -> Calculator:
        """Calculator of structures side by side in one ``Atoms`` (:class:`mlmd.nnqmd.replicas.Replicas`)."""
        from .replicas import Replicas

        return Replicas(self, structures)


def transforms_of(model: Model) -> list[Callable[..., Any]]:
    """What makes data of a structure fit for a model: elements as its types, and its list of neighbours."""
    elements = model.architecture.elements
    return [
        ChemicalSpeciesToAtomTypeMapper(
            model_type_names=list(elements),
            chemical_species_to_atom_type_map={symbol: symbol for symbol in elements},
        ),
        NeighborListTransform(r_max=model.architecture.shape.cutoff),
    ]


def placed(model: Model, device: str) -> torch.nn.Module:
    """Network of a model on a device, ready to evaluate: on processors with the kernels of MLMD.

    Parameters
    ----------
    model : Model
        The model; its network is moved.
    device : str
        Of PyTorch.

    Returns
    -------
    torch.nn.Module
    """
    network = model.network.to(device).eval()
    return accelerate(network) if device == "cpu" else network


def check_structure(structure: ase.Atoms, elements: Sequence[str]) -> None:
    """Raise for a structure that a model cannot take.

    Parameters
    ----------
    structure : ase.Atoms
        What is to be evaluated.
    elements : sequence of str
        Those the model knows.

    Raises
    ------
    StructureError
        No atoms, positions that are not finite, an unknown element, two atoms at one place.

    Examples
    --------
    >>> check_structure(ase.Atoms("HO", [[0, 0, 0], [0, 0, 0.1]]), ["H", "O"])
    Traceback (most recent call last):
        ...
    mlmd.nnqmd.calculator.StructureError: atoms 0 (H) and 1 (O) are 0.1 Angstrom apart; move them ...
    """
    check_atoms(structure, elements)
    symbols = structure.get_chemical_symbols()
    cell = structure.cell.complete()  # matscipy wants three vectors, periodic or not
    i, j, distance = neighbour_list("ijd", None, CLOSEST, structure.positions, cell, structure.pbc)
    if len(i):
        first, second = sorted((int(i[0]), int(j[0])))
        raise StructureError(
            f"atoms {first} ({symbols[first]}) and {second} ({symbols[second]}) are {distance[0]:.3g} Angstrom apart; "
            "move them to where a bond could be"
        )


def check_atoms(structure: ase.Atoms, elements: Sequence[str]) -> None:
    """Raise for atoms that a model cannot take wherever the others are.

    Parameters
    ----------
    structure : ase.Atoms
        What is to be evaluated.
    elements : sequence of str
        Those the model knows.

    Raises
    ------
    StructureError
        No atoms, positions or a cell that mean nothing, an unknown element.

    Examples
    --------
    >>> check_atoms(ase.Atoms("Xe"), ["H", "O"])
    Traceback (most recent call last):
        ...
    mlmd.nnqmd.calculator.StructureError: the model does not know Xe; it was trained for H, O
    """
    if not len(structure):
        raise StructureError("the structure has no atoms")
    if not np.all(np.isfinite(structure.positions)):
        number = int(np.argmin(np.isfinite(structure.positions).all(axis=1)))
        raise StructureError(f"the position of atom {number} is not finite")
    if not np.all(np.isfinite(structure.cell.array)) or abs(np.linalg.det(structure.cell.complete().array)) < 1e-6:
        raise StructureError("the cell has no volume; give three vectors that are not in one plane")
    if any(structure.pbc & ~structure.cell.any(axis=1)):
        raise StructureError("an axis is periodic and has no cell vector; give one, or make it not periodic")
    unknown = sorted(set(structure.get_chemical_symbols()) - set(elements))
    if unknown:
        raise StructureError(f"the model does not know {unknown[0]}; it was trained for {', '.join(elements)}")
