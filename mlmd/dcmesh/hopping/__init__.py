"""Surface hopping: nuclei that move on one state of the electrons at a time, and hop between them."""

from __future__ import annotations

from .amplitudes import decohere, propagate
from .hops import chosen, paid
from .scattering import scatter
from .surfaces import Diabatic, Surfaces, adiabatic
from .trajectories import Hopping, Trajectories

__all__ = [
    "Diabatic",
    "Hopping",
    "Surfaces",
    "Trajectories",
    "adiabatic",
    "chosen",
    "decohere",
    "paid",
    "propagate",
    "scatter",
]
