"""Labelled structures: ASE ``Atoms`` with energy (eV), forces (eV/Angstrom) and stress (eV/Angstrom^3)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols

from ..errors import InputError
from ..io.atomic import write_text

Frames = list[ase.Atoms]


def read_frames(path: str | Path) -> Frames:
    """Read labelled structures from any file that ASE reads, such as extended XYZ.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    list of ase.Atoms
        Each with a finite energy, and finite forces where there are any.

    Raises
    ------
    InputError
        A file that cannot be read or holds no structure, a structure without energy, a label that is not finite.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "dark.xyz"
    >>> _ = file.write_text("1\\n\\nH 0 0 0\\n")
    >>> read_frames(file)
    Traceback (most recent call last):
        ...
    mlmd.errors.InputError: .../dark.xyz: structure 1 (H): has no energy; ...
    """
    frames = read_structures(path)
    for number, frame in enumerate(frames, 1):
        _check_labels(frame, path, f"structure {number} ({frame.get_chemical_formula()})")
    return frames


def read_structures(path: str | Path) -> Frames:
    """Read structures, with labels or without, from any file that ASE reads.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    list of ase.Atoms

    Raises
    ------
    InputError
        A file that cannot be read or holds no structure.
    """
    try:
        frames = ase.io.read(str(path), index=":")
    except OSError as error:
        raise InputError(path, "", f"cannot be read ({error.strerror or error})") from error
    except Exception as error:  # the readers of ASE raise whatever their parsing meets
        raise InputError(path, "", f"is no file of structures ({error})", "give an extended XYZ file") from error
    if not frames:
        raise InputError(path, "", "holds no structure")
    return list(frames)


def _check_labels(frame: ase.Atoms, path: str | Path, place: str) -> None:
    results = labels(frame)
    if "energy" not in results:
        raise InputError(path, place, "has no energy", "write it as energy=... on the comment line, in eV")
    for name, value in results.items():
        if not np.all(np.isfinite(value)):
            raise InputError(path, place, f"{name} is not finite", "leave the structure out")


def labels(frame: ase.Atoms) -> dict[str, Any]:
    """Energy, forces and stress that a structure carries.

    Parameters
    ----------
    frame : ase.Atoms
        The structure.

    Returns
    -------
    dict
        Those of ``energy`` (eV), ``forces`` (atoms, 3) in eV/Angstrom and ``stress`` (6,) in eV/Angstrom^3 (Voigt
        order) that are known.

    Examples
    --------
    >>> labels(labelled(ase.Atoms("H"), energy=-13.6))
    {'energy': -13.6}
    """
    if frame.calc is None:
        return {}
    return {name: frame.calc.results[name] for name in ("energy", "forces", "stress") if name in frame.calc.results}


def labelled(frame: ase.Atoms, **results: Any) -> ase.Atoms:
    """Copy of a structure with other labels.

    Parameters
    ----------
    frame : ase.Atoms
        The structure; it is left as it is.
    **results
        ``energy``, ``forces``, ``stress`` as in :func:`labels`.

    Returns
    -------
    ase.Atoms
        A copy that carries them.

    Examples
    --------
    >>> labelled(ase.Atoms("H"), energy=-13.6).get_potential_energy()
    -13.6
    """
    copy = frame.copy()
    copy.calc = SinglePointCalculator(copy, **results)
    return copy


def write_frames(path: Path, frames: Sequence[ase.Atoms]) -> None:
    """Write labelled structures as extended XYZ, whole or not at all.

    Parameters
    ----------
    path : path
        Final name.
    frames : sequence of ase.Atoms
        What to write.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    text = io.StringIO()
    ase.io.write(text, list(frames), format="extxyz")
    write_text(path, text.getvalue())


def isolated_energies(frames: Sequence[ase.Atoms]) -> dict[str, float]:
    """Energies of isolated atoms among structures: those of a single atom.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Labelled structures.

    Returns
    -------
    dict
        Symbol -> energy in eV; of several atoms of an element the lowest energy counts (the ground state).

    Examples
    --------
    >>> isolated_energies([labelled(ase.Atoms("H"), energy=-13.6), labelled(ase.Atoms("H2"), energy=-31.7)])
    {'H': -13.6}
    """
    found: dict[str, float] = {}
    for frame in frames:
        if len(frame) == 1:
            symbol = frame.get_chemical_symbols()[0]
            found[symbol] = min(found.get(symbol, np.inf), float(labels(frame)["energy"]))
    return found


def composition(frames: Sequence[ase.Atoms], elements: Sequence[str]) -> np.ndarray:
    """Count the atoms of each element.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Structures.
    elements : sequence of str
        Symbols.

    Returns
    -------
    ndarray of float64, (frames, elements)

    Examples
    --------
    >>> composition([ase.Atoms("H2O")], ["H", "O"])
    array([[2., 1.]])
    """
    numbers = [chemical_symbols.index(symbol) for symbol in elements]
    return np.array([[np.count_nonzero(frame.numbers == z) for z in numbers] for frame in frames], dtype=float)
