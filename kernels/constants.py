"""Constants of nature in atomic units (hbar = m = e = 1)."""

from __future__ import annotations

#: Speed of light, CODATA 2018 (inverse fine-structure constant).
SPEED_OF_LIGHT = 137.035999084
