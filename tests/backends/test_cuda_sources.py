"""The CUDA sources compile, by nvcc and by NVRTC; neither needs a GPU."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

from mlmd.backends import BackendUnavailable
from mlmd.backends.nvrtc import OPTIONS, options, source
from mlmd.backends.sources import csrc

ARCHITECTURE = "-arch=sm_90"
NAMES = sorted(path.stem for path in (csrc() / "cuda").glob("*.cu"))
PIP_PACKAGES = ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12")


def nvcc() -> str:
    """The compiler of a CUDA toolkit."""
    roots = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    places = os.pathsep.join([os.environ.get("PATH", ""), *(f"{root}/bin" for root in roots if root)])
    found = shutil.which("nvcc", path=places)
    if found is None:
        pytest.skip("nvcc is not here: it comes with the CUDA toolkit")
    return found


@pytest.fixture(scope="module")
def nvrtc() -> ctypes.CDLL:
    """The library of pip, or that of the system."""
    found = [path for package in PIP_PACKAGES for path in libraries(package)]
    for name in (*found, "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", "/usr/local/cuda/lib64/libnvrtc.so"):
        with suppress(OSError):
            return ctypes.CDLL(name)
    pytest.skip("NVRTC is not here: pip install nvidia-cuda-nvrtc")


def libraries(package: str) -> list[str]:
    """Libraries of NVRTC in a package of pip."""
    try:
        return [str(f.locate()) for f in files(package) or [] if f.name.startswith("libnvrtc.so")]
    except PackageNotFoundError:
        return []


def cuda_headers() -> list[str]:
    """Folders of the toolkit's own headers (``cuda_bf16.h``), which CuPy gives to NVRTC."""
    home = Path(os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH") or "/usr/local/cuda")
    return [f"-I{path}" for path in (home / "include", home / "include/cccl") if path.is_dir()]


def compiled(nvrtc: ctypes.CDLL, text: str, flags: Sequence[str]) -> str:
    """Compile for NVRTC; what it says against the source."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None) == 0
    given = (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags))
    result = nvrtc.nvrtcCompileProgram(program, len(flags), given)
    assert nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)) == 0
    log = ctypes.create_string_buffer(size.value)
    assert nvrtc.nvrtcGetProgramLog(program, log) == 0
    assert nvrtc.nvrtcDestroyProgram(ctypes.byref(program)) == 0
    said = log.value.decode().strip()
    return said if result == 0 else said or f"nvrtc error {result}"


@pytest.mark.parametrize("name", NAMES)
def test_nvcc_compiles_without_a_warning(name: str, tmp_path: Path) -> None:
    includes = [f"-I{csrc()}/include", f"-I{csrc()}/cuda"]
    strict = ["-Werror", "all-warnings", "-Xptxas", "--warn-on-spills"]
    command = [nvcc(), "-std=c++17", "--fmad=false", ARCHITECTURE, *strict, *includes, "-cubin"]
    answer = subprocess.run(
        [*command, "-o", str(tmp_path / "kernels.cubin"), str(csrc() / f"cuda/{name}.cu")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("name", NAMES)
def test_nvrtc_compiles_without_a_warning(name: str, nvrtc: ctypes.CDLL) -> None:
    """With the options of the backend; what CuPy adds are an architecture and the folders of CUDA's headers."""
    flags = [*options(name), ARCHITECTURE, "--device-as-default-execution-space", *cuda_headers()]
    assert compiled(nvrtc, source(name), flags) == ""


def test_a_wrong_source_is_told(nvrtc: ctypes.CDLL) -> None:
    assert "identifier" in compiled(nvrtc, "__global__ void f() { g(); }", OPTIONS)


def test_a_source_that_is_not_there() -> None:
    with pytest.raises(BackendUnavailable, match="there are no CUDA kernels 'time_travel'"):
        source("time_travel")
