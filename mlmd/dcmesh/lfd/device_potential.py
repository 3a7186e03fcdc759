"""The potential on a device: LDA, all fields stay there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Device
from ...kernels.device.local_potential import local_energies, local_potential
from ..qxmd import xc
from ..qxmd.cell import Ions
from ..qxmd.energy import hartree_potential
from ..qxmd.ground_state import GroundState
from .options import Options
from .potential import HartreeChange

Array = NDArray[np.float64]


class DevicePotential(HartreeChange):
    """As `potential.Potential`, with arrays of a device; arguments as there."""

    def __init__(self, state: GroundState, density: Any, hartree: str, options: Options) -> None:
        assert isinstance(options.arrays, Device)
        super().__init__(state.grid, hartree, options)
        self.device = options.arrays
        host = self.device.asnumpy(density)
        v_hartree0 = hartree_potential(host, state.grid)
        base = state.v_loc - xc.lda_potential(host)
        self.hartree0 = float(np.sum(0.5 * v_hartree0 * host) * state.grid.dv)
        self.ion_ion = float(state.ions.ion_ion[0])
        put = self.device.asarray
        self.n0, self.base, self.v_hartree0, self.v_ion = put(host), put(base), put(v_hartree0), put(state.ions.v_ion)
        self.difference, self.v = (self.device.zeros(state.grid.shape, np.float64) for _ in range(2))
        self._base0, self._v_ion0, self._ions0 = put(base), put(state.ions.v_ion), state.ions
        self._dv = self.device.zeros(state.grid.shape, np.float64)
        self._moved = False

    def move(self, ions: Ions) -> Any:
        """Take the potential of ions elsewhere, in place: a captured step works on it; returns dv_loc, Ha.

        One field goes to the device.
        """
        change = self.device.asarray(ions.v_ion - self._ions0.v_ion)
        self.device.copy(self._dv, self.base)
        self.device.combine(self.base, self._base0, change)
        self.device.combine(self.v_ion, self._v_ion0, change)
        self.device.combine(self._dv, self.base, self._dv, 1.0, -1.0)
        self.ion_ion = float(ions.ion_ion[0])
        return self._dv

    def update(self, density: Any) -> Any:
        """v for a density, Ha; an array that later calls overwrite."""
        self.device.combine(self.difference, density, self.n0, 1.0, -1.0)
        if self._moved:  # the first density is n0 itself
            self.solver(self.difference, v=self.change if self.method == "multigrid" else None, out=self.change)
        self._moved = True
        local_potential(self.device, self.base, self.change, density, self.v)
        return self.v

    def energies(self, density: Any) -> dict[str, float]:
        """Local, Hartree, exchange, correlation and ion-ion energy, Ha."""
        fields = (density, self.n0, self.v_ion, self.v_hartree0, self.change)
        local, hartree, exchange, correlation = self.device.asnumpy(local_energies(self.device, *fields)) * self.grid.dv
        return {
            "local": float(local),
            "hartree": self.hartree0 + float(hartree),
            "exchange": float(exchange),
            "correlation": float(correlation),
            "ion_ion": self.ion_ion,
        }

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        super().restore(arrays)
        self._moved = True
