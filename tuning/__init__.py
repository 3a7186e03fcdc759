"""Which variant of a kernel runs: candidates, trials, wisdom, and what a plan is told.

``mlmd tune`` finds the fastest configuration of a kernel for a problem (`tuner`), keeps it in the wisdom file
(`wisdom`), and plans go by it (`choose`).
"""

from __future__ import annotations

if __name__ != "mlmd.tuning":
    raise ImportError("import mlmd.tuning, not tuning: this folder is a part of the package mlmd")
