"""LFD: real-time electron dynamics on the fast finite-difference grid, a shadow of QXMD."""

from .lfd import LFD, check_time_step

__all__ = ["LFD", "check_time_step"]
