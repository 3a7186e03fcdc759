"""Reading an input file: TOML text in, a validated Config out, or one plain message."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .. import config as models
from ..config import Config
from ..errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Model = TypeVar("Model", bound=BaseModel)
_LASERS: Mapping[str, type[BaseModel]] = {
    "none": models.NoLaser,
    "kick": models.Kick,
    "sin2": models.PulseSettings,
    "gaussian": models.PulseSettings,
}


def read_input(path: Path) -> tuple[Config, str]:
    """Read and validate an input file.

    Parameters
    ----------
    path : Path
        The TOML file.

    Returns
    -------
    config : Config
        The validated input.
    text : str
        The file as it was written.

    Raises
    ------
    InputError
        When the file cannot be read, is not TOML, or holds a wrong key, value or unit.
    """
    text = read_text(path)
    return parse_input(text, path), text


def read_text(path: Path) -> str:
    """Read the text of an input file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        What is in it.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(path, "", f"cannot be read ({error.strerror})", "check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(path, "", "is not a text file", "give a TOML input file") from error


def parse_input(text: str, path: Path) -> Config:
    """Validate the text of an input file of a run; see :func:`parse`."""
    return parse(Config, text, path)


def parse(model: type[Model], text: str, path: Path) -> Model:
    """Validate the text of an input file.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        What it should be: sections of keys.
    text : str
        TOML.
    path : Path
        Name used in messages.

    Returns
    -------
    Model
        The validated input.

    Raises
    ------
    InputError
        When the text is not TOML, or holds a wrong key, value or unit.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(path, "", f"is not valid TOML: {error}", "correct that line") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        key, problem = explain(error, data, model)
        raise InputError(path, key, problem) from error


def explain(error: ValidationError, data: Mapping[str, Any], model: type[BaseModel] = Config) -> tuple[str, str]:
    """Return the key and a plain sentence for the errors that pydantic found.

    The first problem is told in full, others by key only. Unknown keys come first: a misspelt
    key is often the cause of a missing one.

    Parameters
    ----------
    error : ValidationError
        From validating it.
    data : mapping
        What was validated, as it was written.
    model : type of pydantic.BaseModel
        What it should have been.

    Returns
    -------
    key : str
        Such as ``"[laser] duration"``.
    problem : str
        What is wrong and what to do.
    """
    details = error.errors(include_url=False)
    details.sort(key=lambda detail: detail["type"] != "extra_forbidden")
    first, *others = details
    problem = _problem(first, data, model)
    keys = sorted({_key(detail, model) for detail in others} - {_key(first, model)})
    if keys:
        problem += f" (to correct as well: {', '.join(keys)})"
    return _key(first, model), problem


def _path(detail: ErrorDetails) -> tuple[int | str, ...]:
    """Return the place of an error in the file, without the tag of the kind of laser."""
    place = detail["loc"]
    if len(place) > 1 and place[0] == "laser" and place[1] in _LASERS:
        place = (place[0], *place[2:])
    key = detail.get("ctx", {}).get("key")
    if key is not None:
        place = (*place, key)
    if detail["type"].startswith("union_tag"):
        place = (*place, "type")
    if detail["type"] == "missing" and isinstance(place[-1], int):
        place = place[:-1]
    return place


def _key(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """Return the key of an error as users know it, e.g. ``[grid] shape``."""
    place = _path(detail)
    if not place:
        return ""
    section, *rest = place
    if rest and isinstance(rest[0], int) and str(section) in _sections(model):
        number, *rest = rest
        section = f"[{section}]] number {int(number) + 1}"  # a table of an array: [[sizes]]
        return f"[{section} {_joined(rest)}".rstrip()
    if not rest:
        return f"[{section}]" if section in _sections(model) else str(section)
    return f"[{section}] {_joined(rest)}"


def _joined(place: Iterable[int | str]) -> str:
    """Return a key inside a section, e.g. ``atoms[2]``."""
    name = ""
    for part in place:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name


def _sections(model: type[BaseModel]) -> dict[str, tuple[type[BaseModel], ...]]:
    """Return the sections of an input, with the models that each may be."""
    found = {name: tuple(_models(field.annotation)) for name, field in model.model_fields.items()}
    return {name: models for name, models in found.items() if models}


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    """Return the models in the type of a field."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _problem(detail: ErrorDetails, data: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Return what is wrong and what to do for one error."""
    context: dict[str, Any] = detail.get("ctx", {})
    given = _given(data, _path(detail))
    got = f"got {_show(given)}"
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(detail, model)
        case "missing":
            section = _path(detail)[0]
            if isinstance(given, list):
                return f"has too few entries, {got}"
            return "is missing; add it" + (f" to [{section}]" if len(_path(detail)) > 1 else "")
        case "section":
            return str(context["problem"])
        case "value_error":
            return str(context["error"])
        case "greater_than":
            return f"must be greater than {context['gt']:g}, {got}"
        case "greater_than_equal":
            return f"must be {context['ge']:g} or more, {got}"
        case "literal_error":
            return f"must be {context['expected']}, {got}{_hint(given, context)}"
        case "union_tag_invalid":
            names = ", ".join(f"'{name}'" for name in _LASERS)
            return f"must be one of {names}, got {_show(context['tag'])}"
        case "union_tag_not_found":
            return f"is missing; choose one of: {', '.join(_LASERS)}"
        case "model_type" | "model_attributes_type":
            return f"must be a section [{_path(detail)[0]}] with keys, {got}"
        case "int_type" | "int_parsing" | "int_from_float":
            return f"must be a whole number, {got}"
        case "float_type" | "float_parsing" | "finite_number":
            return f"must be a finite number, {got}"
        case "bool_type":
            return f"must be true or false, {got}"
        case "string_type":
            return f"must be a text in quotes, {got}"
        case "too_short":
            return f"has too few entries, {got}"
        case "too_long":
            return f"has too many entries, {got}"
        case _:
            return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, {got}"


def _given(data: Any, place: Iterable[int | str]) -> Any:
    """Return the value at a place of the file as it was written; None if there is none."""
    try:
        for part in place:
            data = data[part]
    except (LookupError, TypeError):
        return None
    return data


def _show(value: object) -> str:
    """Return a value as it stands in a message, cut to a readable length."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _unknown_key(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """Return the message for an unknown key, with the nearest right one."""
    *parents, name = detail["loc"]
    name = str(name)
    allowed = _keys_of(parents, model)
    message = "is not a known " + ("key" if parents or not isinstance(detail["input"], dict) else "section")
    near = difflib.get_close_matches(name.lower(), allowed, n=1, cutoff=0.6)
    if near:
        return f"{message}; did you mean '{near[0]}'?"
    homes = [section for section in _sections(model) if name in _keys_of([section], model)]
    if homes:
        return f"{message} here; it belongs to [{homes[0]}]"
    return f"{message}; known here: {', '.join(allowed)}"


def _keys_of(parents: Iterable[int | str], model: type[BaseModel]) -> list[str]:
    """Return the keys allowed at a place of the file."""
    match list(parents):
        case []:
            return list(model.model_fields)
        case ["laser", tag, *_] if tag in _LASERS:
            return list(_LASERS[str(tag)].model_fields)
        case [section, *_]:
            return list(dict.fromkeys(key for kind in _sections(model)[str(section)] for key in kind.model_fields))
    raise AssertionError("a place is a list of keys")


def _hint(value: object, context: Mapping[str, Any]) -> str:
    """Return ``; did you mean 'x'?`` when a value is nearly one of the expected ones."""
    expected = [word.strip("' ") for word in str(context["expected"]).replace(" or ", ",").split(",")]
    near = difflib.get_close_matches(str(value).lower(), expected, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
