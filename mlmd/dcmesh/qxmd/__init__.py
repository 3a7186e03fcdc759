"""QXMD: Kohn-Sham ground state and electron-atom coupling in FP64 on the CPU."""

from .calculator import QXMD
from .ground_state import GroundState, follow, ground_state

__all__ = ["QXMD", "GroundState", "follow", "ground_state"]
