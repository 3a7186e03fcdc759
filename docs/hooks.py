"""What the site has beyond the pages of this folder: the command line, ARCHITECTURE and CHANGELOG, formulas.

MkDocs calls these functions by their names while it builds.
"""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Files, config: Any) -> Files:
    """Add pages that are made from elsewhere."""
    pages = {
        "commands.md": commands(),
        "architecture.md": (ROOT / "ARCHITECTURE.md").read_text(),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def commands() -> str:
    """All commands and options, as the program itself describes them."""
    describe = [sys.executable, "-m", "typer", "mlmd.cli", "utils", "docs", "--name", "mlmd", "--title", "Command line"]
    return subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leave links to files of the repository that are no pages as plain text."""
    up = "../" * (page.file.src_uri.count("/") + 1)
    return re.sub(rf"\[([^\]]+)\]\({re.escape(up)}[^)]+\)", r"\1", markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Turn formulas into MathML, which browsers show without a script."""
    inline = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.S)
    block = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.S)
    html = inline.sub(lambda match: convert(unescape(match[1])), html)
    return block.sub(lambda match: convert(unescape(match[1]), display="block"), html)
