"""Backends by name: every file of this folder that defines ``BACKEND`` is one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from .base import Backend
from .errors import BackendUnavailable


def names() -> list[str]:
    """Names of all backends that this installation knows, working or not.

    Examples
    --------
    >>> "reference" in names()
    True
    """
    return [name for name in _modules() if _find(name) is not None]


def get(name: str | Backend) -> Backend:
    """Backend of that name, of a device by its number: ``"cuda:1"``; a backend itself is given back.

    Raises
    ------
    BackendUnavailable
        If there is none; the message lists the known ones and says what to install.

    Examples
    --------
    >>> get("cpu").name
    'cpu'
    """
    if isinstance(name, Backend):
        return name
    base, _, number = name.partition(":")
    found = _find(base) if base in _modules() else None
    if found is not None and number and not number.isdigit():
        raise BackendUnavailable(f"backend {name!r}: {number!r} is no number of a device; write for example '{base}:0'")
    if found is None:
        raise BackendUnavailable(
            f"backend {name!r} is not there; known: {', '.join(names())}; "
            f"a backend that ships separately is installed with: pip install 'mlmd[{base}]'"
        )
    return found.at(int(number)) if number else found


def fastest_host() -> Backend:
    """The fastest backend that works here on the arrays of the host: for what is set up there for a device.

    Examples
    --------
    >>> fastest_host().name in ("cpu", "numba", "reference")
    True
    """
    return next(backend for backend in map(get, ("cpu", "numba", "reference")) if backend.status().works)


def _modules() -> list[str]:
    package = import_module(__package__)
    return sorted(module.name for module in iter_modules(package.__path__))


def _find(name: str) -> Backend | None:
    return getattr(import_module(f"{__package__}.{name}"), "BACKEND", None)
