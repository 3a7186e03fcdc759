"""Several builds of the package in one process, each under its own name ``mlmd``.

What makes equal code run at different speeds in two processes (which pages of memory its arrays got, where its
threads run, where its code lies) is the same for builds that share a process: they work on the same arrays with the
same team of threads.  Python keeps one module for each name, so the modules of a build are put into ``sys.modules``
while it works and taken out again.  The dynamic loader keeps one mapping for each file, so every build is loaded from
a twin of its folder that has a copy of the C++ extension.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

PACKAGE = "mlmd"
EXTENSION = "_cpu*"


class Side:
    """One build, loaded beside others.

    Parameters
    ----------
    name : str
        How it is called in messages.
    folder : Path
        The folder that holds its package ``mlmd``.

    Examples
    --------
    >>> import mlmd
    >>> side = Side("again", Path(mlmd.__file__).parents[1])
    >>> with side.current():
    ...     kernels = side.load().kernels
    >>> kernels.__name__, kernels is mlmd.kernels, sys.modules["mlmd"] is mlmd
    ('mlmd.kernels', False, True)
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._modules: dict[str, ModuleType] = {}

    @contextmanager
    def current(self) -> Iterator[None]:
        """Let ``mlmd`` mean this build as long as the block lasts; imports made in it are kept for the next time."""
        others, path = _taken(), list(sys.path)
        sys.modules.update(self._modules)
        sys.path.insert(0, str(self.folder))
        try:
            yield
        finally:
            self._modules = _taken()
            sys.modules.update(others)
            sys.path[:] = path

    def load(self) -> ModuleType:
        """The package ``mlmd`` of this build; to be called, and its parts to be used, while it is current.

        Raises
        ------
        ImportError
            If it is found outside the folder.
        """
        package = importlib.import_module(PACKAGE)
        home = Path(package.__file__ or "").parent
        if home != self.folder / PACKAGE:
            raise ImportError(f"{self.name} was loaded from {home}, not from {self.folder / PACKAGE}")
        return package


def make_twin(folder: Path, twin: Path) -> Path:
    """A folder with the same package, whose C++ extension is a copy and the rest links.

    Parameters
    ----------
    folder : Path
        Holds the package ``mlmd``.
    twin : Path
        The folder to make.

    Returns
    -------
    Path
        ``twin``.
    """
    package = twin / PACKAGE
    package.mkdir(parents=True)
    copies = set((folder / PACKAGE).glob(EXTENSION))
    for entry in (folder / PACKAGE).iterdir():
        if entry in copies:
            shutil.copy2(entry, package / entry.name)
        elif entry.name != "__pycache__":
            (package / entry.name).symlink_to(entry.resolve())
    return twin


def _taken() -> dict[str, ModuleType]:
    """The modules of the package that are in place, taken out."""
    names = [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]
    return {name: sys.modules.pop(name) for name in names}
