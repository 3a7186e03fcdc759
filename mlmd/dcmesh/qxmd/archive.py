"""A ground state in HDF5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..grid import Grid
from .cell import Ions
from .pseudopotential import Channel, Pseudopotential

if TYPE_CHECKING:
    import h5py

    from .ground_state import GroundState

_ARRAYS = {
    "kpoints": "1 (fractional)",
    "weights": "1",
    "eigenvalues": "hartree",
    "occupations": "electrons",
    "density": "bohr^-3",
    "v_loc": "hartree",
}


def save(state: GroundState, group: h5py.Group) -> None:
    """Write every field; arrays carry their unit as an attribute."""
    for name, unit in _ARRAYS.items():
        group.create_dataset(name, data=getattr(state, name)).attrs["unit"] = unit
    for k, psi in enumerate(state.psi):
        group.create_dataset(f"psi/{k}", data=psi).attrs["unit"] = "bohr^-3/2"
    save_ions(state.ions, group)
    group.create_dataset("history", data=np.array(state.history))
    energy = group.create_group("energy")
    energy.attrs["unit"] = "hartree"
    for term, value in state.energy.items():
        energy.attrs[term] = value
    for name in ("xc", "fermi_level", "smearing", "iterations"):
        group.attrs[name] = getattr(state, name)
    if state.cutoff is not None:
        group.attrs["cutoff"] = state.cutoff


def save_ions(ions: Ions, group: h5py.Group) -> None:
    """Write structure, pseudopotentials and the edges of the grid."""
    group.create_dataset("atomic_numbers", data=ions.atoms.numbers)
    group.create_dataset("positions", data=ions.atoms.positions).attrs["unit"] = "angstrom"
    group.create_dataset("lengths", data=ions.grid.lengths).attrs["unit"] = "bohr"
    group.create_dataset("cell", data=np.asarray(ions.atoms.cell)).attrs["unit"] = "angstrom"
    pseudos = group.create_group("pseudopotentials")
    for element, pseudo in ions.pseudos.items():
        _save_pseudo(pseudos.create_group(element), pseudo)


def load(group: h5py.Group) -> GroundState:
    """Read what `save` wrote."""
    from .ground_state import GroundState

    arrays = {name: group[name][()] for name in _ARRAYS}
    psi = [group[f"psi/{k}"][()] for k in range(len(arrays["kpoints"]))]
    return GroundState(
        ions=load_ions(group, arrays["density"].shape),
        psi=psi,
        energy={k: float(v) for k, v in group["energy"].attrs.items() if k != "unit"},
        xc=str(group.attrs["xc"]),
        fermi_level=float(group.attrs["fermi_level"]),
        smearing=float(group.attrs["smearing"]),
        iterations=int(group.attrs["iterations"]),
        history=[(float(e), float(r)) for e, r in group["history"][()]],
        cutoff=float(group.attrs["cutoff"]) if "cutoff" in group.attrs else None,
        **arrays,
    )


def load_ions(group: h5py.Group, shape: tuple[int, int, int]) -> Ions:
    """Read what `save_ions` wrote; the points of the grid are those of the fields on it."""
    from ase import Atoms

    atoms = Atoms(group["atomic_numbers"][()], group["positions"][()], cell=group["cell"][()], pbc=True)
    lx, ly, lz = (float(x) for x in group["lengths"][()])
    pseudos = {name: _load_pseudo(item) for name, item in group["pseudopotentials"].items()}
    return Ions(atoms, Grid(shape, (lx, ly, lz)), pseudos)


def _save_pseudo(group: h5py.Group, pseudo: Pseudopotential) -> None:
    group.attrs["names"] = list(pseudo.names)
    group.attrs["charge"] = pseudo.charge
    group.attrs["r_loc"] = pseudo.r_loc
    group.attrs["c"] = np.asarray(pseudo.c, dtype=float)
    for channel in pseudo.channels:
        item = group.create_dataset(str(channel.l), data=channel.h)
        item.attrs["r"] = channel.r


def _load_pseudo(group: h5py.Group) -> Pseudopotential:
    channels = tuple(
        Channel(int(name), float(item.attrs["r"]), item[()]) for name, item in sorted(group.items())
    )
    return Pseudopotential(
        element=group.name.rsplit("/", 1)[1],
        names=tuple(str(n) for n in group.attrs["names"]),
        charge=int(group.attrs["charge"]),
        r_loc=float(group.attrs["r_loc"]),
        c=tuple(float(x) for x in group.attrs["c"]),
        channels=channels,
    )
