"""Build script: the package map and the C++ extension ``mlmd._cpu``.

The sources in ``csrc/cpu`` are compiled once per instruction set (the caller picks at run time);
everything else about the package is in ``pyproject.toml``.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pybind11
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
TOP_FOLDERS = ("backends", "kernels", "tuning", "perf")
WARNINGS = ["-Wall", "-Wextra", "-Wno-psabi"]
COMMON_FLAGS = ["-std=c++17", "-O3", "-fvisibility=hidden", "-ffp-contract=fast", "-fno-math-errno", "-g0"]
# The baseline comes first: the linker keeps the first copy of an inline function, and only that one runs everywhere.
X86_VARIANTS = {
    "v2": ["-march=x86-64-v2"],
    "v3": ["-march=x86-64-v3", "-mtune=haswell"],
    "v4": ["-march=x86-64-v4", "-mtune=skylake-avx512", "-mprefer-vector-width=512"],
}


def relative(pattern: str) -> list[str]:
    """Source files that match the pattern, relative to the root, in a fixed order."""
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))


def variants() -> dict[str, list[str]]:
    """Instruction-set variants for the machine built for: name -> compiler flags."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        return X86_VARIANTS
    return {"generic": []}


def compiles(compiler: list[str], flags: list[str]) -> bool:
    """Whether the C++ compiler builds and links an OpenMP program with these flags."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.cpp")
        source.write_text("#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }\n")
        command = [*compiler, str(source), *flags, "-o", str(Path(folder, "probe"))]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def build_ids(compiler: list[str], flags: list[str]) -> str:
    """For each kernel a hash of what its machine code comes from: sources, compiler, flags."""
    version = subprocess.run([*compiler, "--version"], capture_output=True, check=False).stdout
    kernels = {path.stem for path in ROOT.glob("csrc/bindings/*.cpp") if Path(ROOT, "csrc/cpu", path.name).exists()}
    sources = [*relative("csrc/**/*.h"), *relative("csrc/cpu/*.cpp")]
    shared = [path for path in sources if Path(path).stem not in kernels]
    ids = ""
    for name in sorted(kernels):
        made = hashlib.sha256(repr((version, flags, variants())).encode())
        for path in [*shared, f"csrc/cpu/{name}.cpp"]:
            made.update(path.encode() + Path(ROOT, path).read_bytes())
        ids += f"{name}={made.hexdigest()[:16]} "
    return ids


class BuildVariants(build_ext):
    """Compile ``csrc/cpu`` for every instruction set in parallel, then link all of it into one module."""

    def build_extension(self, ext: Extension) -> None:
        compiler = list(getattr(self.compiler, "compiler_cxx", None) or self.compiler.compiler_so)
        openmp = next((f for f in (["-fopenmp"], ["-Xpreprocessor", "-fopenmp", "-lomp"]) if compiles(compiler, f)), [])
        if not openmp:
            print("mlmd: this compiler has no OpenMP; the cpu backend will use one thread", file=sys.stderr)
        compile_openmp = [flag for flag in openmp if flag != "-lomp"]
        ext.extra_compile_args = [*COMMON_FLAGS, *WARNINGS, *compile_openmp]
        ext.extra_link_args = [flag for flag in openmp if flag != "-Xpreprocessor"]
        ext.extra_objects = self.compile_variants(ext)
        super().build_extension(ext)

    def compile_variants(self, ext: Extension) -> list[str]:
        names = list(variants())
        have = [f"-DMLMD_HAVE_{name}" for name in names]
        ids = build_ids(list(self.compiler.compiler_so), ext.extra_compile_args)
        jobs = []
        for name, flags in variants().items():
            entry = ["-DMLMD_ENTRY"] if name == names[0] else []
            flags = [*ext.extra_compile_args, *flags, f"-DMLMD_ISA={name}", *have, *entry]
            for source in relative("csrc/cpu/*.cpp"):
                own = [f'-DMLMD_BUILD_IDS="{ids}"'] if source == "csrc/cpu/common.cpp" else []
                jobs.append((source, str(Path(self.build_temp, name)), [*flags, *own]))

        def run(job: tuple[str, str, list[str]]) -> list[str]:
            source, folder, flags = job
            return self.compiler.compile(
                [source], output_dir=folder, include_dirs=ext.include_dirs, extra_postargs=flags, depends=ext.depends
            )

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return [path for objects in pool.map(run, jobs) for path in objects]


def package_map() -> tuple[list[str], dict[str, str]]:
    """Packages and where they lie: the top folders are installed inside ``mlmd``."""
    inside = tuple(f"mlmd.{folder}" for folder in TOP_FOLDERS)
    packages = [name for name in find_packages(include=["mlmd", "mlmd.*"]) if not name.startswith(inside)]
    where = {"mlmd": "mlmd"}
    for folder in TOP_FOLDERS:
        packages += [f"mlmd.{folder}", *(f"mlmd.{folder}.{name}" for name in find_packages(folder))]
        where[f"mlmd.{folder}"] = folder
    # The sources of the device kernels, which are compiled at run time.
    return [*packages, "mlmd.csrc"], where | {"mlmd.csrc": "csrc"}


packages, where = package_map()
setup(
    packages=packages,
    package_dir=where,
    package_data={
        "mlmd": ["py.typed"],
        "mlmd.dcmesh.qxmd": ["*.dat"],
        "mlmd.backends": ["spirv_files/*"],
        "mlmd.perf": ["report/*.css", "report/*.js"],
        "mlmd.csrc": ["include/mlmd/*.h", "cuda/*.cu", "cuda/*.h", "cuda/rtc/*", "sycl/*"],
    },
    include_package_data=False,
    ext_modules=[
        Extension(
            "mlmd._cpu",
            relative("csrc/bindings/*.cpp"),
            include_dirs=["csrc/include", pybind11.get_include()],
            depends=[*relative("csrc/**/*.h"), *relative("csrc/cpu/*.cpp")],
            language="c++",
        )
    ],
    cmdclass={"build_ext": BuildVariants},
)
