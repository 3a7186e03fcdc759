"""Maxwell's equations along one axis, for light that goes through many domains and is changed by them."""

from __future__ import annotations

from .domains import CellField, Domains
from .film import Film
from .medium import LorentzMedium, Medium
from .wave import Ledger, Wave

__all__ = ["CellField", "Domains", "Film", "Ledger", "LorentzMedium", "Medium", "Wave"]
