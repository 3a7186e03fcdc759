"""How a calculation is spread over MPI ranks: domains, and in each domain bands and planes of the grid."""

from .layout import Layout, Work, choose_layout
from .team import ALONE, PAIR, Line, Single, Team

__all__ = ["ALONE", "PAIR", "Layout", "Line", "Single", "Team", "Work", "choose_layout"]
