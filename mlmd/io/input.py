"""Reading an input file: TOML text in, a validated Config out, or one plain message."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .. import config as models
from ..config import Config
from ..errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SECTIONS: Mapping[str, type[BaseModel]] = {
    "system": models.System,
    "grid": models.Grid,
    "ground_state": models.GroundStateSettings,
    "dynamics": models.Dynamics,
    "output": models.Output,
    "run": models.RunSettings,
}
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
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(path, "", f"cannot be read ({error.strerror})", "check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(path, "", "is not a text file", "give a TOML input file") from error
    return parse_input(text, path), text


def parse_input(text: str, path: Path) -> Config:
    """Validate the text of an input file.

    Parameters
    ----------
    text : str
        TOML.
    path : Path
        Name used in messages.

    Returns
    -------
    Config
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
        return Config.model_validate(data)
    except ValidationError as error:
        key, problem = explain(error, data)
        raise InputError(path, key, problem) from error


def explain(error: ValidationError, data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the key and a plain sentence for the errors that pydantic found.

    The first problem is told in full, others by key only. Unknown keys come first: a misspelt
    key is often the cause of a missing one.

    Parameters
    ----------
    error : ValidationError
        From validating a :class:`~mlmd.config.Config`.
    data : mapping
        What was validated, as it was written.

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
    problem = _problem(first, data)
    keys = sorted({_key(detail) for detail in others} - {_key(first)})
    if keys:
        problem += f" (to correct as well: {', '.join(keys)})"
    return _key(first), problem


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


def _key(detail: ErrorDetails) -> str:
    """Return the key of an error as users know it, e.g. ``[grid] shape``."""
    place = _path(detail)
    section, *rest = place
    if not rest:
        known_section = section in _SECTIONS or section == "laser"
        return f"[{section}]" if known_section else str(section)
    name = str(rest[0])
    for part in rest[1:]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}"
    return f"[{section}] {name}"


def _problem(detail: ErrorDetails, data: Mapping[str, Any]) -> str:
    """Return what is wrong and what to do for one error."""
    context: dict[str, Any] = detail.get("ctx", {})
    given = _given(data, _path(detail))
    got = f"got {_show(given)}"
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(detail)
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


def _unknown_key(detail: ErrorDetails) -> str:
    """Return the message for an unknown key, with the nearest right one."""
    *parents, name = detail["loc"]
    name = str(name)
    allowed = _keys_of(parents)
    message = "is not a known " + ("key" if parents or not isinstance(detail["input"], dict) else "section")
    near = difflib.get_close_matches(name.lower(), allowed, n=1, cutoff=0.6)
    if near:
        return f"{message}; did you mean '{near[0]}'?"
    homes = [section for section in (*_SECTIONS, "laser") if name in _keys_of([section])]
    if homes:
        return f"{message} here; it belongs to [{homes[0]}]"
    return f"{message}; known here: {', '.join(allowed)}"


def _keys_of(parents: Iterable[int | str]) -> list[str]:
    """Return the keys allowed at a place of the file."""
    match list(parents):
        case []:
            return list(Config.model_fields)
        case ["laser", tag, *_]:
            return list(_LASERS[str(tag)].model_fields)
        case ["laser"]:
            return list(dict.fromkeys(key for m in _LASERS.values() for key in m.model_fields))
        case [section, *_]:
            return list(_SECTIONS[str(section)].model_fields)
    raise AssertionError("a place is a list of keys")


def _hint(value: object, context: Mapping[str, Any]) -> str:
    """Return ``; did you mean 'x'?`` when a value is nearly one of the expected ones."""
    expected = [word.strip("' ") for word in str(context["expected"]).replace(" or ", ",").split(",")]
    near = difflib.get_close_matches(str(value).lower(), expected, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
