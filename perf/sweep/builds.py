"""Which code a row was timed with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ...backends.sources import csrc, digest

DIGITS = 16


@cache
def build_of(kernel: str, backend: str) -> str:
    """Hash of what a kernel is made of on a backend.

    Examples
    --------
    >>> len(build_of("density", "reference"))
    16
    """
    if backend == "cpu":
        from ... import _cpu

        return digest([Path(str(_cpu.__file__))])[:DIGITS]
    kernels = Path(__file__).resolve().parents[2] / "kernels"
    paths = [kernels / f"{kernel}.py"]
    if backend == "numba":
        paths += sorted((kernels / "numba").glob("*.py"))
    elif backend != "reference":
        paths += sorted((kernels / "device").glob("*.py"))
        paths += [*sorted((csrc() / "include/mlmd").glob("*.h")), *sorted((csrc() / backend).rglob("*.*"))]
    return digest(path for path in paths if path.is_file())[:DIGITS]
