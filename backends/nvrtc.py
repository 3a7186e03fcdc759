"""What NVRTC, the compiler of CUDA at run time, is given: a source of ``csrc/cuda`` and options."""

from __future__ import annotations

from functools import cache

from .errors import BackendUnavailable
from .sources import csrc, digest

OPTIONS = ("--std=c++17", "--fmad=false")


def source(file: str) -> str:
    """Text of ``csrc/cuda/{file}.cu``.

    Raises
    ------
    BackendUnavailable
        If there is none.
    """
    path = csrc() / f"cuda/{file}.cu"
    if not path.exists():
        raise BackendUnavailable(f"there are no CUDA kernels '{file}' in {path.parent}")
    return path.read_text()


@cache
def options(file: str) -> tuple[str, ...]:
    """Options of NVRTC; with the hash of all headers, which CuPy does not look at when it takes a kept kernel."""
    folder = csrc()
    paths = sorted([*folder.glob("include/mlmd/*.h"), *folder.glob("cuda/*.h"), *folder.glob("cuda/rtc/*")])
    includes = (f"-I{folder / name}" for name in ("include", "cuda", "cuda/rtc"))
    return *OPTIONS, *includes, f"-DMLMD_SOURCES=0x{digest(paths)[:15]}"
