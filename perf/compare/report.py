"""What a comparison says: a table for the terminal, Markdown for a pull request, JSON with every time in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ..render import Cells, markdown_table, rich_table
from .builds import Build
from .gate import Comparison
from .intervals import ERROR, Interval
from .verdict import FASTER, OPEN, SAME, SLOWER, UNDECIDED, Result

WORDS = {
    SLOWER: "slower",
    FASTER: "faster",
    SAME: "not slower",
    OPEN: "not proven",
    UNDECIDED: "undecided: the copies of BASE differ",
}
HEADLINES = {
    "slower": "HEAD is slower than BASE",
    "undecided": "Undecided: on this machine BASE differs from itself",
    "passed": "No slowdown is proven",
}


def table(comparison: Comparison) -> Cells:
    """Heads and cells, a row for each case."""
    heads = ["", "ms", "HEAD/BASE", "interval", "self-check", "interval", "verdict"]
    return heads, [_row(result) for result in comparison.results]


def _row(result: Result) -> list[str]:
    seconds = sorted(time for launch in result.launches for quad in launch for time in quad["base"])
    middle = seconds[len(seconds) // 2]
    return [
        result.case.name,
        f"{1e3 * middle:.3g}",
        *_ratio(result.ratio),
        *_ratio(result.self_check),
        WORDS[result.verdict],
    ]


def _ratio(interval: Interval | None) -> list[str]:
    if interval is None:
        return ["", ""]
    return [f"{interval.value:.3f}", f"{interval.low:.3f}-{interval.high:.3f}"]


def heading(comparison: Comparison) -> str:
    """One line with the verdict."""
    count = sum(result.verdict == SLOWER for result in comparison.results)
    cases = f" in {count} of {len(comparison.results)} cases" if count else ""
    return f"{HEADLINES[comparison.verdict]}{cases} (tolerance {100 * comparison.tolerance:g} %)"


def remarks(comparison: Comparison) -> list[str]:
    """The lines below the table."""
    threads = f"{comparison.threads} thread(s)"
    lines = [
        f"BASE {_who(comparison.base)}; HEAD {_who(comparison.head)}; {comparison.machine['cpu']}, {threads}",
        f"{comparison.launches} launches in {comparison.seconds:.0f} s, {comparison.looks} look(s); "
        f"medians of log-ratios; all intervals hold at once with {100 * (1 - ERROR):g} %",
    ]
    if comparison.base.identity == comparison.head.identity:
        lines.append("kernels, backends and extension of both builds are the same, byte for byte")
    if any(result.verdict == OPEN for result in comparison.results):
        lines.append("not proven: the interval holds the tolerance; a longer --budget makes it shorter")
    if any(result.verdict == UNDECIDED for result in comparison.results):
        lines.append("undecided: two copies of BASE differ by more than the tolerance; try again on a calmer machine")
    return lines + [f"note: {note}" for note in comparison.notes]


def _who(build: Build) -> str:
    commit = f" ({build.commit[:12]})" if build.commit and not build.commit.startswith(build.name) else ""
    return f"{build.name}{commit}, build {build.identity}"


def shown(comparison: Comparison) -> Group:
    """What the command prints."""
    parts: list[RenderableType] = [Text(heading(comparison)), rich_table(*table(comparison))]
    return Group(*parts, *map(Text, remarks(comparison)))


def markdown(comparison: Comparison) -> str:
    """A comment for a pull request."""
    below = "\n".join(f"- {line}" for line in remarks(comparison))
    return f"### {heading(comparison)}\n\n{markdown_table(*table(comparison))}\n\n{below}\n"


def to_json(comparison: Comparison) -> str:
    """Everything: sides, machine, intervals, and the times of all pairs."""
    data: dict[str, Any] = {"verdict": comparison.verdict} | asdict(comparison)
    for side in ("base", "head"):
        data[side]["folder"] = str(data[side]["folder"])
    return json.dumps(data, indent=1) + "\n"
