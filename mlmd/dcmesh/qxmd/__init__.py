"""QXMD: Kohn-Sham ground state and electron-atom coupling in FP64 on the CPU."""

from .calculator import QXMD
from .ground_state import GroundState, ground_state

__all__ = ["QXMD", "GroundState", "ground_state"]
