"""Two networks in one calculator: the ground state, and the state that light leaves behind.

    F = (1 - w) F_GS + w F_XS

with a weight w in [0, 1] of each atom: how far its surroundings are excited (XS-NNQMD; MSA3 of the MLMD paper). Where w
is the same for all atoms, F is the gradient of E = (1 - w) E_GS + w E_XS, and energy is conserved; where it is not, the
energy is the sum of the atoms' energies with their weights, and work is done at the borders.
"""

from __future__ import annotations

from typing import Any

import ase
import numpy as np
import torch
from ase.calculators.calculator import Calculator, all_changes

from .calculator import NeuralNetwork, StructureError, placed
from .model_file import Model

WEIGHT = "excitation"


class ExcitedState(NeuralNetwork):
    """Energy, forces and stress of a partly excited structure.

    Parameters
    ----------
    ground, excited : Model
        Of the same elements and cutoff, such as a model and one fine-tuned from it: both take the same list of
        neighbours.
    device : str
        Of PyTorch.

    Raises
    ------
    StructureError
        Models that do not fit together; on evaluation a weight that is missing or not within [0, 1], and what
        :class:`NeuralNetwork` refuses.

    Notes
    -----
    The weights are the array ``excitation`` of the structure, (atoms,), or one number in ``atoms.info``. A network
    whose weight is 0 for all atoms is not evaluated: w = 0 gives the ground state to the last bit. The stress takes the
    mean weight.
    """

    def __init__(self, ground: Model, excited: Model, device: str = "cpu") -> None:
        check_pair(ground, excited)
        super().__init__(ground, device)
        self.excited_network = placed(excited, device)

    def check_state(self, atoms: ase.Atoms, tol: float = 1e-15) -> list[str]:
        """Tell what changed since the last evaluation; the weights count, too."""
        changes = Calculator.check_state(self, atoms, tol)
        if self.atoms is not None and not np.array_equal(_raw_weights(self.atoms), _raw_weights(atoms)):
            changes.append(WEIGHT)
        return changes

    def calculate(
        self, atoms: ase.Atoms | None = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Evaluate both networks on one list of neighbours and mix what they say."""
        self._weights = weights_of(self.atoms if atoms is None else atoms)
        super().calculate(atoms, properties, system_changes)

    def call_model(self, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Mix the output of the networks."""
        w = torch.tensor(self._weights, device=self.device)
        if not w.any():
            return super().call_model(data)
        excited = self.excited_network(dict(data))
        if bool((w == 1).all()):
            return excited
        return mix(super().call_model(dict(data)), excited, w)


def check_pair(ground: Model, excited: Model) -> None:
    """Raise for two models that do not take the same list of neighbours.

    Parameters
    ----------
    ground, excited : Model
        The models.

    Raises
    ------
    StructureError
        Other elements or another cutoff.
    """
    first, second = ground.architecture, excited.architecture
    if first.elements != second.elements or first.shape.cutoff != second.shape.cutoff:
        raise StructureError(
            f"the two models do not fit together: elements {', '.join(first.elements)} and "
            f"{', '.join(second.elements)}, cutoffs {first.shape.cutoff:g} and {second.shape.cutoff:g} Angstrom; "
            "fine-tune one from the other"
        )


def mix(ground: dict[str, torch.Tensor], excited: dict[str, torch.Tensor], w: torch.Tensor) -> dict[str, torch.Tensor]:
    """Mix outputs of two graph models of nequip.

    Parameters
    ----------
    ground, excited : dict of Tensor
        ``atomic_energy`` (atoms, 1) and ``total_energy`` (1, 1) in eV, ``forces`` (atoms, 3) in eV/Angstrom, ``stress``
        (1, 3, 3).
    w : Tensor
        (atoms,) weights of the second.

    Returns
    -------
    dict of Tensor

    Examples
    --------
    >>> a, b = ({"atomic_energy": torch.full((2, 1), e), "total_energy": torch.full((1, 1), 2 * e)} for e in (1.0, 3.0))
    >>> float(mix(a, b, torch.tensor([0.0, 0.25]))["total_energy"])
    2.5
    """
    mixed = dict(ground)
    for name, weight in (("atomic_energy", w[:, None]), ("forces", w[:, None]), ("stress", w.mean())):
        if name in ground:
            mixed[name] = ground[name] + weight.to(ground[name].dtype) * (excited[name] - ground[name])
    gained = (w[:, None] * (excited["atomic_energy"] - ground["atomic_energy"])).sum(dim=0, keepdim=True)
    mixed["total_energy"] = ground["total_energy"] + gained
    return mixed


def weights_of(atoms: ase.Atoms) -> np.ndarray:
    """Weights of the excited state, (atoms,).

    Parameters
    ----------
    atoms : ase.Atoms
        With the array, or the number in ``info``, called ``excitation``.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    StructureError
        When there is none, or one is not within [0, 1].

    Examples
    --------
    >>> weights_of(ase.Atoms("H2", info={"excitation": 0.25}))
    array([0.25, 0.25])
    """
    raw = _raw_weights(atoms)
    if raw is None:
        raise StructureError(f"the structure has no weights; set atoms.arrays['{WEIGHT}'] or atoms.info['{WEIGHT}']")
    weights = np.broadcast_to(np.asarray(raw, dtype=float), (len(atoms),))
    wrong = np.flatnonzero(~((weights >= 0) & (weights <= 1)))
    if len(wrong):
        raise StructureError(f"the weight of atom {wrong[0]} is {weights[wrong[0]]:g}, not within 0 and 1")
    return weights


def _raw_weights(atoms: ase.Atoms) -> Any:
    return atoms.arrays.get(WEIGHT, atoms.info.get(WEIGHT))
