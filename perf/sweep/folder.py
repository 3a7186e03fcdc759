"""The folder of a sweep: the table, the machine, a copy of what was asked; and whether a sweep may go on in it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...backends import MlmdError
from ...backends.atomic import replace_file

FORMAT = 1
SAME = ("sweep", "cpu", "isa", "threads", "backends", "builds", "versions", "environment")


@dataclass(frozen=True)
class Folder:
    """Names of the files of one sweep.

    Parameters
    ----------
    path : Path
        The folder.

    Examples
    --------
    >>> Folder(Path("out")).table.name
    'sweep.csv'
    """

    path: Path

    @property
    def table(self) -> Path:
        """The rows."""
        return self.path / "sweep.csv"

    @property
    def machine(self) -> Path:
        """Machine, roofs, versions, and what was asked; written before the first row."""
        return self.path / "machine.json"

    @property
    def question(self) -> Path:
        """The input as it was."""
        return self.path / "sweep.toml"

    @property
    def portability(self) -> Path:
        """Rows for the P3 analysis library."""
        return self.path / "p3.csv"

    def read_machine(self) -> dict[str, Any] | None:
        """What is in ``machine.json``; None if there is no such file.

        Raises
        ------
        MlmdError
            If it cannot be read.
        """
        try:
            data = json.loads(self.machine.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise MlmdError(f"{self.machine} cannot be read ({error}): start again with --force") from None
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise MlmdError(f"{self.machine} is of another version: start again with --force")
        return data

    def write(self, path: Path, text: str) -> None:
        """Write one of the files, whole or not at all.

        Raises
        ------
        MlmdError
            If it cannot be written.
        """
        try:
            replace_file(path, text.encode())
        except OSError as error:
            raise MlmdError(f"{path} cannot be written ({error.strerror}); choose another folder with --out") from None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other sweeps out of the folder while the block lasts.

        Raises
        ------
        MlmdError
            If one is at it, or the folder cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            guard = (self.path / ".lock").open("w")
        except OSError as error:
            raise MlmdError(f"{self.path} cannot be written ({error.strerror}); choose another --out") from None
        with guard:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MlmdError(f"another sweep writes to {self.path}; wait for it, or give another --out") from None
            yield

    def clear(self) -> None:
        """Remove what an older sweep left."""
        for path in (self.table, self.machine, self.question, self.portability):
            path.unlink(missing_ok=True)


def difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """In what the sweep in a folder differs from the one that is asked for; empty if in nothing.

    Examples
    --------
    >>> difference({"sweep": {"rounds": 5}, "cpu": "A"}, {"sweep": {"rounds": 7}, "cpu": "A"})
    'sweep.rounds was 5 and is 7'
    """
    return next((found for key in SAME if (found := _change(key, before.get(key), now.get(key)))), "")


def _change(name: str, before: Any, now: Any) -> str:
    if before == now:
        return ""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = dict.fromkeys([*before, *now])
        return next(found for key in keys if (found := _change(f"{name}.{key}", before.get(key), now.get(key))))
    old, new = (json.dumps(value) for value in (before, now))
    return f"{name} was {_short(old)} and is {_short(new)}"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
