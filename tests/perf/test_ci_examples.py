"""The CI jobs of examples/ci: sound YAML, and every command in them is one that exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mlmd.cli import app

ROOT = Path(__file__).resolve().parents[2]
JOBS = sorted((ROOT / "examples/ci").glob("*.yml"))
KNOWN = {"mlmd", "python", "cat", "gh"}


def commands(file: Path) -> list[list[str]]:
    """The shell lines of a job."""
    found: list[str] = []
    lines = file.read_text().splitlines()
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if match := re.match(r"\s*run: (?!\|)(.+)", line):
            found.append(match[1])
        elif re.match(r"\s*run: \|", line):
            for below in lines[number + 1 :]:
                if below.strip() and len(below) - len(below.lstrip()) <= indent:
                    break
                found.append(below.strip())
        elif line.strip() == "script:":
            for below in lines[number + 1 :]:
                if not below.strip().startswith("- "):
                    break
                found.append(below.strip()[2:])
    return [shlex.split(line.removesuffix("||")) for line in found if line]


def test_there_are_two() -> None:
    assert [file.name for file in JOBS] == ["github-perf.yml", "gitlab-perf.yml"]


@pytest.mark.parametrize("file", JOBS, ids=lambda file: file.stem)
def test_the_yaml_is_sound(file: Path) -> None:
    text = file.read_text()
    assert "\t" not in text
    for line in text.splitlines():
        assert (len(line) - len(line.lstrip())) % 2 == 0, line
        assert line == line.rstrip()
    yaml: Any = pytest.importorskip("yaml", reason="PyYAML is not installed: only the layout was checked")
    assert isinstance(yaml.safe_load(text), dict)


@pytest.mark.parametrize("file", JOBS, ids=lambda file: file.stem)
def test_every_command_exists(file: Path) -> None:
    lines = commands(file)
    assert {line[0] for line in lines} <= KNOWN
    (compare,) = (line for line in lines if line[0] == "mlmd")
    answer = CliRunner().invoke(app, [*compare[1:3], "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert answer.exit_code == 0, answer.output
    options = [word for word in compare if word.startswith("--")]
    assert options
    assert all(option in answer.output for option in options)
    installs = [line for line in lines if line[0] == "python"]
    assert installs
    assert all(line[1:4] == ["-m", "pip", "install"] for line in installs)


@pytest.mark.parametrize("file", JOBS, ids=lambda file: file.stem)
def test_the_command_is_read_as_it_stands(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All options are understood: what fails is the revision, which is a variable of the CI."""
    monkeypatch.chdir(tmp_path)
    (compare,) = (line for line in commands(file) if line[0] == "mlmd")
    answer = CliRunner().invoke(app, compare[1:])
    assert answer.exit_code == 2
    assert f"BASE {compare[3]}: is neither a folder nor a revision" in " ".join(answer.output.split())
