"""Divide and conquer: a cell cut into domains that know of each other through density and potential."""

from __future__ import annotations

from .domain import Domain
from .electrons import DividedElectrons
from .ground_state import DividedState, divided_ground_state
from .partition import Box, partition, recombine
from .poisson import GlobalHartree
from .start import BoxStates, box_states

__all__ = [
    "Box",
    "BoxStates",
    "DividedElectrons",
    "DividedState",
    "Domain",
    "GlobalHartree",
    "box_states",
    "divided_ground_state",
    "partition",
    "recombine",
]
