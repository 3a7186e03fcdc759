"""Result files that are either whole or not there.

A file is written to a temporary name in the same folder, flushed to the disk and renamed. HDF5
files are built in memory first: a failing write inside the HDF5 library leaves it in a state
in which closing the file, or ending the process, can crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from ..backends.atomic import replace_file
from ..errors import InputError


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        Final name; an older file of that name stays until the new one is complete.
    data : bytes
        Content.

    Raises
    ------
    InputError
        When the disk is full, a size limit is reached or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_bytes(folder / "a.txt", b"text")
    >>> [file.name for file in folder.iterdir()]
    ['a.txt']
    """
    try:
        replace_file(path, data)
    except OSError as error:
        raise cannot_write(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all; see :func:`write_bytes`.

    Parameters
    ----------
    path : Path
        Final name.
    text : str
        Content, written as UTF-8.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def new_hdf5(path: Path, trailer: Callable[[bytes], bytes] | None = None) -> Iterator[h5py.File]:
    """Build an HDF5 file in memory and write it whole when the block ends without an error.

    Parameters
    ----------
    path : Path
        Final name.
    trailer : callable, optional
        Gives bytes to append to the finished file from its content; HDF5 ignores them.

    Yields
    ------
    h5py.File
        The file to fill; it needs memory for its content, twice for a moment.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    write_bytes(path, image + trailer(image) if trailer else image)


def make_folder(path: Path) -> None:
    """Make a folder for results, with its parents.

    Parameters
    ----------
    path : Path
        The folder; it may be there already.

    Raises
    ------
    InputError
        When it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> InputError:
    """Return the error that tells the user why a result could not be written.

    Parameters
    ----------
    path : Path
        What was being written.
    error : OSError
        What the system said.

    Returns
    -------
    InputError
        To be raised.
    """
    reason = error.strerror or str(error)
    return InputError(
        path,
        "--out",
        f"cannot be written ({reason})",
        "free some space or choose another folder with --out",
    )
