"""The domains that are measured: silicon in shadow mode, of any number of grid points and orbitals."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from ase.build import bulk

from ..dcmesh.lfd import LFD
from ..dcmesh.maxwell import CellField, Domains
from ..dcmesh.parallel import ALONE, Team
from ..dcmesh.qxmd import GroundState, ground_state

FULL = 16  # bands of eight atoms
DT = 0.02  # a.u.
FREQUENCY = 0.1  # hartree
LIGHT = 0.1  # A along z, a.u.
LOOSE = 0.1  # the cost of a step does not depend on how good the orbitals are


def start(points: int, norb: int) -> GroundState:
    """Eight atoms of silicon with points^3 grid points and so many orbitals, all full."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of loose orbitals
        state = ground_state(bulk("Si", cubic=True), (points,) * 3, extra_bands=max(0, norb - FULL), tol=LOOSE)
    return replace(state, occupations=np.full((1, norb), 2.0))


class Film:
    """Cells that are all lit alike, without the wave.

    Parameters
    ----------
    state : GroundState
        Of each cell.
    cells, every : int
        Cells, and QD steps between two sums of the currents.
    team : Team
        The ranks that share them out; all methods are called on all of them alike.
    """

    def __init__(self, state: GroundState, cells: int, every: int, team: Team = ALONE) -> None:
        def make(light: CellField) -> LFD:
            light.follow(0.0, 1.0, *self._lit[:, 0])
            return LFD(state, DT, light, precision="fp32", threads=1, team=team)

        self._lit = np.zeros((3, cells, 3))
        self._lit[..., 2] = LIGHT
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            self.medium = Domains(make, cells, every, FREQUENCY, team.domains)

    @property
    def domains(self) -> list[LFD]:
        """Those of this rank."""
        return list(self.medium.domains)

    def step(self) -> None:
        """A step of the wave: ``every`` QD steps of each cell with the currents of all, then each is observed."""
        self.medium.advance(*self._lit)
        for domain in self.domains:
            domain.observe()
