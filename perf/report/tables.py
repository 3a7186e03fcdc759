"""The tables of a page as HTML; every cell keeps the number of the CSV file beside what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from ..cases import MODES_OF
from ..portability import cascade
from ..render import number
from ..sweep.table import OK, Row
from .charts import colour, kind
from .data import BACKENDS, Portable, base


class Column(NamedTuple):
    """A column: key, head, whether it holds numbers, its value, and how that is shown."""

    key: str
    head: str
    numeric: bool
    value: Callable[[Any], Any]
    shown: Callable[[Any], str] = str


def milliseconds(seconds: float) -> str:
    """Time in ms."""
    return number(1e3 * seconds)


def percent(fraction: float) -> str:
    """Percent with a decimal below 10."""
    return f"{100 * fraction:.1f}" if fraction < 0.0995 else f"{100 * fraction:.0f}"


ROWS = (
    Column("kernel", "kernel", False, lambda row: row.kernel),
    Column("mode", "mode", False, lambda row: row.mode),
    Column("grid", "grid", False, lambda row: f"{row.nx}x{row.ny}x{row.nz}"),
    Column("norb", "orbitals", True, lambda row: row.norb),
    Column("backend", "backend", False, lambda row: row.backend),
    Column("platform", "platform", False, lambda row: row.platform),
    Column("status", "status", False, lambda row: row.status),
    Column("seconds", "ms", True, lambda row: row.seconds, milliseconds),
    Column("low", "1st quartile", True, lambda row: row.low, milliseconds),
    Column("high", "3rd quartile", True, lambda row: row.high, milliseconds),
    Column("gflops", "GFLOP/s", True, lambda row: row.gflops, number),
    Column("gbytes", "GB/s", True, lambda row: row.gbytes, number),
    Column("fraction", "% of roof", True, lambda row: row.fraction, percent),
    Column("roof", "roof", False, lambda row: row.roof),
    Column("error", "rel. error", True, lambda row: row.error, lambda error: f"{error:.1e}"),
    Column("tuning", "tuning", False, lambda row: "" if row.tuning == "{}" else row.tuning),
    Column("reason", "reason", False, lambda row: row.reason),
)
PORTABILITY = (
    Column("problem", "problem", False, lambda line: line.problem),
    Column("application", "application", False, lambda line: line.application),
    Column("pp_time", "PP, by time", True, lambda line: line.application_pp, lambda pp: f"{pp:.3f}"),
    Column("pp_roof", "PP, by roof", True, lambda line: line.architectural_pp, lambda pp: f"{pp:.3f}"),
)


def listing(name: str, columns: Sequence[Column], lines: Iterable[Row] | Iterable[Portable]) -> str:
    """A table that sorts and filters."""
    heads = "".join(
        f'<th data-key="{c.key}"{" class=n" if c.numeric else ""} aria-sort="none">{escape(c.head)}</th>'
        for c in columns
    )
    fields = "".join(
        f'<td><input name="{name}.{c.key}" aria-label="filter {escape(c.head)}"'
        f' placeholder="{"> <" if c.numeric else "has"}"></td>'
        for c in columns
    )
    body = "".join(f"<tr>{''.join(_cell(c, c.value(item)) for c in columns)}</tr>\n" for item in lines)
    return (
        f'<p class="count" id="{name}-count"></p><div class="card scroll"><table class="list" id="{name}">'
        f'<thead><tr>{heads}</tr><tr class="filters">{fields}</tr></thead><tbody>\n{body}</tbody></table></div>'
    )


def _cell(column: Column, value: Any) -> str:
    if column.key == "status":
        return f'<td data-v="{value}" class="status-{"ok" if value == OK else "bad"}">{value}</td>'
    raw = "" if value is None else escape(str(value), quote=True)
    shown = "" if value is None else escape(column.shown(value))
    look = " class=n" if column.numeric else ' class="reason"' if column.key == "reason" else ""
    return f'<td data-v="{raw}"{look}>{shown}</td>'


def chip(name: str) -> str:
    """A spot in the colour of a backend."""
    return f'<span class="chip" style="--c:{colour(name)}"></span>'


def heat(rows: list[Row]) -> str:
    """Times at the largest size of each kernel and mode on one platform, a column for each backend."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in sorted(rows, key=lambda row: (list(MODES_OF).index(row.kernel), row.work)):
        found.setdefault((row.kernel, row.mode), {})[base(row)] = row
    backends = sorted_backends(rows)
    head = "".join(f"<th class=n>{chip(name)} {name}</th>" for name in backends)
    lines = []
    for (kernel, mode), own in found.items():
        largest = max(row.work for row in own.values())
        own = {name: row for name, row in own.items() if row.work == largest}
        best = min((row.seconds for row in own.values() if row.seconds), default=0.0)
        cells = "".join(_heat_cell(own.get(name), best) for name in backends)
        size = next(iter(own.values())).size
        lines.append(f"<tr><th>{kernel} <small>{mode}</small></th><td>{size}</td>{cells}</tr>")
    return f'<table class="heat"><tr><th>kernel, mode</th><th class=n>size</th>{head}</tr>{"".join(lines)}</table>'


def _heat_cell(row: Row | None, best: float) -> str:
    if row is None or not row.seconds:
        status, reason = ("", "") if row is None else (row.status, row.reason)
        return f'<td class="off" title="{escape(reason, quote=True)}">{status}</td>'
    share = best / row.seconds
    roof = "" if row.fraction is None else f"<small>{percent(row.fraction)} %</small>"
    shade = f"background: rgba(var(--good), {0.42 * share**0.7:.2f})"
    title = f"{100 * share:.0f} % of the fastest"
    if row.fraction is not None:
        title += f", {percent(row.fraction)} % of {row.roof}"
    return f'<td style="{shade}" title="{escape(title, quote=True)}">{milliseconds(row.seconds)} ms{roof}</td>'


def sorted_backends(rows: Iterable[Row]) -> list[str]:
    """The backends of some rows, in the order of the page."""
    there = dict.fromkeys(map(base, rows))
    return sorted(there, key=lambda name: (*BACKENDS, name).index(name))


def cascade_table(efficiency: dict[str, dict[str, float]], letters: dict[str, str]) -> str:
    """Each application with its platforms, best first, and PP over all of them."""
    lines = []
    for name, values in sorted(efficiency.items(), key=lambda item: -cascade(item[1])[-1].portability):
        places = cascade(values)
        marks = "".join(
            f'<span class="letter" title="{escape(place.platform, quote=True)}: {place.efficiency:.3g}">'
            f"{letters[place.platform]}</span>"
            for place in places
            if place.efficiency > 0.0
        )
        pp = places[-1].portability
        bar = f'<span class="bar"><i style="--c:{colour(name)}; width:{100 * pp:.1f}%"></i></span>{pp:.3f}'
        named = f"{chip(name)} {escape(name)}"
        lines.append(f'<tr class="{kind(name)}"><td>{named}</td><td>{marks}</td><td>{bar}</td></tr>')
    return f"<table><tr><th>application</th><th>runs on</th><th>PP over all</th></tr>{''.join(lines)}</table>"
