"""Pages of the documentation, their blocks of code, and what the comments before a block say about running it.

A comment ``<!-- run: WORD ... -->`` or ``<!-- file: NAME -->`` on the lines before a block:

=============================  ========================================================================================
``run: slow``                  runs with ``-m slow`` only
``run: needs NAME, ...``       runs where these are (``tests/docs/tour.py`` knows them), else it is skipped
``run: shortened: A -> B; C -> D``  B takes the place of A when the test runs it, to save time; A must be there
``run: given: A = B; ...``     file B of the repository lies in the folder as A, in place of the reader's own
``run: in a clone``            runs in a fresh clone with a fresh virtual environment; implies slow
``run: in the sources``        runs in the repository itself, which it leaves as it is; implies slow
``run: elsewhere: WHY``        is not run by the test: it needs what no test has, or other tests do it
``file: NAME``                 the block is a file that later commands read
=============================  ========================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELL = ("sh", "bash", "console")
FENCE = re.compile(r"(?P<marks>(?:^<!--[^\n]*-->\n)*)^```(?P<language>\w*)\n(?P<text>.*?)^```", re.M | re.S)
MARK = re.compile(r"^<!-- (run|file): (.*) -->$", re.M)


class MarkError(ValueError):
    """A comment before a block that means nothing."""


@dataclass
class Block:
    """A block of code between fences.

    Attributes
    ----------
    place : str
        Page and line.
    language, text : str
        As written.
    slow, clone, sources : bool
        Runs with ``-m slow``; in a fresh clone; in the repository itself.
    needs : list of str
        What must be there.
    shortened : list of (str, str)
        Replacements before it is run.
    given : list of (str, str)
        Files, name in the folder and in the repository.
    elsewhere : str
        Why the test does not run it.
    file : str
        Name of the file that the block is.
    """

    place: str
    language: str
    text: str
    slow: bool = False
    clone: bool = False
    sources: bool = False
    needs: list[str] = field(default_factory=list)
    shortened: list[tuple[str, str]] = field(default_factory=list)
    given: list[tuple[str, str]] = field(default_factory=list)
    elsewhere: str = ""
    file: str = ""

    @property
    def commands(self) -> bool:
        """Whether these are commands."""
        return self.language in SHELL

    def mark(self, kind: str, words: str) -> None:
        """Take in a comment.

        Raises
        ------
        MarkError
            If it is none of those above, or its text to replace is not in the block.
        """
        word, _, rest = words.partition(": ")
        if kind == "file":
            self.file = words
        elif words == "slow":
            self.slow = True
        elif words == "in a clone":
            self.slow = self.clone = True
        elif words == "in the sources":
            self.slow = self.sources = True
        elif words.startswith("needs "):
            self.needs += words.removeprefix("needs ").split(", ")
        elif word == "elsewhere" and rest:
            self.elsewhere = rest
        elif word == "given":
            self.given += pairs(rest, " = ")
        elif word == "shortened":
            self.shortened += pairs(rest, " -> ")
        else:
            raise MarkError(f"{self.place}: no such mark: {words!r}")
        lost = [old for old, _ in self.shortened if old not in self.text]
        if lost:
            raise MarkError(f"{self.place}: there is no {lost[0]!r} to be shortened")

    @property
    def run_text(self) -> str:
        """The text as it is run."""
        text = self.text
        for old, new in self.shortened:
            text = text.replace(old, new)
        return text


def pairs(text: str, sign: str) -> list[tuple[str, str]]:
    """Pairs of texts on either side of a sign, separated by semicolons."""
    cut = [part.partition(sign) for part in text.split("; ")]
    if not all(found and old for old, found, _ in cut):
        raise MarkError(f"{text!r} is not a list of 'A{sign}B'")
    return [(old, new) for old, _, new in cut]


def blocks(text: str, name: str) -> list[Block]:
    """Blocks between fences, with their marks.

    Parameters
    ----------
    text : str
        The page.
    name : str
        Its name, for messages.

    Returns
    -------
    list of Block

    Raises
    ------
    MarkError
        See `Block.mark`.
    """
    found = []
    for match in FENCE.finditer(text):
        line = text[: match.start("language")].count("\n") + 1
        block = Block(f"{name}:{line}", match["language"], match["text"])
        for kind, words in MARK.findall(match["marks"]):
            block.mark(kind, words)
        found.append(block)
    return found


def prose(text: str) -> str:
    """A page without its blocks."""
    return FENCE.sub("", text)


def spans(text: str) -> list[str]:
    """Pieces of code within the sentences of a page."""
    return re.findall(r"`([^`\n]+)`", prose(text))
