"""Which code a row was timed with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ...backends.sources import csrc, digest

DIGITS = 16
PARTS = {"hartree": ("multigrid", "dsa")}  # a plan of several kernels


@cache
def build_of(kernel: str, backend: str) -> str:
    """Identity of what a kernel is on a backend: as compiled, or a hash of its sources.

    Examples
    --------
    >>> len(build_of("density", "reference"))
    16
    """
    if backend == "cpu":
        from ... import _cpu

        return "+".join(str(_cpu.build_id(part)) for part in PARTS.get(kernel, (kernel,)))
    kernels = Path(__file__).resolve().parents[2] / "kernels"
    paths = [kernels / f"{name}.py" for name in (kernel, *PARTS.get(kernel, ()))]
    if backend == "numba":
        paths += sorted((kernels / "numba").glob("*.py"))
    elif backend != "reference":
        paths += sorted((kernels / "device").glob("*.py"))
        paths += [*sorted((csrc() / "include/mlmd").glob("*.h")), *sorted((csrc() / backend).rglob("*.*"))]
    return digest(path for path in paths if path.is_file())[:DIGITS]
