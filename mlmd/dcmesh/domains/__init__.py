"""Divide and conquer: a cell cut into domains that know of each other through density and potential."""

from __future__ import annotations

from .domain import Domain
from .ground_state import DividedState, divided_ground_state
from .partition import Box, partition, recombine
from .poisson import GlobalHartree

__all__ = ["Box", "DividedState", "Domain", "GlobalHartree", "divided_ground_state", "partition", "recombine"]
