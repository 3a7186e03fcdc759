"""Intel's Math Kernel Library, if the pip package ``mkl`` is installed, for the large products of the cpu backend.

Of the BLAS libraries only this one can be told to use a single thread in one thread of the caller; OpenBLAS, as NumPy
and SciPy bring it, would need a change of its global thread count, so it is left alone.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files

FUNCTIONS = ("cblas_cgemm_64", "cblas_zgemm_64", "MKL_Set_Num_Threads_Local")


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """The library, loaded; None if it is not installed, does not load or is refused by ``MLMD_BLAS=none``."""
    if os.environ.get("MLMD_BLAS") == "none":
        return None
    try:
        listed = files("mkl") or []
    except PackageNotFoundError:
        return None
    for file in listed:
        if file.name.startswith("libmkl_rt.so"):
            try:
                return ctypes.CDLL(os.path.realpath(file.locate()))
            except OSError:
                return None
    return None


def addresses() -> tuple[int, ...]:
    """Addresses of `FUNCTIONS`; empty without the library.

    Examples
    --------
    >>> len(addresses()) in (0, 3)
    True
    """
    found = library()
    if found is None or not all(hasattr(found, name) for name in FUNCTIONS):
        return ()
    return tuple(ctypes.cast(getattr(found, name), ctypes.c_void_p).value or 0 for name in FUNCTIONS)
