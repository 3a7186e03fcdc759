"""Running the commands of a page, from top to bottom in a folder of its own, as a reader would."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

from mlmd.backends import get, names

from .pages import ROOT, Block

PROGRAMS = ("mpirun", "pkg-config", "gfortran", "cmake", "i-pi")
NEEDS: dict[str, Callable[[], bool]] = {
    **{program: lambda program=program: shutil.which(program, path=search_path()) is not None for program in PROGRAMS},
    "nn": lambda: all(importlib.util.find_spec(module) for module in ("torch", "nequip", "allegro")),
    "download.pytorch.org": lambda: answers("https://download.pytorch.org/whl/cpu/torch/"),
    "reference": lambda: (ROOT.parent / "shared" / "reference").is_dir(),
    "pip": lambda: importlib.util.find_spec("pip") is not None and any(importlib.metadata.distributions(name="mlmd")),
    **{name: lambda name=name: get(name).status().works for name in names()},
}
LIMIT = 600  # seconds of a block in the quick tests
LONG = 3600  # seconds of a slow one


def answers(address: str) -> bool:
    """Whether a page can be had from here."""
    try:
        with urllib.request.urlopen(address, timeout=10) as page:
            return bool(page.status == 200)
    except OSError:
        return False


def search_path() -> str:
    """Where programs are looked for: beside this Python first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def missing(block: Block) -> list[str]:
    """What a block needs and is not here."""
    return [name for name in block.needs if not NEEDS[name]()]


class Tour:
    """A folder with the examples, in which commands are run one after the other.

    Parameters
    ----------
    folder : Path
        Empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.home = folder / "home"
        self.programs = folder / "bin"
        for path in (self.folder, self.home, self.programs):
            path.mkdir()
        shutil.copytree(ROOT / "examples", self.folder / "examples")
        program = self.programs / "mlmd"
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from mlmd.cli import main; main()' \"$@\"\n")
        program.chmod(0o755)

    def environment(self) -> dict[str, str]:
        """A user without tunings, whose ``mlmd`` is that of this repository."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLMD_", "XDG_"))}
        path = os.pathsep.join([str(self.programs), search_path()])
        return {**kept, "HOME": str(self.home), "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def prepare(self, block: Block) -> None:
        """Put the files into the folder that a block needs."""
        for name, source in block.given:
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / source, place)

    def write(self, block: Block) -> None:
        """Write a block that is a file."""
        (self.folder / block.file).write_text(block.run_text)

    def run(self, block: Block) -> None:
        """Run the commands of a block; each line is echoed, so that the report shows which one failed."""
        self.prepare(block)
        if block.clone:
            folder, environment = self.clone(), self.clone_environment()
        else:
            folder, environment = ROOT if block.sources else self.folder, self.environment()
        self.bash(block.run_text, folder, environment, block.place, LONG if block.slow else LIMIT)

    def clone(self) -> Path:
        """A clone of the repository, with a virtual environment beside it."""
        folder = self.folder.parent / "clone"
        if not folder.exists():
            git = f"git clone -q {ROOT} {folder}; git -C {folder} checkout -q -B main"
            self.bash(
                f"{git}; {sys.executable} -m venv {folder}_venv", self.folder, self.environment(), "a clone", LONG
            )
        return folder

    def clone_environment(self) -> dict[str, str]:
        """A user with a fresh virtual environment and nothing of this repository."""
        environment = self.environment()
        del environment["PYTHONPATH"], environment["OMP_NUM_THREADS"]
        path = os.environ.get("PATH", os.defpath).split(os.pathsep)
        rest = [place for place in path if Path(place) != Path(sys.executable).parent]
        return {**environment, "PATH": os.pathsep.join([f"{self.folder.parent}/clone_venv/bin", *rest])}

    def bash(self, text: str, folder: Path, environment: dict[str, str], place: str, limit: float) -> None:
        """Run lines in bash, which ends at the first that fails."""
        script = ["bash", "-euxo", "pipefail", "-c", text]
        done = subprocess.run(
            script, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit, check=False
        )
        assert done.returncode == 0, f"{place} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
