"""Maxwell's equations along one axis, for light that goes through many domains and is changed by them."""

from __future__ import annotations

from .bulk import Bulk
from .domains import CellField, Domains
from .film import Film
from .illumination import Illumination, LightWarning
from .medium import LorentzMedium, Medium
from .wave import Ledger, Wave, check_coupling

__all__ = [
    "Bulk",
    "CellField",
    "Domains",
    "Film",
    "Illumination",
    "Ledger",
    "LightWarning",
    "LorentzMedium",
    "Medium",
    "Wave",
    "check_coupling",
]
