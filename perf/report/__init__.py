"""The page of sweeps: ``mlmd report DIR`` makes one HTML file that needs nothing else."""

from __future__ import annotations
