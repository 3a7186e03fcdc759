"""Backends by name, and what is said when one is not there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlmd.backends import Backend, get, names
from mlmd.errors import BackendUnavailable


def test_the_known_backends() -> None:
    assert {"cpu", "numba", "reference"} <= set(names())
    assert all(get(name).name == name for name in names())


@pytest.mark.parametrize("name", ["rocm", "base", "registry", "", "../cpu", "Reference"])
def test_an_unknown_backend_says_what_to_install(name: str) -> None:
    with pytest.raises(BackendUnavailable, match=r"is not there; known: .*reference.*pip install"):
        get(name)


def test_a_backend_that_does_not_work_says_why() -> None:
    broken = Backend(
        "broken", "", "nowhere", "nothing", ("a_module_that_is_not_there",), "install it with: pip install it"
    )
    status = broken.status()
    assert not status.works
    assert "a_module_that_is_not_there" in status.reason
    with pytest.raises(BackendUnavailable, match="pip install it"):
        broken.load("density")


def test_a_missing_kernel_is_named(backend: str) -> None:
    with pytest.raises(BackendUnavailable, match=f"'{backend}' has no kernel 'time_travel'"):
        get(backend).load("time_travel")


def test_backends_are_loaded_lazily() -> None:
    """Importing the kernels, and asking for the names, loads neither Numba nor the C++ module."""
    code = (
        "import sys, mlmd.kernels, mlmd.backends as b; b.names(); "
        "print([m for m in sys.modules if m in ('numba', 'mlmd._cpu')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("folder", ["backends", "kernels", "tuning", "perf"])
def test_the_folders_are_not_importable_by_themselves(folder: str, request: pytest.FixtureRequest) -> None:
    command = [sys.executable, "-c", f"import {folder}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=request.config.rootpath)
    assert answer.returncode == 1
    assert f"import mlmd.{folder}, not {folder}" in answer.stderr
