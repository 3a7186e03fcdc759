"""Where the sources of the device kernels are: in the tree, or installed with the package."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from .errors import BackendUnavailable


def csrc() -> Path:
    """The folder of the sources; it lies beside this one in the tree, and in the installed package.

    Raises
    ------
    BackendUnavailable
        If this installation came without it.

    Examples
    --------
    >>> (csrc() / "include/mlmd/portable.h").exists()
    True
    """
    folder = Path(__file__).resolve().parent.parent / "csrc"
    if not (folder / "include").is_dir():
        raise BackendUnavailable(f"the sources of the device kernels are not in {folder}: install MLMD anew")
    return folder


def abi_version(include: Path) -> int:
    """Version of the interface of the compiled kernels, as the header in a folder tells.

    Examples
    --------
    >>> abi_version(csrc() / "include") >= 1
    True
    """
    found = re.search(r"define MLMD_ABI_VERSION (\d+)", (include / "mlmd/mlmd_kernels.h").read_text())
    return int(found[1]) if found else 0


def digest(paths: Iterable[Path], start: bytes = b"") -> str:
    """Hash of files, with their names, and of what comes before them."""
    made = hashlib.sha256(start)
    for path in paths:
        made.update(path.name.encode() + path.read_bytes())
    return made.hexdigest()
