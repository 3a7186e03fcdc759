"""Compiles ``csrc/cuda/NAME.cu`` with the C++ compiler and `cuda_on_host.h` into a library of kernels."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from mlmd.backends import BackendUnavailable
from mlmd.backends.sources import csrc

SHIM = Path(__file__).with_name("cuda_on_host.h")
OPTIONS = ("-std=c++17", "-O1", "-g", "-fPIC", "-ffp-contract=off", "-Wall", "-Wno-unknown-pragmas")
KERNEL = re.compile(r'extern\s+"C"\s+void\s+(\w+)\s*\(')


def compiler() -> str | None:
    """The C++ compiler, GNU's or Clang's."""
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")


@cache
def library(name: str) -> ctypes.CDLL:
    """The kernels of a source.

    Raises
    ------
    BackendUnavailable
        If there is no such source, or with the compiler's messages if it refuses it.
    """
    source = csrc() / f"cuda/{name}.cu"
    if not source.exists():
        raise BackendUnavailable(f"there is no csrc/cuda/{name}.cu")
    flags = [*OPTIONS, *os.environ.get("MLMD_CUDA_ON_HOST_FLAGS", "").split()]
    command = [str(compiler()), *flags, f"-I{csrc()}/include", f"-I{csrc()}/cuda", "-include", str(SHIM), "-x", "c++"]
    text = _run([*command, "-E", "-P", str(source)])
    folder = Path(tempfile.gettempdir()) / f"mlmd-cuda-on-host-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    built = folder / f"{name}-{hashlib.sha256(repr((command, text)).encode()).hexdigest()[:16]}.so"
    if not built.exists():
        kernels = "".join(f"ON_HOST_KERNEL({kernel})\n" for kernel in dict.fromkeys(KERNEL.findall(text)))
        made = built.with_suffix(f".{os.getpid()}")
        _run([*command, "-shared", "-o", str(made), "-"], f'#include "{source}"\n{kernels}')
        made.replace(built)
    return ctypes.CDLL(str(built))


def _run(command: list[str], text: str | None = None) -> str:
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise BackendUnavailable(f"{' '.join(command)}:\n{answer.stderr}")
    return answer.stdout
