"""LFD: real-time electron dynamics on the fast finite-difference grid, a shadow of QXMD."""

from .lfd import LFD

__all__ = ["LFD"]
