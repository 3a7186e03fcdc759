"""Sealed HDF5 files: the ground state and the checkpoint that a run continues from.

A sealed file ends with the SHA-256 of all that stands before it, so that a cut-off or edited file
is refused before HDF5 reads any of it. It also carries the *physics* of its run (what fixes the
numbers: atoms, grid, laser, time step, precision, ...), so that the checkpoint of another input
is refused with the names of the keys that differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from ..errors import CheckpointError, NumericsError
from .atomic import new_hdf5

State: TypeAlias = Mapping[str, Any]
"""Names to arrays, numbers, texts or further states."""

_MARK = b"\nmlmd-seal:"
_TRAILER = len(_MARK) + 64
_BLOCK = 1 << 20
_START_ANEW = "start the run anew with --force"


@contextmanager
def new_sealed(path: Path, kind: str, physics: State) -> Iterator[h5py.File]:
    """Write a sealed file, whole or not at all.

    Parameters
    ----------
    path : Path
        Final name.
    kind : str
        What the file is, e.g. ``"checkpoint"``.
    physics : mapping
        What fixes the numbers of the run, of values that JSON can hold.

    Yields
    ------
    h5py.File
        The file to fill.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    with new_hdf5(path, trailer=_seal) as file:
        file.attrs["format"] = f"mlmd {kind}"
        file.attrs["physics"] = _canonical(physics)
        yield file


@contextmanager
def open_sealed(path: Path, kind: str, physics: State) -> Iterator[h5py.File]:
    """Open a sealed file for reading after checking that it is whole and of this input.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What it must be.
    physics : mapping
        What it must have been written with.

    Yields
    ------
    h5py.File
        The open file.

    Raises
    ------
    CheckpointError
        When the file is missing, cut off, edited, of another kind or of another input.
    """
    seal_of(path)
    with h5py.File(path, "r") as file:
        if file.attrs["format"] != f"mlmd {kind}":
            raise CheckpointError(path, "", f"is not a {kind} of mlmd", _START_ANEW)
        differing = differences(json.loads(file.attrs["physics"]), json.loads(_canonical(physics)))
        if differing:
            raise CheckpointError(
                path,
                differing[0],
                f"the {kind} was made with another input (it differs in {', '.join(differing)})",
                f"restore that input, choose another --out or {_START_ANEW}",
            )
        yield file


def seal_of(path: Path) -> str:
    """Return the SHA-256 of a sealed file after checking it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        The hash, 64 hexadecimal digits.

    Raises
    ------
    CheckpointError
        When the file is missing, cut off or edited.
    """
    try:
        remaining = path.stat().st_size - _TRAILER
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while remaining > 0:
                block = file.read(min(_BLOCK, remaining))
                digest.update(block)
                remaining -= len(block) or remaining
            trailer = file.read()
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise CheckpointError(path, "--resume", problem, _START_ANEW) from error
    if trailer != _MARK + digest.hexdigest().encode():
        raise CheckpointError(path, "--resume", "is cut off or was changed", _START_ANEW)
    return digest.hexdigest()


def write_state(group: h5py.Group, state: State) -> None:
    """Store a state: arrays as datasets, numbers and texts as attributes, states as groups.

    Parameters
    ----------
    group : h5py.Group
        Empty group that receives it.
    state : mapping
        The state.

    Raises
    ------
    NumericsError
        When a floating-point number is NaN or infinite.

    Examples
    --------
    >>> with h5py.File("state", "w", driver="core", backing_store=False) as file:
    ...     write_state(file, {"psi": np.ones(2), "step": 3, "hartree": {"v": np.zeros(1)}})
    ...     read_state(file)
    {'step': 3, 'hartree': {'v': array([0.])}, 'psi': array([1., 1.])}
    """
    for name, value in state.items():
        if isinstance(value, Mapping):
            write_state(group.create_group(name), value)
            continue
        numbers = np.asarray(value)
        if numbers.dtype.kind in "fc" and not np.all(np.isfinite(numbers)):
            raise NumericsError(f"'{name}' holds NaN or infinity: no checkpoint is written")
        if isinstance(value, np.ndarray):
            group.create_dataset(name, data=value)
        else:
            group.attrs[name] = value


def read_state(group: h5py.Group) -> dict[str, Any]:
    """Return a state as :func:`write_state` stored it, to the last bit.

    Parameters
    ----------
    group : h5py.Group
        Where it was stored.

    Returns
    -------
    dict
        The state.
    """
    state: dict[str, Any] = {}
    for name, value in group.attrs.items():
        state[name] = value.item() if isinstance(value, np.generic) else value
    for name, item in group.items():
        state[name] = read_state(item) if isinstance(item, h5py.Group) else item[()]
    return state


def _seal(content: bytes) -> bytes:
    """Return the trailer that seals the content of a file."""
    return _MARK + hashlib.sha256(content).hexdigest().encode()


def _canonical(physics: State) -> str:
    """Return the physics of a run as text, the same for the same physics."""
    return json.dumps(physics, sort_keys=True)


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Return the keys in which the physics of two runs differ.

    Parameters
    ----------
    there, here : dict
        Sections of keys.

    Returns
    -------
    list of str
        The keys, sorted.

    Examples
    --------
    >>> differences({"dynamics": {"dt": 0.04, "mode": "exact"}}, {"dynamics": {"dt": 0.02, "mode": "exact"}})
    ['[dynamics] dt']
    """
    return [
        f"[{section}] {key}"
        for section in sorted(there.keys() | here.keys())
        for key in sorted(there.get(section, {}).keys() | here.get(section, {}).keys())
        if there.get(section, {}).get(key) != here.get(section, {}).get(key)
    ]
