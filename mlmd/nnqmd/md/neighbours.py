"""Pairs of a list of neighbours with a skin: it lasts until an atom has moved by half the skin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .particles import Floats

CHUNK = 1000  # centres that are looked up together


@dataclass(frozen=True)
class Pairs:
    """Pairs of points, the first of them one of the atoms.

    Attributes
    ----------
    begin : ndarray of int64, (atoms + 1,)
        Pairs ``begin[i]`` to ``begin[i + 1]`` are those of atom i.
    other : ndarray of int32, (pairs,)
        The other points.
    """

    begin: NDArray[np.int64]
    other: NDArray[np.int32]

    def blocks(self, largest: int, least: int = 1) -> list[tuple[int, int]]:
        """Ranges of atoms with about as many pairs each, at most ``largest`` (or one atom); ``least`` ranges or more.

        Examples
        --------
        >>> pairs = Pairs(np.array([0, 2, 4, 9, 10]), np.zeros(10, np.int32))
        >>> pairs.blocks(100), pairs.blocks(9), pairs.blocks(100, 2)
        ([(0, 4)], [(0, 3), (3, 4)], [(0, 3), (3, 4)])
        """
        widest = int(np.diff(self.begin).max(initial=0))
        total, room = int(self.begin[-1]), max(1, widest, largest - widest)
        count = 1 if total <= largest else -(-total // room)
        count = max(count, least)
        cuts = np.searchsorted(self.begin, np.arange(1, count) * (total / count))
        return list(pairwise(np.unique([0, *cuts, len(self.begin) - 1]).tolist()))


def find_pairs(points: Floats, centres: NDArray[np.bool_], reach: float, order: NDArray[np.integer]) -> Pairs:
    """Find all points within reach of the chosen ones of the first, which are the atoms.

    Parameters
    ----------
    points : ndarray, (points, 3)
        Atoms and ghosts, finite.
    centres : ndarray of bool, (atoms,)
        Which atoms have pairs; they are the first points.
    reach : float
        In Angstrom.
    order : ndarray of int, (points,)
        The pairs of an atom come in the order of these numbers of their other points.

    Returns
    -------
    Pairs

    Examples
    --------
    >>> points = np.array([[0.0, 0, 0], [1.0, 0, 0], [2.5, 0, 0]])
    >>> pairs = find_pairs(points, np.array([True, True]), 1.5, np.array([5, 4, 3]))
    >>> pairs.begin.tolist(), pairs.other.tolist()
    ([0, 1, 3], [1, 2, 0])
    """
    counts, others = np.zeros(len(centres) + 1, np.int64), [np.zeros(0, np.int32)]
    chosen, tree = np.flatnonzero(centres), cKDTree(points) if len(points) else None
    for first in range(0, len(chosen), CHUNK):
        some = chosen[first : first + CHUNK]
        found = cKDTree(points[some]).sparse_distance_matrix(tree, reach, output_type="ndarray")
        i, j = found["i"], found["j"]
        not_itself = j != some[i]
        i, j = i[not_itself], j[not_itself]
        counts[1 + some] = np.bincount(i, minlength=len(some))
        others.append(j[np.lexsort((order[j], i))].astype(np.int32))
    return Pairs(np.cumsum(counts), np.concatenate(others))
