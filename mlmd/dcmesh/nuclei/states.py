"""States of QXMD as arrays, for checkpoints and other ranks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..parallel.team import Line
from ..qxmd import GroundState

_ARRAYS = ("eigenvalues", "occupations", "density", "v_loc")


def pack(states: GroundState) -> dict[str, Any]:
    """All of the states that changes on the way, as arrays and numbers."""
    arrays = {name: getattr(states, name) for name in _ARRAYS}
    psi = {f"psi_{k}": psi for k, psi in enumerate(states.psi)}
    return arrays | psi | {"positions": states.atoms.positions.copy(), "energy": dict(states.energy)}


def unpack(packed: dict[str, Any], like: GroundState) -> GroundState:
    """The states that `pack` was given; ``like`` has the same atoms, grid and bands."""
    return replace(
        like,
        ions=like.ions.moved(packed["positions"]),
        psi=[np.array(packed[f"psi_{k}"]) for k in range(len(like.psi))],
        energy=dict(packed["energy"]),
        eigenvalues=np.array(packed["eigenvalues"]),
        occupations=np.array(packed["occupations"]),
        density=np.array(packed["density"]),
        v_loc=np.array(packed["v_loc"]),
    )


def agreed(states: GroundState, ranks: Line) -> GroundState:
    """The states of the first rank, on all ranks: each one finds its own, alike but for rounding, phases and mixtures.

    Parameters
    ----------
    states : GroundState
        Of this rank.
    ranks : Line
        A collective call of these.
    """
    if ranks.size == 1:
        return states
    found, first = pack(states), float(ranks.rank == 0)
    terms = first * np.array(list(found.pop("energy").values()))
    shared = {name: ranks.sum(first * values) for name, values in found.items()}
    energy = dict(zip(states.energy, ranks.sum(terms).tolist(), strict=True))
    return unpack(shared | {"energy": energy}, states)
