"""The two builds: folders that hold an importable package, or revisions that are built aside.

A revision is unpacked and built in a folder of the cache, named by the commit and by what goes into a build besides:
the interpreter, the compiler, its flags, pybind11.  It is renamed to that name when it is done, so that what is there
is whole; the second comparison with the same revision finds it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ...backends import MlmdError
from ...backends.spirv import cache_folder

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
FLAGS = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "ARCHFLAGS")


@dataclass(frozen=True)
class Build:
    """One side of a comparison.

    Attributes
    ----------
    name : str
        What the user called it.
    folder : Path
        Holds the package ``mlmd`` with its C++ extension.
    commit : str
        The revision that it was built from; empty for a folder.
    identity : str
        Hash of its kernels, Python files and extension: builds of the same identity run at the same speed.
    """

    name: str
    folder: Path
    commit: str
    identity: str


def find_build(text: str, role: str, repo: Path, tell: Callable[[str], None]) -> Build:
    """The build that a user names.

    Parameters
    ----------
    text : str
        A folder or a revision.
    role : str
        ``"BASE"`` or ``"HEAD"``, for messages.
    repo : Path
        The checkout that revisions are of.
    tell : callable
        Is told what takes long.

    Raises
    ------
    MlmdError
        If there is no such build, or it cannot be made.
    """
    folder = Path(text).expanduser()
    if not folder.is_dir():
        commit = _commit(text, role, repo)
        folder = build_revision(commit, repo, tell)
        return Build(text, folder, commit, identity_of(folder))
    folder = folder.resolve()
    if folder.name == "mlmd" and (folder / "__init__.py").exists():
        folder = folder.parent
    if not (folder / "mlmd/__init__.py").exists():
        raise MlmdError(
            f"{role} {text}: there is no package mlmd in this folder; give the folder that holds it "
            "(site-packages, or a checkout), or a git revision"
        )
    if not (folder / f"mlmd/_cpu{SUFFIX}").exists():
        raise MlmdError(
            f"{role} {text}: its C++ extension mlmd/_cpu{SUFFIX} is not there; build it with "
            "'python setup.py build_ext --inplace' in that folder, or install it with pip"
        )
    return Build(text, folder, "", identity_of(folder))


def build_revision(commit: str, repo: Path, tell: Callable[[str], None]) -> Path:
    """The folder in the cache with this commit, built.

    Raises
    ------
    MlmdError
        If it does not build; the log stays in the cache.
    """
    builds = cache_folder() / "builds"
    done = builds / f"{commit[:12]}-{inputs()}"
    if done.exists():
        return done
    tell(f"building {commit[:12]}; the next time it is found in {builds}")
    aside = builds / f".{done.name}.{os.getpid()}"
    try:
        aside.mkdir(parents=True)
        archive = _git(repo, "archive", "--format=tar", commit)
        subprocess.run(["tar", "-x", "-C", str(aside)], input=archive, check=True, capture_output=True)
        _compile(aside, builds / f"{done.name}.log", commit)
        if not done.exists():  # another comparison may have been faster
            aside.rename(done)
    except OSError as error:
        raise MlmdError(f"{builds}: cannot hold a build ({error}); set MLMD_CACHE to a folder of yours") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return done


def inputs() -> str:
    """Hash of what goes into a build besides the sources."""
    compiler = os.environ.get("CXX") or "c++"
    try:
        version = subprocess.run([*compiler.split(), "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        version = ""
    given = [SUFFIX, platform.machine(), version, metadata.version("pybind11") if _has_pybind11() else ""]
    given += [f"{name}={os.environ.get(name, '')}" for name in FLAGS]
    return hashlib.sha256("\n".join(given).encode()).hexdigest()[:12]


def identity_of(folder: Path) -> str:
    """Hash of the Python files of kernels and backends, and of the extension."""
    digest, package = hashlib.sha256(), folder / "mlmd"
    files = [file for part in ("backends", "kernels") for file in (package / part).rglob("*.py")]
    for file in sorted(files) + sorted(package.glob(f"_cpu*{SUFFIX}")):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _compile(folder: Path, log: Path, commit: str) -> None:
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        with log.open("wb") as file:
            answer = subprocess.run(command, cwd=folder, stdout=file, stderr=file, env=environment, check=False)
    except FileNotFoundError as error:
        raise MlmdError(f"{commit[:12]} cannot be built: {error}") from error
    if answer.returncode or not (folder / f"mlmd/_cpu{SUFFIX}").exists():
        last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise MlmdError(
            f"{commit[:12]} does not build ({last[0]}); the log is {log}. "
            "A build needs a C++17 compiler and: pip install --upgrade setuptools pybind11"
        )
    shutil.rmtree(folder / "build", ignore_errors=True)


def _has_pybind11() -> bool:
    return bool(list(metadata.distributions(name="pybind11")))


def _commit(text: str, role: str, repo: Path) -> str:
    try:
        return _git(repo, "rev-parse", "--verify", "--end-of-options", f"{text}^{{commit}}").decode().strip()
    except MlmdError as error:
        raise MlmdError(
            f"{role} {text}: is neither a folder nor a revision of the checkout in {repo} ({error}); "
            "give one of them, and fetch the revision if the clone is shallow (git fetch --unshallow)"
        ) from None


def _git(repo: Path, *arguments: str) -> bytes:
    try:
        answer = subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise MlmdError("git is not installed") from None
    if answer.returncode:
        raise MlmdError(answer.stderr.decode(errors="replace").strip().removeprefix("fatal: ") or "git failed")
    return answer.stdout
