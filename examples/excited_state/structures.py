"""Structures of PbTiO3 to label: cells from cubic to tetragonal, polar in any direction, atoms displaced as by heat.

    python structures.py structures.xyz 20

The first four are a path from the cubic to the polar structure in one cell.
"""

from __future__ import annotations

import sys

import ase
import ase.io
import numpy as np

SEED = 7
CELLS = ((3.93, 3.93), (3.90, 4.05), (3.87, 4.03), (3.86, 4.18), (3.858, 4.304))  # Angstrom
SIZE = {"Pb": 0.06, "Ti": 0.06, "O": 0.08}  # Angstrom: displacement of an atom along each axis
IDEAL = np.array([(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0, 0.5, 0.5), (0.5, 0, 0.5)])
# Along the polar axis, in fractions of the cell: Pb, Ti, the O in line with Ti, the other two
POLAR = np.array([-0.0242, 2.3864 - 4.3926 / 2, 0.6375, 2.8161 - 4.3926 / 2, 2.8161 - 4.3926 / 2]) / 4.3926


def perovskite(a: float, c: float, polar: np.ndarray) -> ase.Atoms:
    """PbTiO3 with a polar displacement of size and direction ``polar``."""
    places = IDEAL.copy()
    for axis, size in enumerate(polar):
        shift = np.where(IDEAL[:, axis] == 0, POLAR[2], POLAR[3])  # of an O: in line with Ti along this axis, or not
        shift[:2] = POLAR[:2]
        places[:, axis] += size * shift
    return ase.Atoms("PbTiO3", scaled_positions=places, cell=[a, a, c], pbc=True)


def hot(rng: np.random.Generator) -> ase.Atoms:
    """A cell that is polar along z, more or less, with displaced atoms."""
    a, c = CELLS[rng.integers(len(CELLS))]
    frame = perovskite(a, c, np.array([0, 0, rng.uniform(-0.2, 1.0)]) + rng.normal(0, 0.15, 3))
    frame.positions += rng.normal(size=(5, 3)) * [[SIZE[symbol]] for symbol in frame.symbols]
    return frame


def structures(number: int) -> list[ase.Atoms]:
    """The path, then random structures."""
    rng = np.random.default_rng(SEED)
    path = [perovskite(3.87, 4.03, np.array([0, 0, size])) for size in (0.0, 0.6, 0.3, 0.9)]
    return path + [hot(rng) for _ in range(number - len(path))]


if __name__ == "__main__":
    ase.io.write(sys.argv[1], structures(int(sys.argv[2])), format="extxyz")
