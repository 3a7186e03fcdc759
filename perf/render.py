"""Draws records as tables, for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .peers import STEPS, TABLE3
from .record import Record
from .roofs import Roofs

Cells = tuple[list[str], list[list[str]]]


def kernel_table(record: Record) -> Cells:
    """Heads and cells of the rivals of a kernel; a roof that is not that of the first row is named in the cell."""
    usual = record.rows[0].roof
    heads = ["", "ms", "spread", "GFLOP/s", "GB/s", f"of {usual or 'roof'}", "ratio", "95 %"]
    cells = []
    for row in record.rows:
        fraction = "" if row.fraction is None else percent(row.fraction)
        if fraction and row.roof != usual:
            fraction += f" {row.roof}"
        spread = f"±{percent(0.5 * (row.high - row.low) / row.median)}"
        figures = [milli(row.median), spread, number(row.gflops), number(row.gbytes), fraction, f"{row.ratio:.2f}"]
        cells.append([row.name, *figures, f"{row.ratio_low:.2f}-{row.ratio_high:.2f}"])
    return heads, cells


def table3_table(record: Record) -> Cells:
    """Heads and cells of Table 3: our speedups beside the paper's."""
    heads = ["", "threads", "ms", "speedup", "95 %", "paper, s", "paper, speedup"]
    cells = []
    for row in record.rows:
        paper = TABLE3.get(row.name)
        threads = record.problem["threads"] if row.name == "hierarchical" else 1
        ours = [f"{1 / row.ratio:.2f}", f"{1 / row.ratio_high:.2f}-{1 / row.ratio_low:.2f}"]
        cells.append(
            [
                row.name,
                str(threads),
                milli(row.median),
                *ours,
                f"{paper.seconds:g}" if paper else "",
                f"{paper.speedup:g} ({paper.target})" if paper else "",
            ]
        )
    return heads, cells


def parts_table(record: Record) -> Cells:
    """Heads and cells of the time per part."""
    heads = ["part", "ms per step", "share", "calls per step", "GB/s", "of roof"]
    whole, cells = record.extra["seconds_per_step"], []
    for part in record.extra["parts"]:
        seconds, fraction = part["seconds"], part["fraction"]
        cells.append(
            [
                part["part"],
                number(1e3 * seconds),
                percent(seconds / whole),
                number(part["calls"]) if part["calls"] else "",
                number(part["nbytes"] / seconds / 1e9) if part["nbytes"] else "",
                "" if fraction is None else f"{percent(fraction)} {part['roof']}",
            ]
        )
    return heads, [*cells, [record.baseline, number(1e3 * whole), "100 %", "", "", ""]]


def peers_table(record: Record) -> Cells:
    """Heads and cells of the steps of other codes, ours first."""
    heads = ["code", "work", "electrons", "orbitals", "grid", "s/step", "s/(el.*step)"]
    p, extra = record.problem, record.extra
    ours = ["MLMD", p["work"], f"{extra['electrons']:g}", str(p["norb"]), "x".join(map(str, p["shape"]))]
    cells = [[*ours, number(extra["seconds_per_step"]), f"{extra['seconds_per_electron_step']:.1e}"]]
    for peer in STEPS:
        size = [peer.code, peer.work, str(peer.electrons), str(peer.orbitals), peer.grid]
        cells.append([*size, number(peer.seconds), f"{peer.per_electron:.1e}"])
    return heads, cells


TABLES: dict[str, tuple[Callable[[Record], Cells], ...]] = {
    "table3": (table3_table,),
    "step": (parts_table, peers_table),
}


def tables(record: Record) -> list[Cells]:
    """The tables of a record."""
    return [make(record) for make in TABLES.get(record.bench, (kernel_table,))]


def milli(seconds: float) -> str:
    """Milliseconds with three digits.

    Examples
    --------
    >>> milli(0.0123456), milli(1.5), milli(2.6e-5)
    ('12.3', '1500', '0.026')
    """
    return number(1e3 * seconds)


def percent(fraction: float) -> str:
    """Percent without decimals.

    Examples
    --------
    >>> percent(0.123)
    '12 %'
    """
    return f"{100 * fraction:.0f} %"


def number(value: float | None) -> str:
    """Three digits, without exponent; empty for None."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"


def heading(record: Record) -> str:
    """One line: what was computed, where and when."""
    p = record.problem
    size = "x".join(map(str, p["shape"]))
    orbitals = "" if record.bench == "hartree" else f", {p['norb']} orbitals, {p['dtype']}"
    rank = f", rank {p['rank']}" if record.bench in ("nlp_prop", "overlap") else ""
    isa = f", {record.roofs.isa}" if record.roofs else ""
    return f"{record.bench}: grid {size}{orbitals}{rank}, {p['threads']} thread(s){isa}; {record.machine['cpu']}"


def roof_line(roofs: Roofs) -> str:
    """The roofs in one line."""
    bf16 = roofs.bf16_unit if roofs.bf16 is None else f"{roofs.bf16 / 1e9:.0f} ({roofs.bf16_unit})"
    return (
        f"roofs, arrays of {roofs.nbytes / 2**20:.3g} MiB, {roofs.threads} thread(s): in place {roofs.scale / 1e9:.1f} "
        f"GB/s, read {roofs.read / 1e9:.1f} GB/s, triad {roofs.triad / 1e9:.1f} GB/s; GFLOP/s: fp32 "
        f"{roofs.fp32 / 1e9:.0f}, fp64 {roofs.fp64 / 1e9:.0f}, bf16 {bf16}"
    )


def rich_table(heads: Iterable[str], cells: Iterable[list[str]]) -> Table:
    """A table for the terminal; the first column is text, the others figures."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for k, head in enumerate(heads):
        table.add_column(escape(head), justify="right" if k else "left", overflow="fold", no_wrap=k < 2)
    for row in cells:
        table.add_row(*map(escape, row))
    return table


def markdown_table(heads: list[str], cells: list[list[str]]) -> str:
    """The same for the documentation.

    Examples
    --------
    >>> print(markdown_table(["", "ms"], [["cpu", "1.5"]]))
    |  | ms |
    |---|---|
    | cpu | 1.5 |
    """
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join(f"|{'|'.join(row)}|" if row[0] == "---" else f"| {' | '.join(row)} |" for row in lines)


def shown(record: Record) -> Group:
    """What the command prints."""
    parts: list[RenderableType] = [Text(heading(record)), *(rich_table(*cells) for cells in tables(record))]
    return Group(*parts, *map(Text, remarks(record)))


def remarks(record: Record) -> list[str]:
    """The lines below the tables: roofs, how it was timed, what was left out."""
    lines = [roof_line(record.roofs)] if record.roofs else []
    rounds = len(record.rows[0].seconds)
    lines.append(f"{rounds} interleaved rounds: median, half the distance of the quartiles; GB/s of the least traffic")
    if record.bench not in TABLES:
        lines.append(f"ratio: time over that of '{record.baseline}' in the same round, with its bootstrap interval")
    return lines + [f"note: {note}" for note in record.notes]


def markdown(record: Record) -> str:
    """What the documentation shows of a record."""
    threads = record.environment.get("OMP_WAIT_POLICY", "default")
    head = f"{heading(record)}; {record.date[:10]}, `OMP_WAIT_POLICY` {threads}. Repeat with `{record.command}`."
    below = "\n".join(f"- {line}" for line in remarks(record))
    return "\n\n".join([head, *(markdown_table(*cells) for cells in tables(record)), below])
