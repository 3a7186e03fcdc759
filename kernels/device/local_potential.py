"""The local potential of the time-dependent LDA on a device, and the energies that depend on the density."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Device
from .shapes import GROUP, SUM_ITEMS

ENERGIES = 4


def local_potential(device: Device, base: Any, change: Any, density: Any, v: Any) -> None:
    """Raw kernel: v <- base + change + v_xc(density), in one pass.

    Parameters
    ----------
    device : Device
        Where all arrays are.
    base, change, density : (nx, ny, nz) float64
        What does not change, the change of the Hartree potential, hartree; electrons per bohr^3.
    v : (nx, ny, nz) float64
        Overwritten; hartree.
    """
    device.launch("local_potential:update_items", (v.size,), (GROUP,), base, change, density, v, np.int64(v.size))


def local_energies(device: Device, density: Any, density0: Any, v_ion: Any, v_hartree0: Any, change: Any) -> Any:
    """Raw kernel: sums over the grid that times its volume element are energies.

    Parameters
    ----------
    device : Device
        Where all arrays are.
    density, density0 : (nx, ny, nz) float64
        Now and at the start, electrons per bohr^3.
    v_ion, v_hartree0, change : (nx, ny, nz) float64
        Potential of the ions, Hartree potential at the start and its change, hartree.

    Returns
    -------
    (4,) float64, on the device
        Sums of v_ion n; of (v_hartree0 + change / 2) (n - n0); of n e_x; of n e_c.
    """
    items = min(SUM_ITEMS, density.size)
    parts = device.empty((ENERGIES * items,), np.float64)
    energies = device.empty((ENERGIES,), np.float64)
    fields = (density, density0, v_ion, v_hartree0, change)
    sizes = (np.int64(density.size), np.int32(items))
    device.launch("local_potential:energies_items", (items,), (GROUP,), *fields, parts, *sizes)
    device.launch("local_potential:energies_group", (ENERGIES * GROUP,), (GROUP,), parts, energies, np.int32(items))
    return energies
