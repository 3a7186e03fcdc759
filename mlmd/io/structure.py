"""The atoms of a run: from any file that ASE reads, or written out in the input."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.io.formats import UnknownFileTypeError
from ase.neighborlist import neighbor_list
from ase.units import Bohr

from .. import units
from ..config import System
from ..errors import InputError

_NEAREST_ALLOWED = 0.3  # Angstrom; no two nuclei of any known material are that close


def read_structure(system: System, path: Path) -> Atoms:
    """Return the periodic, orthorhombic structure that ``[system]`` describes.

    Parameters
    ----------
    system : System
        The section of the input.
    path : Path
        The input file: structure files are looked up from its folder.

    Returns
    -------
    ase.Atoms
        Cell and positions in Angstrom, periodic along all axes.

    Raises
    ------
    InputError
        When the file cannot be read, the cell is missing or not orthorhombic, or two atoms
        sit on one another.
    """
    if system.atoms is not None:
        atoms = _written_out(system)
        key = "[system] atoms"
    else:
        atoms = _from_file(system, path)
        key = "[system] structure"
        if system.cell is not None:
            atoms.set_cell(_edges(system))
    atoms.pbc = True
    _check_cell(atoms, path, key)
    _check_distances(atoms, path, key)
    return atoms


def _edges(system: System) -> list[float]:
    """Return the edge lengths of the cell in Angstrom."""
    size = units.factor(system.units, "length") * Bohr
    return [length * size for length in system.cell or ()]


def _written_out(system: System) -> Atoms:
    """Return the atoms listed in the input."""
    rows = system.atoms or []
    symbols = [row[0] for row in rows]
    places = np.array([row[1:] for row in rows], dtype=float)
    if system.coordinates == "fractional":
        return Atoms(symbols, scaled_positions=places, cell=_edges(system))
    size = units.factor(system.units, "length") * Bohr
    return Atoms(symbols, positions=places * size, cell=_edges(system))


def _from_file(system: System, path: Path) -> Atoms:
    """Return the atoms of a structure file."""
    name = system.structure or ""
    file = path.parent / name
    key = "[system] structure"
    if not file.is_file():
        raise InputError(path, key, f"there is no file '{file}'", "check the path")
    try:
        atoms = ase.io.read(file, index=system.index, do_not_split_by_at_sign=True)
    except UnknownFileTypeError as error:
        problem = f"'{name}' is of no format that ASE reads"
        raise InputError(path, key, problem, "try .xyz, .cif or POSCAR") from error
    except MemoryError:
        raise
    # Each reader of ASE fails in its own way on a broken file: IndexError, KeyError, StopIteration...
    except Exception as error:
        if isinstance(error, (IndexError, StopIteration)) and system.index not in (0, -1):
            problem = f"there is no structure number {system.index} in '{name}'"
            raise InputError(path, "[system] index", problem) from error
        reason = f"{type(error).__name__}: {error}".strip(": ")
        problem = f"'{name}' cannot be read as a structure ({reason})"
        raise InputError(path, key, problem, "check the file") from error
    if not isinstance(atoms, Atoms) or len(atoms) == 0:
        raise InputError(path, key, f"'{name}' holds no atoms", "check the file")
    return atoms


def _check_cell(atoms: Atoms, path: Path, key: str) -> None:
    """Raise unless the cell is there and its edges lie along x, y and z."""
    cell = np.asarray(atoms.cell)
    lengths = np.diag(cell)
    if not np.all(np.isfinite(cell)) or not np.all(np.isfinite(atoms.positions)):
        raise InputError(path, key, "a cell edge or a position is not a finite number", "correct it")
    if np.any(np.linalg.norm(cell, axis=1) == 0.0):
        raise InputError(path, key, "the structure has no cell", "give [system] cell = [a, b, c]")
    if np.abs(cell - np.diag(lengths)).max() > 1e-6 * np.abs(cell).max() or lengths.min() <= 0:
        angles = ", ".join(f"{angle:.2f}" for angle in atoms.cell.angles())
        raise InputError(
            path,
            key,
            f"the cell is not orthorhombic along x, y, z (angles {angles} degrees)",
            "give a cell with edges along the axes, for instance a conventional one",
        )


def _check_distances(atoms: Atoms, path: Path, key: str) -> None:
    """Raise when two atoms, or an atom and its image, sit on one another."""
    first, second = neighbor_list("ij", atoms, _NEAREST_ALLOWED)
    if len(first) == 0:
        return
    i, j = int(first[0]), int(second[0])
    raise InputError(
        path,
        key,
        f"atoms {i + 1} ({atoms.symbols[i]}) and {j + 1} ({atoms.symbols[j]}) are closer than "
        f"{_NEAREST_ALLOWED} angstrom",
        "check the positions and [system] units and coordinates",
    )
