"""Where the sources of the device kernels are: in the tree, or installed with the package."""

from __future__ import annotations

from pathlib import Path


def csrc() -> Path:
    """The folder of the sources; it lies beside this one in the tree, and in the installed package.

    Examples
    --------
    >>> (csrc() / "include/mlmd/portable.h").exists()
    True
    """
    return Path(__file__).resolve().parent.parent / "csrc"
