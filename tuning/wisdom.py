"""The wisdom file: the best known configuration of each problem, one checked line each.

    {"mlmd_wisdom": 1}
    {"kernel": "kin_prop", "backend": "cpu", ..., "tuning": {"block": 4}, "seconds": 0.0115, ..., "crc": "..."}

It is ``$MLMD_WISDOM``, else ``wisdom.jsonl`` in the cache folder.  It is changed under a lock, written aside and
renamed: two tuners at once lose nothing.  Lines that do not hold are told by file and line, and kept in
``wisdom.jsonl.refused`` when the file is next written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ..backends import MlmdError
from ..backends.atomic import replace_file
from ..backends.spirv import cache_folder
from . import lines
from .key import FIELDS, Key
from .lines import Refused

VERSION = 1
HEADER = json.dumps({"mlmd_wisdom": VERSION}) + "\n"
OTHERS = ("precision", "rates")  # lines of the precision planner and of the cost model, kept as they are
NUMBERS = ("threads", "nx", "ny", "nz", "norb", "rank")


class WisdomError(MlmdError):
    """A wisdom file cannot be read or written, or there is no entry where only wisdom may decide."""


@dataclass(frozen=True)
class Entry:
    """What was found for a problem.

    Attributes
    ----------
    key : Key
        The problem, and where it was tuned.
    tuning : dict
        Knobs that differ from their default.
    seconds, default_seconds : float
        Time of a call with them and without, from the same interleaved rounds.
    trials : int
        Candidates that were timed.
    date : str
        Day of the tuning.
    """

    key: Key
    tuning: Mapping[str, int | str]
    seconds: float
    default_seconds: float
    trials: int
    date: str

    def fields(self) -> dict[str, Any]:
        """What its line says."""
        return asdict(self.key) | {
            "tuning": dict(self.tuning),
            "seconds": self.seconds,
            "default_seconds": self.default_seconds,
            "trials": self.trials,
            "date": self.date,
        }

    @property
    def gain(self) -> float:
        """How many times faster than the default."""
        return self.default_seconds / self.seconds


Item = Entry | dict[str, Any]  # an entry, or the fields of a line of another kind


@dataclass(frozen=True)
class Wisdom:
    """A wisdom file as read.

    Attributes
    ----------
    path : Path
        The file.
    items : tuple of Entry or dict
        Entries, and the fields of lines of another kind, in the order of the file.
    refused : tuple of Refused
        Lines that do not hold.
    """

    path: Path
    items: tuple[Item, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def entries(self) -> list[Entry]:
        """The entries of kernels."""
        return [item for item in self.items if isinstance(item, Entry)]


def default_path() -> Path:
    """``$MLMD_WISDOM``, else ``wisdom.jsonl`` in the cache folder."""
    chosen = os.environ.get("MLMD_WISDOM")
    return Path(chosen) if chosen else cache_folder() / "wisdom.jsonl"


def new_entry(key: Key, tuning: Mapping[str, int | str], seconds: float, default_seconds: float, trials: int) -> Entry:
    """An entry of today."""
    return Entry(key, dict(tuning), seconds, default_seconds, trials, date.today().isoformat())


def read(path: Path) -> Wisdom:
    """What a file says; nothing if it is not there.

    Raises
    ------
    WisdomError
        If it cannot be read, or is of another version.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Wisdom(path)
    except OSError as error:
        raise WisdomError(f"{path}: wisdom cannot be read ({error.strerror}); name another file") from None
    first = data.split(b"\n", 1)[0]
    items, refused = lines.read(path, data, _item, skip=1 if _is_header(path, first) else 0)
    return Wisdom(path, tuple(items), refused)


def _is_header(path: Path, line: bytes) -> bool:
    try:
        version = json.loads(line)["mlmd_wisdom"]
    except (ValueError, KeyError, TypeError):
        return False
    if version != VERSION:
        raise WisdomError(f"{path}:1: wisdom of version {version}, and this MLMD reads {VERSION}: name another file")
    return True


def _item(fields: dict[str, Any]) -> Item:
    """An entry from the fields of a line.

    Raises
    ------
    ValueError, KeyError, TypeError
        If they are not those of an entry.
    """
    if fields.get("kernel") in OTHERS:
        return fields
    key = Key(**{name: fields.pop(name) for name in FIELDS})
    entry = Entry(key, **fields)
    numbers = all(type(value) is (int if name in NUMBERS else str) for name, value in asdict(key).items())
    times = all(isinstance(time, (int, float)) and time > 0 for time in (entry.seconds, entry.default_seconds))
    if not (numbers and times and isinstance(entry.tuning, dict)):
        raise ValueError("it is no entry: a field has a wrong type")
    return entry


def identity(item: Item) -> tuple[Any, ...]:
    """What two items have in common when one replaces the other."""
    if isinstance(item, Entry):
        return (item.key,)
    return tuple(json.dumps(item.get(name)) for name in (*FIELDS, "problem"))


def better(old: Item, new: Item) -> Item:
    """Of two items for the same key: the larger gain over the default; among equals and other kinds the newer."""
    if isinstance(old, Entry) and isinstance(new, Entry) and old.gain > new.gain:
        return old
    return new


def newer(old: Item, new: Item) -> Item:
    """Of two items for the same key the one that comes later."""
    return new


def add(path: Path, items: Iterable[Item], keep: Callable[[Item, Item], Item] = newer) -> Wisdom:
    """Put items into a file; those of the same key are replaced.

    Parameters
    ----------
    path : Path
        The file; made if it is not there.
    items : iterable of Entry or dict
        What comes in.
    keep : callable
        Which of two items for the same key stays: `newer`, or `better`.

    Returns
    -------
    Wisdom
        What the file says now.

    Raises
    ------
    WisdomError
        If it cannot be read or written.
    """

    def merged(there: Wisdom) -> Iterable[Item]:
        found = {identity(item): item for item in there.items}
        for item in items:
            name = identity(item)
            found[name] = keep(found[name], item) if name in found else item
        return found.values()

    return _change(path, merged)


def forget(path: Path, wanted: Callable[[Item], bool]) -> int:
    """Remove the items for which ``wanted`` is true, and say how many they were.

    Raises
    ------
    WisdomError
        If the file cannot be read or written.
    """
    gone: list[Item] = []

    def rest(there: Wisdom) -> Iterable[Item]:
        gone.extend(item for item in there.items if wanted(item))
        return [item for item in there.items if not wanted(item)]

    _change(path, rest)
    return len(gone)


def text(items: Iterable[Item]) -> str:
    """The content of a file with these items."""
    bodies = (item.fields() if isinstance(item, Entry) else item for item in items)
    return HEADER + "".join(map(lines.encode, bodies))


def _change(path: Path, change: Callable[[Wisdom], Iterable[Item]]) -> Wisdom:
    """Read, change and write under the lock."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            there = read(path)
            items = tuple(change(there))
            if there.refused:
                lines.append(aside(path), (line.text.decode(errors="replace") + "\n" for line in there.refused))
            replace_file(path, text(items).encode())
    except OSError as error:
        reason = error.strerror or str(error)
        raise WisdomError(f"{path}: wisdom cannot be written ({reason}); name another file: MLMD_WISDOM") from None
    return Wisdom(path, items)


def aside(path: Path) -> Path:
    """Where the refused lines of a file are kept."""
    return path.with_name(f"{path.name}.refused")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The lock of a file; it ends with the process that holds it, however that ends."""
    import fcntl

    with path.with_name(f"{path.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
