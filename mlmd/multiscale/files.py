"""Structures in and out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import ase
import ase.io

from ..errors import InputError
from ..io.atomic import write_text


def frames_of(path: Path, every: int = 1) -> Iterator[ase.Atoms]:
    """Frames of a trajectory, one after the other.

    Parameters
    ----------
    path : path
        Any file that ASE reads.
    every : int
        From one frame to the next that is taken.

    Yields
    ------
    ase.Atoms

    Raises
    ------
    InputError
        A file that cannot be read or holds no structure.

    Examples
    --------
    >>> next(frames_of(Path("not_there.xyz")))
    Traceback (most recent call last):
        ...
    mlmd.errors.InputError: not_there.xyz: cannot be read (No such file or directory)
    """
    number = -1
    try:
        for number, frame in enumerate(ase.io.iread(str(path), index=":", parallel=False)):
            if number % every == 0:
                yield frame
    except Exception as error:  # the readers of ASE raise whatever their parsing meets
        if isinstance(error, OSError) and error.strerror:
            raise InputError(path, "", f"cannot be read ({error.strerror})") from error
        where = f"frame {number + 1}"
        raise InputError(path, where, f"is no structure ({error})", "give an extended XYZ file") from error
    if number < 0:
        raise InputError(path, "", "holds no structure")


def write_structures(path: Path, frames: Sequence[ase.Atoms]) -> None:
    """Write structures as extended XYZ, whole or not at all.

    Parameters
    ----------
    path : path
        A name that ends in .xyz or .extxyz.
    frames : sequence of ase.Atoms
        At least one.

    Raises
    ------
    InputError
        Another ending, a file that cannot be written.
    """
    if path.suffix not in (".xyz", ".extxyz"):
        raise InputError(path, "--out", "is no name of an extended XYZ file", "let it end in .xyz or .extxyz")
    text = io.StringIO()
    ase.io.write(text, list(frames), format="extxyz", parallel=False)
    write_text(path, text.getvalue())
