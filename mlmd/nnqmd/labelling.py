"""Labels by QXMD: the settings of ``mlmd nn label``, and what solves with them."""

from __future__ import annotations

from typing import Annotated, Any

import ase
from ase.units import Hartree
from pydantic import Field

from ..config import Grid, GroundStateSettings
from ..dcmesh.qxmd.calculator import QXMD
from ..errors import InputError, MlmdError
from ..problem import grid_shape
from ..sections import Section
from .dataset import labelled


class Electrons(Section):
    """``[electrons]``: how many are lifted across the gap, in each formula unit of ``atoms`` atoms."""

    excited: Annotated[float, Field(ge=0)] = 0.0
    atoms: Annotated[int, Field(ge=1)] = 5


class Labelling(Section):
    """Input of ``mlmd nn label``: sections ``[grid]`` and ``[ground_state]`` as in ``mlmd run``, and ``[electrons]``.

    Examples
    --------
    >>> Labelling.model_validate({"grid": {"spacing": "0.2 angstrom"}, "electrons": {"excited": 0.4}}).electrons.atoms
    5
    """

    title: str = ""
    grid: Grid
    ground_state: GroundStateSettings = GroundStateSettings()
    electrons: Electrons = Electrons()


def key_of(settings: Labelling) -> str:
    """What labelled structures carry of the settings that made them."""
    return settings.model_dump_json(exclude={"title"})


class Solver:
    """QXMD with the settings of an input, started from the structure before where only places changed."""

    def __init__(self, settings: Labelling) -> None:
        self.settings = settings
        self.calculators: dict[Any, Any] = {}

    def solve(self, frame: ase.Atoms, place: str) -> ase.Atoms:
        """Copy of a structure with energy (extrapolated to no smearing in the ground state) and forces.

        Parameters
        ----------
        frame : ase.Atoms
            Orthorhombic and periodic.
        place : str
            For messages.

        Returns
        -------
        ase.Atoms

        Raises
        ------
        InputError
            What QXMD refuses, with the structure named.
        """
        copy = frame.copy()
        copy.calc = self._calculator(frame)
        try:
            # the free energy is what the forces are the gradient of
            energy, forces = copy.get_potential_energy(force_consistent=True), copy.get_forces()
        except (MlmdError, ValueError) as error:
            raise InputError(place, "", str(error)) from error
        result = labelled(frame, energy=energy, forces=forces)
        result.info["labelling"] = key_of(self.settings)
        return result

    def _calculator(self, frame: ase.Atoms) -> Any:
        settings, shape = self.settings.ground_state, grid_shape(self.settings.grid, frame)
        key = (tuple(frame.numbers), shape, tuple(frame.cell.array.ravel()))
        if key not in self.calculators:
            self.calculators.clear()
            self.calculators[key] = QXMD(
                shape,
                **settings.arguments() | {"smearing": settings.smearing * Hartree},
                kpts=settings.kpoints,
                kpt_shift=settings.kpoint_shift,
                excited=self.settings.electrons.excited * len(frame) / self.settings.electrons.atoms,
            )
        return self.calculators[key]
