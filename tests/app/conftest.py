from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_engine import INPUT, FakeEngine
from typer.testing import CliRunner

import mlmd.engine
from mlmd.cli import app

HERE = Path(__file__).parent

Mlmd = Callable[..., Any]


@pytest.fixture
def write_input(tmp_path: Path) -> Callable[..., Path]:
    """Write the input, with pieces of it replaced, and return its path."""

    def write(*replacements: tuple[str, str], name: str = "in.toml") -> Path:
        text = INPUT
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def mlmd_cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mlmd:
    """Call the command line in this process, on the stand-in physics."""
    monkeypatch.setattr(mlmd.engine, "default_engine", FakeEngine)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def start_cli(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command line as a process of its own, on the stand-in physics."""

    def start(*arguments: object, **environment: object) -> subprocess.Popen[str]:
        variables = {**os.environ, **{key: str(value) for key, value in environment.items()}}
        command = [sys.executable, str(HERE / "fake_engine.py"), *map(str, arguments)]
        return subprocess.Popen(
            command, cwd=tmp_path, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    return start
