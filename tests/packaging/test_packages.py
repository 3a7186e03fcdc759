"""sdist, wheel from the sdist, and editable install: each has all packages, data and the C++ module."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
CHECK = """
import mlmd, mlmd.perf, mlmd.tuning, numpy as np
from pathlib import Path
assert Path(mlmd.__file__).is_relative_to(FOLDER), mlmd.__file__
plan = mlmd.kernels.density((4, 4, 4), 2, backend="cpu")
assert np.allclose(plan(np.ones((4, 4, 4, 2), complex), np.ones(2)), 2.0)
import mlmd.kernels.numba
from mlmd import embed
assert embed.library() and embed.pkgconfig().is_relative_to(FOLDER), embed.PREFIX
from mlmd.backends.sources import csrc
for name in ("include/mlmd/portable.h", "cuda/kin_prop.cu", "cuda/rtc/cstdint", "sycl/kin_prop.cpp"):
    assert (csrc() / name).exists(), name
"""


def run(*command: str, cwd: Path) -> None:
    """Run a command that sees what is installed only, not a source tree that ``PYTHONPATH`` names."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def check(python: str, folder: Path, cwd: Path, path: str = "") -> None:
    start = f"import sys; sys.path.insert(0, {path!r})\n" if path else ""
    run(python, "-c", start + CHECK.replace("FOLDER", repr(str(folder))), cwd=cwd)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """The sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "setup.py", "-q", "sdist", "-d", str(folder), cwd=pytestconfig.rootpath)
    (archive,) = folder.glob("mlmd-*.tar.gz")
    run("tar", "xzf", str(archive), cwd=folder)
    return folder / archive.name.removesuffix(".tar.gz")


def test_wheel_from_sdist(sdist: Path, tmp_path: Path) -> None:
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(sdist), cwd=tmp_path)
    (wheel,) = tmp_path.glob("mlmd-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    python = ("py.typed", "cli.py", "kernels/kin_prop.py", "kernels/numba/kin_prop.py", "backends/cpu.py")
    sources = ("include/mlmd/portable.h", "cuda/kin_prop.cu", "cuda/items.h", "cuda/rtc/cstdint", "sycl/kin_prop.cpp")
    embedding = ("include/mlmd/mlmd_plans.h", "lib/libmlmd_kernels.so", "lib/pkgconfig/mlmd_kernels.pc")
    for needed in (*python, *embedding, "share/mlmd/mlmd_kernels.f90", *(f"csrc/{name}" for name in sources)):
        assert f"mlmd/{needed}" in names
    assert any(name.endswith(".dat") for name in names)
    assert not [name for name in names if name.startswith(("kernels/", "tests/", "csrc/"))]
    target = tmp_path / "site"
    run(*PIP, "install", "--no-deps", "--target", str(target), str(wheel), cwd=tmp_path)
    check(sys.executable, target, tmp_path, path=str(target))
    if shutil.which("pkg-config") and shutil.which("cc"):
        moved = tmp_path / "elsewhere"
        target.rename(moved)
        source = sdist / "examples/embed/c/wave_packet.c"
        flags = f"PKG_CONFIG_PATH={moved}/mlmd/lib/pkgconfig pkg-config --cflags --libs mlmd_kernels"
        run("sh", "-c", f"cc -std=c11 {source} -o wave_packet $({flags}) -lm && ./wave_packet", cwd=tmp_path)


def test_editable_install(sdist: Path, tmp_path: Path) -> None:
    """In a fresh virtual environment that sees the packages of this one."""
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"), cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "outer.pth").write_text("\n".join(here) + "\n")
    run(
        *PIP,
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--ignore-installed",
        "-e",
        str(sdist),
        cwd=tmp_path,
    )
    check(str(python), sdist, tmp_path)
