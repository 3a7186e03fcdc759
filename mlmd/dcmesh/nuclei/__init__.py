"""Nuclei in motion: Ehrenfest dynamics, surface hopping on Kohn-Sham states, and one after the other."""

from __future__ import annotations

from .ehrenfest import Ehrenfest, MeanField, Shadow
from .hopping import SurfaceHopping
from .mesh import Mesh

__all__ = ["Ehrenfest", "MeanField", "Mesh", "Shadow", "SurfaceHopping"]
