"""What the tests of sweeps share: small inputs, and backends that are planted into the processes of a sweep."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mlmd.backends
from mlmd.cli import app

INPUT = """
title = "A small sweep"
[sweep]
backends = {backends}
rounds = 5
threads = 1
[[sizes]]
shape = [6, 6, 6]
norb = 4
[[sizes]]
shape = [8, 6, 8]
norb = 4
[kernels]
{kernels}
[limits]
prepare = {prepare}
call = {call}
"""


def write_sweep(
    folder: Path,
    backends: list[str],
    kernels: str = 'density = ["fp32"]',
    prepare: float = 60.0,
    call: float = 5.0,
) -> Path:
    """An input of two sizes."""
    path = folder / "sweep.toml"
    names = "[" + ", ".join(f'"{name}"' for name in backends) + "]"
    path.write_text(INPUT.format(backends=names, kernels=kernels, prepare=prepare, call=call))
    return path


def mlmd_command(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of a command."""
    answer = CliRunner().invoke(app, [str(word) for word in arguments], env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"})
    return answer.exit_code, " ".join(answer.output.split())


def plant(monkeypatch: pytest.MonkeyPatch, folder: Path, raw: str, backends: dict[str, str], start: str = "") -> None:
    """Plant backends, for this process and for those that it starts.

    Parameters
    ----------
    monkeypatch : pytest.MonkeyPatch
        Undoes it.
    folder : Path
        Where to write them.
    raw : str
        Source of a module ``planted`` with their kernels.
    backends : dict
        Name -> source of its file in ``mlmd.backends``.
    start : str
        What each new process does first.
    """
    files = folder / "planted_backends"
    files.mkdir()
    for name, source in backends.items():
        (files / f"{name}.py").write_text(source)
    (folder / "planted.py").write_text(raw)
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.path[:] = {[str(folder), *sys.path]!r}\n"
        f"import mlmd.backends\nmlmd.backends.__path__.append({str(files)!r})\n{start}"
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(mlmd.backends, "__path__", [*mlmd.backends.__path__, str(files)])
