"""Which variant of a kernel runs: search spaces, trial log, wisdom, precision planner.

Nothing is here yet; plans run the default variant of their backend.
"""

from __future__ import annotations

if __name__ != "mlmd.tuning":
    raise ImportError("import mlmd.tuning, not tuning: this folder is a part of the package mlmd")
