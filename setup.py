"""Build script: the package map, the C++ extension ``mlmd._cpu`` and the library ``libmlmd_kernels``.

The sources in ``csrc/cpu`` are compiled once per instruction set (the caller picks at run time) and linked into both;
everything else about the package is in ``pyproject.toml``.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
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


# What programs in other languages need: where it is here, and where in the package.
EMBEDDED = {
    "csrc/include/mlmd/mlmd_kernels.h": "include/mlmd/mlmd_kernels.h",
    "csrc/include/mlmd/mlmd_plans.h": "include/mlmd/mlmd_plans.h",
    "csrc/embed/mlmd_kernels.pc": "lib/pkgconfig/mlmd_kernels.pc",
    "csrc/embed/mlmd_kernels-config.cmake": "lib/cmake/mlmd_kernels/mlmd_kernels-config.cmake",
    "csrc/embed/mlmd_kernels-config-version.cmake": "lib/cmake/mlmd_kernels/mlmd_kernels-config-version.cmake",
    "csrc/fortran/mlmd_kernels.f90": "share/mlmd/mlmd_kernels.f90",
}


def abi_version() -> str:
    """That of the library's interface, which its header tells."""
    header = Path(ROOT, "csrc/include/mlmd/mlmd_kernels.h").read_text()
    return re.search(r"define MLMD_ABI_VERSION (\d+)", header)[1]


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
    own = {name: f"csrc/cpu/{name}.cpp" for name in sorted(kernels)}
    apart = {*own.values(), "csrc/include/mlmd/mlmd_plans.h"}
    shared = [path for path in relative("csrc/cpu/*.*") + relative("csrc/include/mlmd/*.h") if path not in apart]
    ids = ""
    for name, source in own.items():
        made = hashlib.sha256(repr((version, flags, variants())).encode())
        for path in [*shared, source]:
            made.update(path.encode() + Path(ROOT, path).read_bytes())
        ids += f"{name}={made.hexdigest()[:16]} "
    return ids


class BuildVariants(build_ext):
    """Compile ``csrc/cpu`` for every instruction set in parallel, then link the module and the library."""

    EMBEDDING = ("include", "lib", "share")  # folders of the package for programs in other languages

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
        self.build_library(ext)

    def build_library(self, ext: Extension) -> None:
        """The library with its headers and what tells other build systems of them, inside the package."""
        package = Path(self.build_lib, "mlmd")
        for folder in self.EMBEDDING:
            shutil.rmtree(package / folder, ignore_errors=True)
        values = {"ABI": abi_version(), "VERSION": self.distribution.get_version()}
        for source, target in EMBEDDED.items():
            made = package / target
            made.parent.mkdir(parents=True, exist_ok=True)
            text = Path(ROOT, source).read_text()
            made.write_text(re.sub(r"@(ABI|VERSION)@", lambda name: values[name[1]], text))
        name = f"libmlmd_kernels.so.{values['ABI']}"
        options = [f"-Wl,-soname,{name}", f"-Wl,--version-script={ROOT / 'csrc/embed/mlmd_kernels.map'}"]
        self.compiler.link_shared_object(
            [*ext.extra_objects, *self.compile_plans(ext)],
            str(package / "lib" / name),
            extra_postargs=[*ext.extra_link_args, *(options if sys.platform == "linux" else [])],
            target_lang="c++",
        )
        # For the linker of programs; wheels hold no links.
        shutil.copy(package / "lib" / name, package / "lib" / "libmlmd_kernels.so")

    def copy_extensions_to_source(self) -> None:
        """For a build in place, and an editable installation."""
        super().copy_extensions_to_source()
        for folder in self.EMBEDDING:
            shutil.rmtree(ROOT / "mlmd" / folder, ignore_errors=True)
            shutil.copytree(Path(self.build_lib, "mlmd", folder), ROOT / "mlmd" / folder)

    def get_outputs(self) -> list[str]:
        """What is installed, for the record of the installation."""
        made = (path for folder in self.EMBEDDING for path in Path(self.build_lib, "mlmd", folder).rglob("*"))
        return [*super().get_outputs(), *(str(path) for path in made if path.is_file())]

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

        return self.compile_all(ext, jobs)

    def compile_plans(self, ext: Extension) -> list[str]:
        name, baseline = next(iter(variants().items()))
        flags = [*ext.extra_compile_args, *baseline, f"-DMLMD_ISA={name}"]
        return self.compile_all(ext, [(source, self.build_temp, flags) for source in relative("csrc/plans/*.cpp")])

    def compile_all(self, ext: Extension, jobs: list[tuple[str, str, list[str]]]) -> list[str]:
        """Object files of (source, folder for them, flags)."""

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
        "mlmd.nnqmd": ["models/*.safetensors"],
        "mlmd.perf": ["report/*.css", "report/*.js"],
        "mlmd.csrc": ["include/mlmd/*.h", "cuda/*.cu", "cuda/*.h", "cuda/rtc/*", "sycl/*"],
    },
    include_package_data=False,
    ext_modules=[
        Extension(
            "mlmd._cpu",
            relative("csrc/bindings/*.cpp"),
            include_dirs=["csrc/include", pybind11.get_include()],
            depends=[*relative("csrc/**/*.h"), *relative("csrc/cpu/*.cpp"), *relative("csrc/plans/*.cpp")],
            language="c++",
        )
    ],
    cmdclass={"build_ext": BuildVariants},
)
