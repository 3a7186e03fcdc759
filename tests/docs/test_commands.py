"""Every command that the documentation prints is run, or at least exists with the options that it is given.

`pages` says by what comments a page asks for a command to be run otherwise than as it stands.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from mlmd.cli import app

from .pages import PAGES, ROOT, Block, MarkError, blocks, prose, spans
from .parsing import STARTS, fault, simple_commands
from .tour import NEEDS, Tour, missing

NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES if page.is_file()]
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the documentation is not here")


def of(page: str) -> list[Block]:
    return blocks((ROOT / page).read_text(), page)


def runnable(block: Block) -> bool:
    return block.commands and not block.elsewhere


QUICK = [name for name in NAMES if any(runnable(block) and not block.slow for block in of(name))]
SLOW = [name for name in NAMES if any(runnable(block) and block.slow for block in of(name))]


def walk(page: str, folder: Path, slow: bool) -> None:
    """Run the blocks of a page from top to bottom; skip those that need what is not here."""
    tour, skipped = Tour(folder), []
    for block in of(page):
        if block.file:
            tour.write(block)
        elif not runnable(block) or (block.slow and not slow):
            continue
        elif lacking := missing(block):
            skipped.append(f"{block.place} needs {', '.join(lacking)}")
        else:
            tour.run(block)
    if skipped:
        pytest.skip("the rest ran; " + "; ".join(skipped))


@pytest.mark.parametrize("page", QUICK)
def test_commands_run(page: str, tmp_path: Path) -> None:
    walk(page, tmp_path, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW)
def test_all_commands_run(page: str, tmp_path: Path) -> None:
    walk(page, tmp_path, slow=True)


@pytest.mark.parametrize("page", NAMES)
def test_commands_exist_with_their_options(page: str) -> None:
    in_blocks = [(words, True) for block in of(page) if block.commands for words in simple_commands(block.text)]
    in_text = [span for span in spans((ROOT / page).read_text()) if re.match(STARTS, span)]
    in_spans = [(words, False) for span in in_text for words in simple_commands(span)]
    faults = [f"{' '.join(words)}: {wrong}" for words, whole in in_blocks + in_spans if (wrong := fault(words, whole))]
    assert faults == []


@pytest.mark.parametrize("page", NAMES)
def test_commands_stand_in_blocks_that_are_run(page: str) -> None:
    text = (ROOT / page).read_text()
    assert re.findall(rf"^ {{4,}}({STARTS}.*)", prose(text), re.M) == []
    strange = [block.place for block in of(page) if not block.commands and re.search(rf"^{STARTS} ", block.text, re.M)]
    assert [place for place in strange if "python" not in place] == []


@pytest.mark.parametrize("page", NAMES)
def test_needs_are_known(page: str) -> None:
    assert {need for block in of(page) for need in block.needs} <= set(NEEDS)


def test_every_option_is_documented_as_it_is_printed() -> None:
    """No word of a help text is lost as markup of rich."""
    group: Any = typer.main.get_command(app)
    assert group.rich_markup_mode is None
    assert all(command.rich_markup_mode is None for command in group.commands.values())


@pytest.mark.parametrize("mark", ["fast", "needs", "shortened: --steps 7 -> --steps 1", "shortened: mlmd", "elsewhere"])
def test_unknown_marks_are_refused(mark: str) -> None:
    with pytest.raises(MarkError):
        blocks(f"<!-- run: {mark} -->\n```sh\nmlmd devices\n```\n", "page")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("mlmd run a.toml --outt b", "--outt"),
        ("mlmd nn fly", "fly"),
        ("mlmd compare a", "dir_b"),
        ("OMP_NUM_THREADS=2 mpirun -n 4 mlmd run a.toml --backends cpu", "--backends"),
        ("cc $(mlmd embed --flags) a.c", "--flags"),
        ("mlmd devices && mlmd bench kin_prop --round 3", "--round"),
        ("pip install 'mlmd[gpu]'", "gpu"),
        ("pip install -e '.[gpu]'", "gpu"),
        ("make tests", "tests"),
        ("python -m mlmd.perf.no_such", "no_such"),
        ("python -m mlmd.perf.gate_check --identicals 4", "--identicals"),
        ("pytest -m slow tests/nowhere.py", "nowhere"),
    ],
)
def test_wrong_commands_are_found(command: str, words: str) -> None:
    assert any(words in fault(one, whole=True) for one in simple_commands(command))


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    (block,) = blocks("```sh\ntrue\nmlmd compare here there\ntrue\n```\n", "page")
    with pytest.raises(AssertionError, match=r"page:1 failed:[\s\S]*is not a run folder"):
        Tour(tmp_path).run(block)
