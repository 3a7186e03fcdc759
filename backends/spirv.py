"""SPIR-V of the SYCL kernels: what is shipped, and compiling it anew from ``csrc/sycl``.

The SYCL compiler is a library of the pip package ``intel-sycl-rt``; the small program that calls it
(``csrc/sycl/compile.cc``) is built by the system's C++ compiler when first needed.  Users need neither.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from .errors import BackendUnavailable
from .sources import csrc as sources
from .sources import digest

PACKAGE = Path(__file__).resolve().parent
SHIPPED = PACKAGE / "spirv_files"
# The driver also makes code of the SPIR-V, which fails for matrix tiles if it takes the processor for one without.
TARGET = {"CL_CONFIG_CPU_TARGET_ARCH": "sapphirerapids"}
OPTIONS = ("-fsycl-device-code-split=off", "-ffp-contract=off")


def load(name: str) -> bytes:
    """The shipped SPIR-V of ``csrc/sycl/{name}.cpp``.

    Raises
    ------
    BackendUnavailable
        If there is none.
    """
    path = SHIPPED / f"{name}.spv"
    if not path.exists():
        raise BackendUnavailable(f"there are no SYCL kernels '{name}' in {SHIPPED}: install MLMD anew")
    return path.read_bytes()


def headers(csrc: Path) -> dict[str, Path]:
    """What the sources may include, by the name that they use: all but the C interface of the cpu backend."""
    found = sorted(path for path in (csrc / "include/mlmd").glob("*.h") if not path.name.startswith("mlmd_"))
    shared = {f"mlmd/{path.name}": path for path in found}
    return shared | {path.name: path for path in sorted((csrc / "sycl").glob("*.h"))}


def fingerprint(csrc: Path, name: str, options: tuple[str, ...] = ()) -> str:
    """Hash of a source, of all headers and of the options."""
    return digest((csrc / f"sycl/{name}.cpp", *headers(csrc).values()), repr((*OPTIONS, *options)).encode())


def cache_folder() -> Path:
    """Where compiled files are kept: ``MLMD_CACHE``, else ``mlmd`` in the user's cache folder."""
    chosen = os.environ.get("MLMD_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mlmd"


def compile_source(csrc: Path, name: str, options: tuple[str, ...] = ()) -> bytes:
    """SPIR-V of ``csrc/sycl/{name}.cpp`` with compiler options such as ``-DMLMD_VECTOR_BYTES=32``; cached on disk.

    Raises
    ------
    BackendUnavailable
        If the compiler is not there, or with its messages if it refuses the source.
    """
    kept = cache_folder() / "spirv" / f"{name}-{fingerprint(csrc, name, options)}.spv"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        made = kept.with_suffix(f".{os.getpid()}")
        includes = [f"{include}={path}" for include, path in headers(csrc).items()]
        command = [str(_compiler(csrc)), str(made), f"{name}.cpp={csrc}/sycl/{name}.cpp", *includes, "--"]
        answer = subprocess.run(
            [*command, *OPTIONS, *options], capture_output=True, text=True, check=False, env=os.environ | TARGET
        )
        if answer.returncode != 0:
            raise BackendUnavailable(f"csrc/sycl/{name}.cpp does not compile:\n{answer.stderr}")
        made.replace(kept)
    return kept.read_bytes()


def _compiler(csrc: Path) -> Path:
    """The program made of ``compile.cc``, built if it is not there yet."""
    source, prefix = csrc / "sycl/compile.cc", Path(sys.prefix)
    build = [source.read_bytes(), sysconfig.get_config_var("CXX") or "", str(prefix)]
    name = hashlib.sha256(repr(build).encode()).hexdigest()[:16]
    program = cache_folder() / f"sycl-compile-{name}"
    if program.exists():
        return program
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None or not (prefix / "include/sycl/sycl.hpp").exists():
        raise BackendUnavailable(
            "compiling SYCL kernels needs a C++ compiler and the headers of SYCL: pip install 'mlmd[sycl]' brings "
            "these, the package manager of the system the compiler"
        )
    program.parent.mkdir(parents=True, exist_ok=True)
    made = program.with_suffix(f".{os.getpid()}")
    link = [f"-L{prefix}/lib", "-lsycl", f"-Wl,-rpath,{prefix}/lib", "-o", str(made)]
    command = [compiler, "-std=c++17", "-O1", "-w", f"-I{prefix}/include", str(source), *link]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise BackendUnavailable(f"{source} does not compile:\n{answer.stderr}")
    made.replace(program)
    return program


def main() -> None:
    """Compile all sources anew into the folder that is shipped: ``python -m mlmd.backends.spirv``."""
    csrc = sources()
    SHIPPED.mkdir(exist_ok=True)
    sums = []
    for source in sorted((csrc / "sycl").glob("*.cpp")):
        (SHIPPED / f"{source.stem}.spv").write_bytes(compile_source(csrc, source.stem))
        sums.append(f"{fingerprint(csrc, source.stem)}  {source.stem}\n")
    (SHIPPED / "fingerprints").write_text("".join(sums))


if __name__ == "__main__":
    from .sycl import find_driver

    find_driver()
    main()
