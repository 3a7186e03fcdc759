"""Allegro models of nequip-allegro on the kernels of MLMD.  Needs torch and nequip: ``pip install 'mlmd[nn]'``.

``modify`` is that of nequip, which knows the modifier ``enable_MLMD`` once this package is imported.
"""

from __future__ import annotations

from nequip.model import modify

from .accelerate import accelerate
from .training import for_training

__all__ = ["accelerate", "for_training", "modify"]
