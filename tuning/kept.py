"""Wisdom of one program, kept beside its results: what it started with is what it goes on with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..backends.atomic import replace_file
from .model import rates_path
from .wisdom import default_path

NAME = "wisdom.jsonl"


@contextmanager
def kept_in(folder: Path, anew: bool, write: Callable[[Path, bytes], None] = replace_file) -> Iterator[None]:
    """Let plans go by a copy of the wisdom and of the measured rates, so that the same ones are made again later.

    Parameters
    ----------
    folder : Path
        Where the copies are.
    anew : bool
        Whether to make them now, in place of older ones.
    write : callable
        Writes a file whole or not at all.

    Raises
    ------
    OSError
        What ``write`` raises where a copy cannot be made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, kept_in(Path(folder), anew=True):
    ...     default_path() == Path(folder) / "wisdom.jsonl"
    True
    """
    own, given = folder / NAME, default_path()
    if anew:
        for source, copy in ((given, own), (rates_path(given), rates_path(own))):
            if source.exists():
                write(copy, source.read_bytes())
            else:
                copy.unlink(missing_ok=True)
    before = os.environ.get("MLMD_WISDOM")
    os.environ["MLMD_WISDOM"] = str(own)
    try:
        yield
    finally:
        os.environ.pop("MLMD_WISDOM")
        if before is not None:
            os.environ["MLMD_WISDOM"] = before
