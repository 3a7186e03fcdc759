"""LFD: real-time electron dynamics on the fast finite-difference grid, a shadow of QXMD."""

from .checks import check_time_step
from .lfd import LFD

__all__ = ["LFD", "check_time_step"]
