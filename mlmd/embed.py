"""Where the library ``libmlmd_kernels`` is, for programs in C, C++ and Fortran.

The library, its headers, its pkg-config and CMake files and the source of its Fortran module lie in the installed
package; ``mlmd embed``, or ``python -m mlmd.embed``, tells where:

    export PKG_CONFIG_PATH=$(mlmd embed --pkgconfig)
    cc program.c $(pkg-config --cflags --libs mlmd_kernels)
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

from .backends.sources import abi_version
from .errors import BackendUnavailable

PREFIX = Path(__file__).resolve().parent


def prefix() -> Path:
    """The folder with ``include``, ``lib`` and ``share``.

    Raises
    ------
    BackendUnavailable
        If this installation was built without the library.
    """
    if not (PREFIX / "lib" / "libmlmd_kernels.so").exists():
        raise BackendUnavailable(
            f"the library libmlmd_kernels is not in {PREFIX / 'lib'}: run 'pip install .' with a C++17 compiler"
        )
    return PREFIX


def pkgconfig() -> Path:
    """Folder of ``mlmd_kernels.pc``, for ``PKG_CONFIG_PATH``."""
    return prefix() / "lib" / "pkgconfig"


def cmake() -> Path:
    """Folder of the CMake package, for ``mlmd_kernels_DIR``."""
    return prefix() / "lib" / "cmake" / "mlmd_kernels"


def fortran() -> Path:
    """Source of the Fortran module ``mlmd_kernels``."""
    return prefix() / "share" / "mlmd" / "mlmd_kernels.f90"


def cflags() -> str:
    """Compiler flags."""
    return f"-I{prefix() / 'include'}"


def libs() -> str:
    """Linker flags; the program finds the library where it is now."""
    folder = prefix() / "lib"
    return f"-L{folder} -lmlmd_kernels -Wl,-rpath,{folder}"


def library() -> ctypes.CDLL:
    """The library itself, for `ctypes`, after a check that it is the one that the header is for.

    Raises
    ------
    BackendUnavailable
        If it does not load, or its interface is another one.

    Examples
    --------
    >>> library().mlmd_abi_version() == abi_version(prefix() / "include")
    True
    """
    wanted = abi_version(prefix() / "include")
    path = prefix() / "lib" / f"libmlmd_kernels.so.{wanted}"
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise BackendUnavailable(f"the library does not load ({error}): install MLMD anew") from None
    there = loaded.mlmd_abi_version()
    if there != wanted:
        raise BackendUnavailable(
            f"{path} has the interface {there}, its header the interface {wanted}: install MLMD anew"
        )
    return loaded


#: What ``mlmd embed`` can be asked for.
PARTS: dict[str, Callable[[], object]] = {
    "prefix": prefix,
    "cflags": cflags,
    "libs": libs,
    "pkgconfig": pkgconfig,
    "cmake": cmake,
    "fortran": fortran,
}

if __name__ == "__main__":
    from mlmd.cli import app

    app(["embed", *sys.argv[1:]])
