"""The site of the documentation is built without a warning, and holds what its pages promise."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from .pages import ROOT

pytest.importorskip("mkdocs", reason="MkDocs is not installed: pip install 'mlmd[docs]'")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed: pip install 'mlmd[docs]'")
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the documentation is not here")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; a link or an anchor that leads nowhere and a page without a place ends the build."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def text_of(page: Path) -> str:
    return unescape(re.sub(r"<[^>]+>", "", page.read_text()))


def test_the_command_line_is_complete(site: Path) -> None:
    text = text_of(site / "commands.html")
    for words in ("mlmd nn md", "mlmd bench step", "mlmd perf compare", "--resume", "default: of [precision]"):
        assert words in text


def wanted(page: str) -> list[str]:
    """Names that a page of ``docs/api`` asks for."""
    asked = re.findall(r"^::: (\S+)(?:\n    options:\n      members: \[(.*)\])?", (ROOT / page).read_text(), re.M)
    return [f"{name}.{member}" if member else name for name, members in asked for member in members.split(", ")]


@pytest.mark.parametrize("page", sorted(page.name for page in (ROOT / "docs" / "api").glob("*.md")))
def test_interfaces_come_from_their_docstrings(site: Path, page: str) -> None:
    names, html = wanted(f"docs/api/{page}"), (site / "api" / page).with_suffix(".html").read_text()
    assert names
    assert [name for name in names if f'id="{name}"' not in html] == []
    assert "Parameters" in html


def test_formulas_are_shown_without_a_script(site: Path) -> None:
    pages = [page.read_text() for page in site.rglob("*.html")]
    assert sum(page.count("<math") for page in pages) > 100
    assert not any("arithmatex" in page for page in pages)


def test_nothing_comes_from_the_network(site: Path) -> None:
    loaded = r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"'
    assert {found for page in site.rglob("*.html") for found in re.findall(loaded, page.read_text())} == set()
