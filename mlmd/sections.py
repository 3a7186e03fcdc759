"""What the sections of an input are made of: quantities with units, counts, and errors about one key."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Any, TypeAlias, TypeVar

from ase.data import atomic_numbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from . import units

Vector: TypeAlias = tuple[float, float, float]

_length = BeforeValidator(partial(units.parse, kind="length"))
_energy = BeforeValidator(partial(units.parse, kind="energy"))
_time = BeforeValidator(partial(units.parse, kind="time"))

PositiveLength = Annotated[float, Field(gt=0), _length]
PositiveEnergy = Annotated[float, Field(gt=0), _energy]
Energy = Annotated[float, Field(ge=0), _energy]
PositiveTime = Annotated[float, Field(gt=0), _time]
Time = Annotated[float, Field(ge=0), _time]
Length = Annotated[float, Field(ge=0), _length]
Wavelength = Annotated[float, Field(gt=0), BeforeValidator(partial(units.parse, kind="wavelength"))]
Intensity = Annotated[float, Field(gt=0), BeforeValidator(partial(units.parse, kind="intensity"))]
Fluence = Annotated[float, Field(gt=0), BeforeValidator(partial(units.parse, kind="fluence"))]
KickStrength = Annotated[float, BeforeValidator(partial(units.parse, kind="kick strength"))]
Angle = Annotated[float, BeforeValidator(partial(units.parse, kind="angle"))]
Count = Annotated[int, Strict(), Field(ge=1)]
CountOrZero = Annotated[int, Strict(), Field(ge=0)]
GridCount = Annotated[int, Strict(), Field(ge=3)]
Switch = Annotated[bool, Strict()]


def wrong(key: str, problem: str) -> PydanticCustomError:
    """Return an error about one key of the section that is being validated.

    Parameters
    ----------
    key : str
        Key inside the section.
    problem : str
        What is wrong and, after a semicolon, what to do.

    Returns
    -------
    PydanticCustomError
        To be raised inside a validator.
    """
    # The text goes in as a value: braces in it must not be read as a template.
    return PydanticCustomError("section", "{problem}", {"key": key, "problem": problem})


def exactly_one(section: BaseModel, first: str, second: str) -> None:
    """Raise unless exactly one of two keys of the section is given."""
    given = [key for key in (first, second) if getattr(section, key) is not None]
    if len(given) == 2:
        raise wrong(second, f"is given together with '{first}'; keep one of the two")
    if not given:
        raise wrong(first, f"is missing; give either '{first}' or '{second}'")


def _unit_vector(value: Vector) -> Vector:
    """Return the direction of a vector, with length 1."""
    length = math.hypot(*value)
    if length == 0.0:
        raise ValueError("is the zero vector; give a direction such as [0, 0, 1]")
    return (value[0] / length, value[1] / length, value[2] / length)


Direction = Annotated[Vector, AfterValidator(_unit_vector)]


def _atom_row(value: Any) -> Any:
    """Check one row ``["Pb", x, y, z]`` of the list of atoms."""
    if not isinstance(value, (list, tuple)) or len(value) != 4:
        raise ValueError(f'{value!r} is not an atom; write a row such as ["Pb", 0.0, 0.0, 0.0]')
    if value[0] not in atomic_numbers or value[0] == "X":
        raise ValueError(f"{value[0]!r} is not the symbol of an element")
    return tuple(value)


AtomRow = Annotated[tuple[str, float, float, float], BeforeValidator(_atom_row)]


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, NaN and infinity too, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Whole = TypeVar("Whole", bound=Section)


def with_keys(config: Whole, section: str, **changes: object) -> Whole:
    """Return a copy of an input with some keys of one of its sections replaced.

    Parameters
    ----------
    config
        The input.
    section
        Name of the section.
    **changes
        Values that are already valid for their key; ``None`` changes nothing.

    Examples
    --------
    >>> class Run(Section):
    ...     seed: int = 0
    >>> class Input(Section):
    ...     run: Run = Run()
    >>> with_keys(Input(), "run", seed=3).run.seed
    3
    """
    kept = {key: value for key, value in changes.items() if value is not None}
    return config.model_copy(update={section: getattr(config, section).model_copy(update=kept)})
