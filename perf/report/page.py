"""The page as one HTML text: styles, script and plots are all inside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from ..sweep.folder import Folder
from ..sweep.run import counts
from ..sweep.table import OK, Row
from .charts import (
    LINES,
    accuracy,
    cascade_plot,
    kernel_shapes,
    mode_shapes,
    platform_order,
    rooflines,
    scaling,
)
from .data import LIBRARY, Source, load, over_kernel, portable, timed
from .svg import marker
from .tables import PORTABILITY, ROWS, cascade_table, chip, heat, listing, sorted_backends

HERE = Path(__file__).resolve().parent
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def make_page(folders: Sequence[Folder]) -> str:
    """The page of some sweeps.

    Parameters
    ----------
    folders : sequence of Folder
        Where they are; each must have rows.

    Returns
    -------
    str
        HTML that needs no other file and no network.

    Raises
    ------
    MlmdError
        If a folder holds no sweep, or none of its rows is there yet.
    """
    sources = load(folders)
    rows = [row for source in sources for row in source.rows]
    title = next((source.machine["title"] for source in sources if source.machine["title"]), "Sweep of the kernels")
    names = sorted_backends(rows)
    hiding = "".join(f".hide-{name} .b-{name} {{ display: none; }}\n" for name in [*names, "mlmd"])
    body = "\n".join(
        [
            f"<h1>{escape(title)}</h1>",
            f"<p>{_told(rows)}</p>",
            f'<div class="cards">{"".join(map(card, sources))}</div>',
            legend(rows, names),
            *_sections(sources, rows),
        ]
    )
    return document(title, body, hiding, (HERE / "report.js").read_text())


def document(title: str, body: str, style: str = "", script: str = "") -> str:
    """A page in the look of all pages; ``body`` and what is added to style and script are HTML, CSS and JavaScript."""
    look = (HERE / "report.css").read_text()
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f'<link rel="icon" href="data:,">\n<style>\n{look}{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n'
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _told(rows: list[Row]) -> str:
    """How many rows there are, and what became of them."""
    found = counts(rows)
    bad = ", ".join(f"{number} {status}" for status, number in sorted(found.items()) if status != OK)
    return escape(f"{len(rows)} rows, {found.get(OK, 0)} timed" + (f", {bad}" if bad else "") + ".")


def card(source: Source) -> str:
    """Machine, roofs and versions of one sweep."""
    machine, roofs = source.machine, source.machine["roofs"]
    facts = {"folder": source.name, "begun": machine["date"].replace("T", " ").replace("+00:00", " UTC")}
    if roofs["status"] == OK:
        memory = f"in place {_giga(roofs['scale'])}, read {_giga(roofs['read'])}, triad {_giga(roofs['triad'])} GB/s"
        facts["memory roofs"] = f"{memory} (arrays of {roofs['nbytes'] / 2**20:.0f} MiB)"
        bf16 = roofs["bf16_unit"] if roofs["bf16"] is None else f"{_giga(roofs['bf16'])} ({roofs['bf16_unit']})"
        facts["arithmetic roofs"] = f"fp32 {_giga(roofs['fp32'])}, fp64 {_giga(roofs['fp64'])}, bf16 {bf16} GFLOP/s"
    else:
        facts["roofs"] = roofs["reason"]
    backends = machine["backends"].items()
    facts["on the host"] = ", ".join(name for name, about in backends if about.get("device") == machine["cpu"])
    for name, about in backends:
        if about["status"] != OK:
            facts[name] = f"{about['status']}: {about['reason']}"
        elif about["device"] != machine["cpu"]:
            facts[name] = about["device"]
    facts["versions"] = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    if machine["environment"]:
        facts["environment"] = " ".join(f"{name}={value}" for name, value in machine["environment"].items())
    lines = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())
    return f'<div class="card"><h3>{escape(machine["platform"])}</h3><dl>{lines}</dl></div>'


def _giga(rate: float) -> str:
    return f"{rate / 1e9:.3g}" if rate < 1e11 else f"{rate / 1e9:.0f}"


def legend(rows: list[Row], names: list[str]) -> str:
    """Colours of the backends, which hide and show them; markers; line styles of the platforms."""
    buttons = "".join(f'<button data-hide="{name}" aria-pressed="true">{chip(name)}{name}</button>' for name in names)
    good = timed(rows)
    shapes = [("kernel", kernel_shapes(good)), ("mode", mode_shapes(good))]
    keys = ""
    for what, own in shapes:
        keys += f'<span class="what">{what}</span>'
        keys += "".join(_key(marker(7, 7, 4.5, shape), name) for name, shape in own.items())
    lines = "".join(
        _key(f'<line class="{LINES[k % len(LINES)]}" x1="0" x2="14" y1="7" y2="7"/>', platform)
        for k, platform in enumerate(platform_order(rows))
    )
    return f'<div class="legend">{buttons}{keys}<span class="what">platform</span>{lines}</div>'


def _key(drawn: str, name: str) -> str:
    return f'<span class="key"><svg viewBox="0 0 14 14">{drawn}</svg>{escape(name)}</span>'


def _sections(sources: list[Source], rows: list[Row]) -> list[str]:
    """The parts of the page, one after the other."""
    heats = "".join(
        f'<div class="card"><h3>{escape(platform)}</h3>{heat([row for row in rows if row.platform == platform])}</div>'
        for platform in platform_order(rows)
    )
    drawn = rooflines(sources)
    return [
        section("fastest", "At the largest size", FASTEST, f'<div class="plots">{heats}</div>'),
        section("roofline", "Roofline", ROOFLINE, cards("wide" if len(drawn) > 1 else "", drawn)),
        section("accuracy", "Accuracy against speed", ACCURACY, cards("wide", accuracy(rows))),
        section("scaling", "Scaling with size", SCALING, cards("small", scaling(rows))),
        section("portability", "Performance portability", PORTABLE, cascades(rows)),
        section("measurements", "All rows", LISTING, listing("rows", ROWS, rows)),
        "<footer>Made by mlmd report; the numbers are those of sweep.csv in the folders named above.</footer>",
    ]


def section(name: str, head: str, text: str, content: str) -> str:
    """A part of the page; nothing where there is nothing to show."""
    return f'<section id="{name}"><h2>{head}</h2><p>{text}</p>{content}</section>' if content else ""


def cards(look: str, plots: list[str]) -> str:
    """Plots side by side."""
    drawn = "".join(f'<div class="card">{plot}</div>' for plot in plots if plot)
    return f'<div class="plots {look}">{drawn}</div>' if drawn else ""


def cascades(rows: list[Row]) -> str:
    """A cascade for each kernel, by time and by roof, and the table of PP."""
    lines = portable(rows)
    there = list(dict.fromkeys(row.platform for row in timed(rows)))
    if not lines or len(there) > len(LETTERS):
        return ""
    letters = dict(zip(there, LETTERS, strict=False))
    named = ", ".join(f'<span class="letter">{letter}</span>{escape(name)}' for name, letter in letters.items())
    drawn = []
    for kernel in kernel_shapes(timed(rows)):
        of_time, of_roof = over_kernel(rows, kernel)
        for words, found in (("relative to the fastest", of_time), ("fraction of the roof", of_roof)):
            if any(any(values.values()) for values in found.values()):
                head = f"{kernel}: {words}"
                count = len(next(iter(found.values())))
                plot = cascade_plot(head, found, count) if count > 1 else f"<h3>{head}</h3>"
                drawn.append(f"{plot}{cascade_table(found, letters)}")
    return f"<p>{named}</p>{cards('wide', drawn)}<h3>PP of each problem</h3>{listing('pp', PORTABILITY, lines)}"


FASTEST = "Median time of a call, and the fraction of the nearest roof. The fastest has the strongest colour."
ROOFLINE = (
    "Operations of the plan over its least memory traffic. The bandwidths are those of arrays as large as the largest "
    "problem: smaller ones that fit a cache may lie above. The bf16 modes count the operations of the FP32 product "
    "that they replace; x1, x2 and x3 do 1, 3 and 6 products in bf16. Larger markers are larger problems."
)
ACCURACY = (
    "Each mode at the largest size that all platforms have: the norm of the difference to the reference in double "
    "precision over the norm of its result, on random data. Up and to the left is better. Results without any "
    "difference are left out."
)
SCALING = "Grid points times orbitals done per second (for hartree grid points), one plot for each kernel and mode."
PORTABLE = (
    "PP of Pennycook, Sewall and Lee: the harmonic mean of an application's efficiency over the platforms, 0 if it does"
    f" not run on one of them. '{LIBRARY}' takes the fastest backend of each platform. Over a kernel, the efficiency "
    "on a platform is the harmonic mean over its problems; only problems that were tried on all platforms count."
)
LISTING = (
    "A click on a head sorts. Fields filter: words, or bounds such as &gt;10. The address keeps the view: pass it on."
)
