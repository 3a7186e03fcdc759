"""The programs under examples/embed, built from a clean folder with pkg-config and with CMake, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlmd import embed

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "embed"
PROGRAMS = {"c": ("wave_packet", "cc"), "fortran": ("oscillator", "gfortran"), "cpp": ("own_threads", "c++")}
pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not here")


def needs(*tools: str) -> None:
    """Skip where a tool is missing."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """What a command prints; it must succeed."""
    environment = os.environ | {"PKG_CONFIG_PATH": str(embed.pkgconfig())} | variables
    answer = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


def copied(language: str, folder: Path) -> Path:
    """A clean copy of a program's folder."""
    return Path(shutil.copytree(EXAMPLES / language, folder / language))


@pytest.mark.parametrize("language", PROGRAMS)
def test_program_with_pkg_config(language: str, tmp_path: Path) -> None:
    name, compiler = PROGRAMS[language]
    needs(compiler, "make", "pkg-config")
    folder = copied(language, tmp_path)
    said = run("make", name, cwd=folder)
    assert "warning" not in said.lower(), said
    said = run(folder / name, cwd=tmp_path)
    assert said.splitlines()[-1] == "passed"


@pytest.mark.parametrize("language", PROGRAMS)
def test_program_with_cmake(language: str, tmp_path: Path) -> None:
    name, compiler = PROGRAMS[language]
    needs(compiler, "make", "cmake")
    folder = copied(language, tmp_path)
    run("cmake", "-S", folder, "-B", "build", f"-Dmlmd_kernels_DIR={embed.cmake()}", cwd=tmp_path, PKG_CONFIG_PATH="")
    run("cmake", "--build", "build", cwd=tmp_path)
    assert run(tmp_path / "build" / name, cwd=tmp_path).splitlines()[-1] == "passed"


def test_cmake_refuses_another_abi(tmp_path: Path) -> None:
    needs("cmake", "cc")
    text = "cmake_minimum_required(VERSION 3.15)\nproject(p C)\nfind_package(mlmd_kernels 2 REQUIRED)\n"
    (tmp_path / "CMakeLists.txt").write_text(text)
    command = ["cmake", "-S", ".", "-B", "build", f"-Dmlmd_kernels_DIR={embed.cmake()}"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode != 0
    assert re.search(r'requested\s+version "2"', answer.stderr), answer.stderr


def test_no_leak_and_no_bad_access_in_c(tmp_path: Path) -> None:
    needs("cc", "make", "pkg-config", "valgrind")
    folder = copied("c", tmp_path)
    run("make", "wave_packet", "CFLAGS=-O1 -g", cwd=folder)
    said = run(
        "valgrind",
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
        f"--suppressions={Path(__file__).with_name('openmp.supp')}",
        folder / "wave_packet",
        cwd=tmp_path,
        MLMD_ISA="v3",  # valgrind does not know all of AVX-512
        OMP_NUM_THREADS="2",
    )
    assert "passed" in said
    assert "ERROR SUMMARY: 0 errors" in said


def test_a_program_of_another_abi_is_told_so(tmp_path: Path) -> None:
    """Compiled with a header that names another version."""
    needs("cc")
    shutil.copytree(embed.prefix() / "include", tmp_path / "include")
    header = tmp_path / "include/mlmd/mlmd_kernels.h"
    header.write_text(re.sub(r"(define MLMD_ABI_VERSION) \d+", r"\1 77", header.read_text()))
    program = tmp_path / "program"
    source = EXAMPLES / "c" / "wave_packet.c"
    run("cc", "-std=c11", f"-I{tmp_path}/include", source, "-o", program, *embed.libs().split(), "-lm", cwd=tmp_path)
    answer = subprocess.run([program], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr.startswith("MLMD_UNSUPPORTED: the program was compiled with the header of ABI 77")
    assert "compile the program with the header that came with the library" in answer.stderr


def test_the_headers_are_c_and_cpp(tmp_path: Path) -> None:
    needs("cc", "c++")
    for compiler, name, standard in (("cc", "a.c", "c99"), ("c++", "a.cpp", "c++11")):
        (tmp_path / name).write_text('#include "mlmd/mlmd_plans.h"\nint main(void) { return mlmd_check_abi(); }\n')
        flags = [f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *embed.cflags().split()]
        run(compiler, *flags, name, "-o", "a.out", *embed.libs().split(), cwd=tmp_path)
        run(tmp_path / "a.out", cwd=tmp_path)


def test_every_call_of_fortran(tmp_path: Path) -> None:
    needs("gfortran")
    program = Path(__file__).with_name("every_call.f90")
    flags = ["-std=f2018", "-Wall", "-Wextra", "-Werror", "-fcheck=bounds,pointer"]
    run("gfortran", *flags, embed.fortran(), program, "-o", "every_call", *embed.libs().split(), cwd=tmp_path)
    assert run(tmp_path / "every_call", cwd=tmp_path).strip() == "passed"


def test_fortran_errors(tmp_path: Path) -> None:
    """Without status an error stops the program with its words; with it the program goes on."""
    needs("gfortran")
    (tmp_path / "errors.f90").write_text(
        """
program errors
  use, intrinsic :: iso_c_binding
  use mlmd_kernels
  type(mlmd_domain) :: on
  type(mlmd_plan) :: plan
  complex(c_double) :: psi(2, 4, 6, 8)
  integer :: status
  on = mlmd_domain(mlmd_box([8, 6, 4], [0.5d0, 0.5d0, 0.5d0]), 2, mlmd_complex128)
  call mlmd_plan_nlp_prop(on, 2, plan, mode=mlmd_bf16x1, status=status)
  print '(3a)', mlmd_status_name(status), ": ", mlmd_last_error()
  call mlmd_plan_kin_prop(on, 0.1d0, plan)
  psi = 1
  call mlmd_execute_kin_prop(plan, psi(:, :, :, 1:5), status=status)
  print '(a)', mlmd_status_name(status)
  call mlmd_execute_kin_prop(plan, psi, steps=3)
  print '(es8.1)', maxval(abs(psi - 1))
  call mlmd_destroy(plan)
  call mlmd_execute_kin_prop(plan, psi)
end program
"""
    )
    run("gfortran", embed.fortran(), "errors.f90", "-o", "errors", *embed.libs().split(), cwd=tmp_path)
    answer = subprocess.run([tmp_path / "errors"], capture_output=True, text=True, check=False)
    said = answer.stdout.splitlines()
    assert said[:2] == ["MLMD_BAD_ARGUMENT: the mode would lower complex128 wave functions", "MLMD_BAD_ARGUMENT"]
    assert float(said[2]) < 1e-14
    assert answer.returncode == 1
    assert answer.stderr.startswith("mlmd: MLMD_BAD_ARGUMENT: the plan is null, or not one of kin_prop")


@pytest.mark.parametrize("script", ["ase_numpy.py", "torch_tensors.py"])
def test_python_scripts(script: str, tmp_path: Path) -> None:
    if script.startswith("torch"):
        pytest.importorskip("torch", reason="torch is not installed")
    assert run(sys.executable, EXAMPLES / script, cwd=tmp_path)


def test_the_command_tells_where_things_are(tmp_path: Path) -> None:
    said = run(sys.executable, "-m", "mlmd.embed", "--pkgconfig", "--cmake", cwd=tmp_path).split()
    assert said == [str(embed.pkgconfig()), str(embed.cmake())]
    everything = run(sys.executable, "-m", "mlmd.embed", cwd=tmp_path)
    for name, find in embed.PARTS.items():
        assert re.search(rf"^{name} +{re.escape(str(find()))}$", everything, re.M)
