"""Files of a run: input, structure, checkpoint, results."""

from __future__ import annotations
