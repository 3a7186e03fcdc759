"""Several builds of the package in one process, each under its own name ``mlmd``.

What makes equal code run at different speeds in two processes (which pages of memory its arrays got, where its
threads run, where its code lies) is the same for builds that share a process: they work on the same arrays with the
same team of threads.  Python keeps one module for each name, so the modules of a build are put into ``sys.modules``
while it works and taken out again.  The dynamic loader keeps one mapping for each file, so every build is loaded from
a twin of its folder that has a copy of the C++ extension.  And pybind11 keeps one extension for each name, so each
gets tables of its own.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE, EXTENSION = "mlmd", "_cpu.*"


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
    >>> import mlmd, tempfile
    >>> twin = make_twin(Path(mlmd.__file__).parents[1], Path(tempfile.mkdtemp(), "twin"))
    >>> side = Side("again", twin)
    >>> with side.current():
    ...     kernels = side.load().kernels
    >>> shutil.rmtree(twin.parent)
    >>> kernels.__name__, kernels is mlmd.kernels, sys.modules["mlmd"] is mlmd
    ('mlmd.kernels', False, True)
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._modules: dict[str, Any] = {}

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
            If it is found outside the folder, or its extension is at work in this process under another build.
        """
        package, package_folder = importlib.import_module(PACKAGE), self.folder / PACKAGE
        if (home := Path(package.__file__ or "").parent) != package_folder:
            raise ImportError(f"{self.name} was loaded from {home}, not from {package_folder}")
        if f"{PACKAGE}._cpu" not in sys.modules and (files := list(package_folder.glob(EXTENSION))):
            if any(map(is_mapped, files)):
                raise ImportError(f"{self.name}: the extension {files[0]} is loaded already; load a twin of the build")
            with own_pybind11():
                extension = importlib.import_module(f"{PACKAGE}._cpu")
            if Path(extension.__file__ or "").parent != package_folder:
                raise ImportError(f"{self.name} got the extension {extension.__file__}, which is not its own")
        return package


@contextmanager
def own_pybind11() -> Iterator[None]:
    """Let an extension that is loaded in the block share nothing with others that pybind11 made.

    For all extensions of a process pybind11 keeps one table of modules by name and one of C++ types, in a dict of the
    interpreter.
    """
    state = _interpreter_state()
    others = _pop(state, lambda key: "pybind11" in key)
    try:
        yield
    finally:
        own = ctypes.py_object(_pop(state, lambda key: "pybind11" in key))
        ctypes.pythonapi.Py_IncRef(own)  # it lives as long as the process: the extension keeps pointers into it
        state.update(others)


def is_mapped(file: Path) -> bool:
    """Whether a shared library is in this process.

    Loaded a second time, an extension would forget the types of its first: variables of the file point to them.

    Examples
    --------
    >>> import _ctypes
    >>> is_mapped(Path(_ctypes.__file__)), is_mapped(Path("no_such_library.so"))
    (True, False)
    """
    try:
        ctypes.CDLL(str(file.resolve()), mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return False
    return True


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


def _taken() -> dict[str, Any]:
    """The modules of the package that are in place, taken out."""
    return _pop(sys.modules, lambda name: name == PACKAGE or name.startswith(PACKAGE + "."))


def _pop(mapping: dict[str, Any], wanted: Callable[[str], bool]) -> dict[str, Any]:
    return {key: mapping.pop(key) for key in list(mapping) if wanted(str(key))}


def _interpreter_state() -> dict[str, Any]:
    """The dict in which extensions keep what belongs to the interpreter; Python has a function for it in C only."""
    interpreter, state = ctypes.pythonapi.PyInterpreterState_Get, ctypes.pythonapi.PyInterpreterState_GetDict
    interpreter.restype, state.restype, state.argtypes = ctypes.c_void_p, ctypes.c_void_p, [ctypes.c_void_p]
    return dict_of(state(interpreter()))


def dict_of(address: int) -> dict[str, Any]:
    """The dict at an address.

    Examples
    --------
    >>> a = {"key": 1}
    >>> dict_of(id(a)) is a
    True
    """
    return ctypes.cast(address, ctypes.py_object).value
