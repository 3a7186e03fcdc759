"""One photo-switching: its input, its folder, and what each of its parts depends on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import ase
from ase.units import Bohr

from .. import __version__, units
from ..errors import InputError
from ..io.input import parse, read_text
from ..sections import with_keys
from .config import SwitchConfig
from .crystal import SoftMode, superlattice
from .topology import Array

DARK = 0.0


@dataclass(frozen=True)
class Job:
    """What is asked, and where everything goes.

    Parameters
    ----------
    path : Path
        The input file.
    config : SwitchConfig
        Its content, validated.
    folder : Path
        Of the run.
    """

    path: Path
    config: SwitchConfig
    folder: Path

    @property
    def fluences(self) -> list[float]:
        """Of the pulses, atomic units, ascending."""
        return sorted(self.config.laser.fluences)

    @property
    def lattice(self) -> tuple[float, float]:
        """a and c of PbTiO3 in Angstrom."""
        a, c = self.config.crystal.lattice
        return a * Bohr, c * Bohr

    def crystal(self, mode: SoftMode | None = None) -> ase.Atoms:
        """The texture as built, with displacements of a soft mode (default: of the tetragonal crystal)."""
        crystal = self.config.crystal
        return superlattice(self.config.texture, crystal.cells, self.lattice, crystal.strontium, mode or SoftMode())

    @cached_property
    def ideal(self) -> Array:
        """Places of the atoms without displacement, (atoms, 3) in Angstrom."""
        return self.crystal(SoftMode(0.0, 0.0, 0.0, 0.0)).positions

    @property
    def texture(self) -> Path:
        """The texture as built."""
        return self.folder / "texture.extxyz"

    @property
    def relaxed(self) -> Path:
        """The relaxed texture, HDF5."""
        return self.folder / "relaxed.h5"

    def prepared(self, seed: int) -> Path:
        """Folder of the dynamics that brings the texture to its temperature."""
        return self.folder / "prepared" / f"seed_{seed}"

    def light(self, cell: int, fluence: float) -> Path:
        """Run folder of a local cell under a pulse."""
        return self.folder / "light" / f"cell_{cell}" / name_of(fluence)

    def excitation(self, fluence: float) -> Path:
        """What came back from the light, JSON."""
        return self.folder / "light" / f"excitation_{name_of(fluence)}.json"

    def switched(self, fluence: float, seed: int) -> Path:
        """Folder of the dynamics after a pulse, or in the dark."""
        return self.folder / "runs" / f"{name_of(fluence)}_seed_{seed}"

    @property
    def texture_physics(self) -> dict[str, Any]:
        """What fixes the relaxed texture."""
        parts = self.config.model_dump(mode="json", include={"texture", "crystal", "networks", "prepare"})
        return {"mlmd": {"version": __version__}, **parts}

    @property
    def motion(self) -> dict[str, Any]:
        """Of ``[switch]``, what fixes a dynamics besides its length, seed and start."""
        return self.config.switch.model_dump(mode="json", include={"step", "temperature", "frame"})


def name_of(fluence: float) -> str:
    """Name of a pulse, in mJ/cm2; of none, dark.

    Examples
    --------
    >>> name_of(0.0), name_of(units.parse("4.5 mJ/cm2", "fluence"))
    ('dark', '4.5mJ')
    """
    return f"{millijoules(fluence):.6g}mJ" if fluence else "dark"


def label(fluence: float) -> str:
    """A fluence in words."""
    return f"{millijoules(fluence):.4g} mJ/cm2" if fluence else "dark"


def millijoules(fluence: float) -> float:
    """A fluence in mJ/cm2 from atomic units."""
    return units.from_atomic(fluence, "mJ/cm2", "fluence")


def read_job(path: Path, folder: Path, backend: str | None = None, precision: str | None = None) -> Job:
    """Read the input of a photo-switching.

    Parameters
    ----------
    path : Path
        The input file.
    folder : Path
        Of the run.
    backend, precision : str, optional
        Replace the keys of ``[dynamics]``.

    Returns
    -------
    Job

    Raises
    ------
    InputError
        When something in it is wrong.
    """
    config = with_keys(parse(SwitchConfig, read_text(path), path), "dynamics", backend=backend, precision=precision)
    if config.dynamics.precision == "planned":
        raise InputError(path, "[dynamics] precision", "cannot be planned for a texture under light", "give levels")
    return Job(path, config, folder)
