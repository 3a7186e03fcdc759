"""Labels by QXMD: the settings of ``mlmd nn label``, and what solves with them.

Labels of an excited state may be put onto a model of the ground state,

    E = E_model + E_QXMD(n) - E_QXMD(0)

and forces likewise, less the small force on the crystal as a whole that the grid leaves: what grid, pseudopotentials
and functional do to both states is not in the difference, and the two states that are mixed later fit together.
"""

from __future__ import annotations

from typing import Annotated, Any

import ase
import numpy as np
from ase.calculators.calculator import Calculator
from ase.units import Hartree
from pydantic import Field

from ..config import Grid, GroundStateSettings
from ..dcmesh.qxmd.calculator import QXMD
from ..errors import InputError, MlmdError
from ..problem import grid_shape
from ..sections import Energy, PositiveEnergy, Section
from .dataset import labelled


class Electrons(Section):
    """``[electrons]``: how many are lifted across the gap, in each formula unit of ``atoms`` atoms.

    ``zero`` is taken off the energy of each formula unit: what lifting costs anywhere, which no force feels.
    """

    excited: Annotated[float, Field(ge=0)] = 0.0
    atoms: Annotated[int, Field(ge=1)] = 5
    zero: Energy = 0.0


class GroundState(GroundStateSettings):
    """``[ground_state]``, with a cutoff of the plane waves: structures are then alike wherever they lie on the grid."""

    cutoff: PositiveEnergy | None = None

    def of_calculator(self) -> dict[str, Any]:
        """What QXMD as a calculator of ASE takes of it, in eV."""
        return self.arguments() | {
            "kpts": self.kpoints,
            "kpt_shift": self.kpoint_shift,
            "smearing": self.smearing * Hartree,
            "cutoff": None if self.cutoff is None else self.cutoff * Hartree,
        }


class Labelling(Section):
    """Input of ``mlmd nn label``: sections ``[grid]`` and ``[ground_state]`` as in ``mlmd run``, and ``[electrons]``.

    Examples
    --------
    >>> Labelling.model_validate({"grid": {"spacing": "0.2 angstrom"}, "electrons": {"excited": 0.4}}).electrons.atoms
    5
    """

    title: str = ""
    grid: Grid
    ground_state: GroundState = GroundState()
    electrons: Electrons = Electrons()


def key_of(settings: Labelling, onto: str = "") -> str:
    """What labelled structures carry of the settings that made them, and of the model that they are put onto."""
    return settings.model_dump_json(exclude={"title"}) + onto


class Solver:
    """QXMD with the settings of an input, started from the structure before where the atoms are the same.

    Parameters
    ----------
    settings : Labelling
        The input.
    onto : Calculator, optional
        Model of the ground state: labels are its energy and forces plus what lifted electrons change by QXMD.

    Raises
    ------
    MlmdError
        ``onto`` without lifted electrons.
    """

    def __init__(self, settings: Labelling, onto: Calculator | None = None) -> None:
        if onto is not None and not settings.electrons.excited:
            raise MlmdError("nothing to put onto a model: no electrons are lifted; give [electrons] excited")
        self.settings, self.onto = settings, onto
        self.calculators: dict[Any, tuple[QXMD, QXMD]] = {}

    def solve(self, frame: ase.Atoms, place: str) -> ase.Atoms:
        """Copy of a structure with energy (the free energy, of which the forces are the gradient) and forces.

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
            What QXMD or the model refuses, with the structure named.
        """
        ground, lifted = self._calculators(frame)
        try:
            if self.onto is None:
                energy, forces = _evaluated(frame, lifted if self.settings.electrons.excited else ground)
            else:
                model, below = _evaluated(frame, self.onto), _evaluated(frame, ground)
                lifted.ground_state = ground.ground_state  # where it begins
                above = _evaluated(frame, lifted)
                change = above[1] - below[1]
                energy, forces = model[0] + above[0] - below[0], model[1] + change - change.mean(axis=0)
        except (MlmdError, ValueError) as error:
            raise InputError(place, "", str(error)) from error
        zero = self.settings.electrons.zero * Hartree * len(frame) / self.settings.electrons.atoms
        return labelled(frame, energy=energy - zero, forces=forces)

    def _calculators(self, frame: ase.Atoms) -> tuple[QXMD, QXMD]:
        """QXMD in the ground state and with lifted electrons."""
        electrons, shape = self.settings.electrons, grid_shape(self.settings.grid, frame)
        key = (tuple(frame.numbers), shape)
        if key not in self.calculators:
            self.calculators.clear()
            settings = self.settings.ground_state.of_calculator()
            excited = electrons.excited * len(frame) / electrons.atoms
            self.calculators[key] = (QXMD(shape, **settings), QXMD(shape, **settings, excited=excited))
        return self.calculators[key]


def _evaluated(frame: ase.Atoms, calculator: Calculator) -> tuple[float, np.ndarray]:
    copy = frame.copy()
    copy.calc = calculator
    return float(copy.get_potential_energy(force_consistent=True)), copy.get_forces()
