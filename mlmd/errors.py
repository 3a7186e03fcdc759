"""Errors that MLMD raises: each message says what is wrong and what to do.

Examples
--------
>>> raise InputError("run.toml", "[grid] spacing", "is negative (-0.3)", "give a length above zero")
Traceback (most recent call last):
    ...
mlmd.errors.InputError: run.toml: [grid] spacing: is negative (-0.3); give a length above zero
"""

from __future__ import annotations

from os import PathLike, fspath

from .backends.errors import ArrayError, BackendUnavailable, DeviceMemoryError, MlmdError, PlanError

__all__ = [
    "ArrayError",
    "BackendUnavailable",
    "DeviceMemoryError",
    "CheckpointError",
    "InputError",
    "MlmdError",
    "NumericsError",
    "PlanError",
]


class InputError(MlmdError):
    """Something in a file of the user is wrong.

    Parameters
    ----------
    file : str or path
        The file that was read.
    key : str
        Where in it, as the user wrote it, e.g. ``"[laser] wavelength"``; empty for the file as a whole.
    problem : str
        What is wrong.
    remedy : str, optional
        What to do about it.
    """

    def __init__(self, file: str | PathLike[str], key: str, problem: str, remedy: str = "") -> None:
        self.file = fspath(file)
        self.key = key
        self.problem = problem
        self.remedy = remedy
        place = ": ".join(part for part in (self.file, key, problem) if part)
        super().__init__(f"{place}; {remedy}" if remedy else place)


class CheckpointError(InputError):
    """A checkpoint is damaged, cut off, or belongs to another input."""


class NumericsError(MlmdError):
    """A run left the range where its numbers mean anything (NaN, loss of norm)."""
