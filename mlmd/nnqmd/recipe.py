"""The input of a training as typed, validated sections."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..sections import Count, CountOrZero, Section, Switch, wrong
from .architecture import Element, Positive, Shape

NotNegative = Annotated[float, Field(ge=0)]


class Data(Section):
    """``[data]``: labelled structures, and how many of them are held back.

    ``files`` are paths relative to the input. ``isolated`` gives energies of isolated atoms in eV; what it lacks comes
    from structures of one atom, else from a fit to the composition.
    """

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    validation: Count
    test: CountOrZero = 0
    isolated: dict[Element, float] = {}
    seed: CountOrZero = 0


class Training(Section):
    """``[training]``: the optimiser and the weights of the loss (energy per atom, forces, stress).

    With ``optimizer = "sam"`` the minimum is looked for where the loss is flat within ``rho``
    (:class:`mlmd.nnqmd.sam.SAM`).
    """

    epochs: Count = 100
    batch: Count = 4
    learning_rate: Positive = 5e-3
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    optimizer: Literal["adam", "sam"] = "adam"
    rho: Positive = 0.005
    adaptive: Switch = False
    average: Annotated[float, Field(gt=0, lt=1)] = 0.99
    energy: NotNegative = 1.0
    forces: NotNegative = 1.0
    stress: NotNegative = 0.0
    seed: CountOrZero = 0

    @model_validator(mode="after")
    def _check(self) -> Training:
        if self.energy == self.forces == self.stress == 0:
            raise wrong("forces", "is 0, as energy and stress are; give one of them a weight")
        return self


class Recipe(Section):
    """A whole input of ``mlmd nn train``.

    Examples
    --------
    >>> Recipe.model_validate({"data": {"files": ["pto.xyz"], "validation": 20}}).training.epochs
    100
    """

    title: str = ""
    data: Data
    model: Shape = Shape()
    training: Training = Training()
