"""Perovskites in a few lines: cubic or polar cells, and PbTiO3/SrTiO3 superlattices along z."""

from __future__ import annotations

import ase
import numpy as np

POLAR = (0.037, 0.1, 0.11)  # of Ti, the O above and below it, the O around it, in units of c


def layered(symbols: str, a: float, lengths: list[float], moved: list[tuple[float, ...]], repeat: int = 1) -> ase.Atoms:
    """Cells on top of each other; ``symbols`` names A of each, such as ``"PbPbSr"`` in two letters each."""
    places, names, z = [], [], 0.0
    for k, (c, (ti, axial, planar)) in enumerate(zip(lengths, moved, strict=True)):
        sites = [[0, 0, 0], [0.5, 0.5, 0.5 + ti], [0.5, 0.5, axial], [0.5, 0, 0.5 + planar], [0, 0.5, 0.5 + planar]]
        places.append(np.array(sites) * [a, a, c] + [0, 0, z])
        names += [symbols[2 * k : 2 * k + 2], "Ti", "O", "O", "O"]
        z += c
    return ase.Atoms(names, np.concatenate(places), cell=[a, a, z], pbc=True).repeat((repeat, repeat, 1))


def superlattice(
    lead: int, strontium: int, a: float = 3.905, c: float | None = None, polar: bool = False, repeat: int = 1
) -> ase.Atoms:
    """So many layers of PbTiO3, with that c and polar or not, and of cubic SrTiO3."""
    lengths = [c or a] * lead + [a] * strontium
    moved = [POLAR if polar else (0.0,) * 3] * lead + [(0.0,) * 3] * strontium
    return layered("Pb" * lead + "Sr" * strontium, a, lengths, moved, repeat)
