"""Lines of JSON that tell by themselves whether they are whole: each ends with the checksum of what comes before it.

    {"kernel": "density", "seconds": 0.25, "crc": "7c5455e7"}

Wisdom and logs of trials are files of such lines.  A line that was cut or edited is refused; the others hold.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")
_FORM = re.compile(rb'(\{.*), "crc": "([0-9a-f]{8})"\}', re.DOTALL)


@dataclass(frozen=True)
class Refused:
    """A line that does not hold.

    Attributes
    ----------
    path : Path
        Its file.
    number : int
        Its number, from 1.
    reason : str
        What is wrong with it.
    text : bytes
        The line.
    """

    path: Path
    number: int
    reason: str
    text: bytes

    def __str__(self) -> str:
        return f"{self.path}:{self.number}: {self.reason}"


def encode(fields: Mapping[str, Any]) -> str:
    """A line with its checksum.

    Examples
    --------
    >>> encode({"kernel": "density", "seconds": 0.25})
    '{"kernel": "density", "seconds": 0.25, "crc": "7c5455e7"}\\n'
    """
    body = json.dumps(fields, allow_nan=False)[:-1]
    return f'{body}, "crc": "{zlib.crc32(body.encode()):08x}"}}\n'


def decode(line: bytes) -> dict[str, Any]:
    """What a line says.

    Raises
    ------
    ValueError
        With the reason why it does not hold.

    Examples
    --------
    >>> decode(b'{"kernel": "density", "seconds": 0.25, "crc": "7c5455e7"}')
    {'kernel': 'density', 'seconds': 0.25}
    >>> decode(b'{"kernel": "density", "seconds": 0.20, "crc": "7c5455e7"}')
    Traceback (most recent call last):
        ...
    ValueError: its checksum is not that of its text: it was changed
    """
    parts = _FORM.fullmatch(line)
    if parts is None:
        raise ValueError("it is cut off, or no line of ours")
    if f"{zlib.crc32(parts[1]):08x}" != parts[2].decode():
        raise ValueError("its checksum is not that of its text: it was changed")
    return dict(json.loads(parts[1] + b"}"))


def read(
    path: Path, data: bytes, take: Callable[[dict[str, Any]], Item], skip: int = 0
) -> tuple[list[Item], tuple[Refused, ...]]:
    """What the lines of a file hold, and the lines that do not.

    Parameters
    ----------
    path : Path
        The file, for messages.
    data : bytes
        Its content.
    take : callable
        Makes an item of what a line says; ValueError, KeyError or TypeError if it makes no sense.
    skip : int
        Lines at the beginning that are not looked at; blank lines never are.
    """
    items: list[Item] = []
    refused: list[Refused] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if number <= skip or not line.strip():
            continue
        try:
            items.append(take(decode(line)))
        except ValueError as error:
            refused.append(Refused(path, number, str(error), line))
        except (KeyError, TypeError) as error:
            refused.append(Refused(path, number, f"a field is missing or wrong: {error}", line))
    return items, tuple(refused)


def append(path: Path, lines: Iterable[str]) -> None:
    """Add lines to a file and flush them to the disk; a torn last line is ended first.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with path.open("ab+") as file:
        if file.tell() and _last_byte(path) != b"\n":
            file.write(b"\n")
        file.write("".join(lines).encode())
        file.flush()
        os.fsync(file.fileno())


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
