r"""The time-dependent local potential.

.. math:: v(t) = v(0) + v_H[n(t) - n(0)] + v_{xc}[n(t)] - v_{xc}[n(0)]

Only the change of the Hartree potential is solved on the fast grid, so that v(0) is QXMD's own potential.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels import Hartree
from ..grid import Grid
from ..qxmd import xc
from ..qxmd.cell import Ions
from ..qxmd.energy import hartree_potential
from ..qxmd.ground_state import GroundState
from .options import Options

Array = NDArray[np.float64]
HARTREE_METHODS = ("multigrid", "dsa", "fft")


def _accuracy(method: str, level: str) -> dict[str, Any]:
    """What makes a solver as accurate as a level asks."""
    match method:
        case "multigrid":
            return {"tol": float(level)}  # of the residual relative to the density change
        case "dsa":
            return {"sweeps": int(level)}
    return {}


class HartreeChange:
    """Change of the Hartree potential since the start, and the solver that follows it, on host or device.

    Parameters
    ----------
    grid
        The grid.
    hartree
        "multigrid", "dsa" or "fft".
    options
        Backend, threads, and the level of accuracy.
    """

    def __init__(self, grid: Grid, hartree: str, options: Options) -> None:
        self.grid, self.method, self.arrays = grid, hartree, options.arrays
        self.change: Any = self.arrays.zeros(grid.shape, np.float64)
        self.solver = Hartree(
            self.grid.shape,
            self.grid.spacing,
            method=hartree,
            backend=options.backend,
            threads=options.threads,
            **_accuracy(hartree, options.levels["hartree"]),
        )

    def state(self) -> dict[str, Any]:
        """Arrays that a continued run needs besides the places of the ions."""
        arrays: dict[str, Any] = {"hartree_change": self.arrays.asnumpy(self.change)}
        if self.method == "dsa":
            arrays |= {f"dsa_{name}": value for name, value in self.solver.state().items()}
        return arrays

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take back what `state` gave, into the arrays that are there: a captured step works on them."""
        self.arrays.copy(self.change, self.arrays.asarray(np.array(arrays["hartree_change"])))
        if self.method == "dsa":
            self.solver.restore({k[4:]: v for k, v in arrays.items() if k.startswith("dsa_")})


class Potential(HartreeChange):
    """Local potential and the energies that depend on the density.

    Parameters
    ----------
    state
        Ground state.
    density
        Density of the starting orbitals, electrons/bohr^3.
    hartree
        "multigrid", "dsa" or "fft".
    options
        Backend and threads.
    """

    def __init__(self, state: GroundState, density: Array, hartree: str, options: Options) -> None:
        super().__init__(state.grid, hartree, options)
        self.ions, self.functional = state.ions, state.xc
        self.n0 = density.copy()
        self.v_hartree0 = hartree_potential(density, self.grid)
        self.base = self._base0 = state.v_loc - xc.evaluate(self.functional, density, self.grid).potential
        self._v_ion0 = state.ions.v_ion

    def move(self, ions: Ions) -> Array:
        """Take the potential of ions elsewhere; returns dv_loc, the change of the local potential, Ha."""
        before, self.ions = self.base, ions
        self.base = self._base0 + (ions.v_ion - self._v_ion0)
        return np.asarray(self.base - before)

    def update(self, density: Array) -> Array:
        """v for a density, Ha."""
        difference = density - self.n0
        if np.any(difference):
            self.change = self.solver(difference, v=self.change if self.method == "multigrid" else None)
        return self.base + self.change + self._v_xc(density)

    def _v_xc(self, density: Array) -> Array:
        if self.functional == "lda":
            return xc.lda_potential(density)
        return xc.evaluate(self.functional, density, self.grid).potential

    def energies(self, density: Array) -> dict[str, float]:
        """Local, Hartree, exchange, correlation and ion-ion energy, Ha."""
        dv, difference = self.grid.dv, density - self.n0
        parts = xc.evaluate(self.functional, density, self.grid)
        hartree = np.sum(0.5 * self.v_hartree0 * self.n0 + (self.v_hartree0 + 0.5 * self.change) * difference)
        return {
            "local": float(np.sum(self.ions.v_ion * density) * dv),
            "hartree": float(hartree * dv),
            "exchange": parts.exchange,
            "correlation": parts.correlation,
            "ion_ion": float(self.ions.ion_ion[0]),
        }
