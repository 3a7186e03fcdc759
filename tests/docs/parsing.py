"""Commands within text: whether the programs that they name have the options that they give."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any

import typer
from packaging.requirements import InvalidRequirement, Requirement

from mlmd.cli import app
from mlmd.io.input import tomllib

from .pages import ROOT

STARTS = r"(?:\w+=\S+ +)*(?:mpirun -n \w+ (?:--\S+ \S+ )*)?(?:mlmd|python3?|pip|make|pytest)(?= [^(]|$)"


def simple_commands(text: str) -> Iterator[list[str]]:
    """Words of each command in some lines of a shell, those within ``$(...)`` too."""
    text = text.replace("\\\n", " ")
    for inner in re.findall(r"\$\(([^()]*)\)", text):
        yield from simple_commands(inner)
    text = re.sub(r"\$\([^()]*\)", "inner", text)
    for line in text.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
        words.whitespace_split = True
        for between, command in groupby(words, lambda word: set(word) <= set("&|;")):
            if not between:
                yield program(list(command))


def program(words: list[str]) -> list[str]:
    """A command without what stands before the program: variables, mpirun."""
    while words and re.match(r"\w+=", words[0]):
        words = words[1:]
    if words and words[0] in ("mpirun", "mpiexec"):
        start = next(i for i, word in enumerate(words) if word in ("mlmd", "python"))
        words = words[start:]
    return words


def fault(words: list[str], whole: bool) -> str:
    """What is wrong with a command, or an empty text.

    Parameters
    ----------
    words : list of str
        Program and arguments.
    whole : bool
        Whether it is all that one has to type: arguments that are missing or out of range are faults, too.

    Returns
    -------
    str
    """
    checks = {"mlmd": mlmd_fault, "pip": pip_fault, "make": make_fault, "pytest": pytest_fault}
    if not words:
        return ""
    if words[0] in ("python", "python3") and words[1:2] == ["-m"]:
        return pytest_fault(words[2:], whole) if words[2] == "pytest" else module_fault(words[2:])
    check = checks.get(words[0])
    return check(words, whole) if check else ""


def mlmd_fault(words: list[str], whole: bool) -> str:
    """A command of ``mlmd`` that there is not, or an option that it has not."""
    command: Any = typer.main.get_command(app)
    name, rest = "mlmd", words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0].isupper() and not whole:
            return ""
        if rest[0] not in command.commands:
            return f"there is no command '{name} {rest[0]}'"
        name, command, rest = f"{name} {rest[0]}", command.commands[rest[0]], rest[1:]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]
    if unknown:
        return f"'{name}' has no option {unknown[0]}"
    if whole and not hasattr(command, "commands"):
        try:
            command.make_context(name, list(rest))
        except Exception as error:  # of typer or of click, whichever this typer stands on
            return f"'{name}': {error}"
    return ""


@cache
def help_of(module: str) -> str:
    """What ``python -m MODULE --help`` prints."""
    answer = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return answer.stdout


def module_fault(words: list[str]) -> str:
    """A module that there is not, or an option that its help does not name."""
    module, options = words[0], [word for word in words[1:] if word.startswith("--")]
    if importlib.util.find_spec(module) is None:
        return f"there is no module {module}"
    unknown = [option for option in options if option not in help_of(module)]
    return f"'python -m {module}' has no option {unknown[0]}" if unknown else ""


def pip_fault(words: list[str], whole: bool) -> str:
    """A requirement that is none, or an extra that this package has not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [word for word in words[2:] if not word.startswith("-") and not word.startswith("http")]
    for word in wanted:
        try:
            requirement = Requirement(re.sub(r"^\.", "mlmd", word))
        except InvalidRequirement:
            return f"'{word}' is nothing that pip installs"
        extras = requirement.extras - set(project["optional-dependencies"])
        if requirement.name == "mlmd" and extras:
            return f"mlmd has no extra {extras.pop()}"
    return ""


def make_fault(words: list[str], whole: bool) -> str:
    """A target that the Makefile of the repository has not."""
    targets = [word for word in words[1:] if "=" not in word]
    rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    unknown = [target for target in targets if target not in rules]
    return f"there is no target {unknown[0]} in the Makefile" if unknown else ""


def pytest_fault(words: list[str], whole: bool) -> str:
    """A file of tests that there is not, or ``-m slow`` where nothing is slow."""
    paths = [ROOT / word.partition("::")[0] for word in words[1:] if word.startswith("tests")]
    lost = [path for path in paths if not path.exists()]
    if lost:
        return f"there is no {lost[0].relative_to(ROOT)}"
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("test_*.py"))]
    if files and "slow" in words and not any("slow" in file.read_text() for file in files):
        return f"nothing in {words[-1]} is slow"
    return ""
