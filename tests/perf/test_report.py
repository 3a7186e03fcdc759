"""``mlmd report``: the page says what the table says, needs nothing else, and works in a browser."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mlmd.perf.render import number
from mlmd.perf.report.charts import at_largest_common
from mlmd.perf.report.svg import Axis, Plot
from mlmd.perf.sweep.table import COLUMNS, line, read

from .sweeps import mlmd_command, write_sweep

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


class Tables(HTMLParser):
    """The tables that sort, each as (visible, {key: (raw, shown)}) of its rows, in the order of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: dict[str, list[tuple[bool, dict[str, tuple[str, str]]]]] = {}
        self.order: dict[str, dict[str, str]] = {}
        self._table = ""
        self._keys: list[str] = []
        self._raw: str | None = None
        self._text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "table":
            self._table = given.get("id") or ""
            self._keys = []
        elif self._table and tag == "th":
            self._keys.append(given["data-key"] or "")
            self.order.setdefault(self._table, {})[self._keys[-1]] = given["aria-sort"] or ""
        elif self._table and tag == "tr" and self._keys and given.get("class") != "filters":
            self.rows.setdefault(self._table, []).append(("hidden" not in given, {}))
        elif self._table and tag == "td" and "data-v" in given:
            self._raw, self._text = given["data-v"] or "", ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._table = ""
        elif tag == "td" and self._raw is not None:
            cells = self.rows[self._table][-1][1]
            cells[self._keys[len(cells)]] = (self._raw, self._text)
            self._raw = None

    def visible(self, table: str, key: str) -> list[str]:
        """What the rows that are shown hold in a column."""
        return [cells[key][0] for shown, cells in self.rows[table] if shown]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A sweep of this machine, and the same rows as if of another one, twice as slow, where NumPy is missing."""
    pytest.importorskip("mlmd._cpu")
    here, there = tmp_path_factory.mktemp("sweeps") / "here", tmp_path_factory.mktemp("sweeps") / "there"
    kernels = 'nlp_prop = ["fp64", "fp32", "bf16x1"]\ndensity = ["fp32"]\nhartree = ["fft"]'
    file = write_sweep(here.parent, ["reference", "cpu"], kernels)
    code, text = mlmd_command("sweep", file, "--out", here)
    assert code == 0, text
    shutil.copytree(here, there)
    machine = json.loads((there / "machine.json").read_text())
    (there / "machine.json").write_text(json.dumps(machine | {"platform": "Another <CPU>, 8 threads"}))
    lines = [line(COLUMNS)]
    for row in read(here / "sweep.csv"):
        values = {name: getattr(row, name) for name in COLUMNS} | {"platform": "Another <CPU>, 8 threads"}
        if row.backend == "reference":
            gone = ("seconds", "low", "high", "gflops", "gbytes", "fraction", "error")
            values |= {"status": "unavailable", "reason": "not <here>"} | dict.fromkeys(gone)
        else:
            values["seconds"] *= 2
        lines.append(line(values.values()))
    (there / "sweep.csv").write_text("".join(lines))
    return here, there


@pytest.fixture(scope="module")
def page(folders: tuple[Path, Path]) -> Path:
    """Both on one page."""
    out = folders[0] / "both.html"
    code, text = mlmd_command("report", *folders, "--out", out)
    assert code == 0, text
    return out


def test_the_page_has_the_numbers_of_the_tables(page: Path, folders: tuple[Path, Path]) -> None:
    rows = Tables(page.read_text()).rows["rows"]
    expected = []
    for folder in folders:
        with (folder / "sweep.csv").open(newline="") as file:
            expected += list(csv.DictReader(file))
    assert len(rows) == len(expected) == 40
    for (_, cells), wanted in zip(rows, expected, strict=True):
        for key in ("kernel", "mode", "norb", "backend", "platform", "status", "roof", "reason"):
            assert cells[key] == (wanted[key], wanted[key])
        for key in ("seconds", "low", "high", "gflops", "gbytes", "fraction", "error"):
            assert cells[key][0] == wanted[key]
        assert cells["seconds"][1] == (number(1e3 * float(wanted["seconds"])) if wanted["seconds"] else "")
        assert cells["gflops"][1] == (number(float(wanted["gflops"])) if wanted["gflops"] else "")


def test_the_plots_have_them_too(page: Path, folders: tuple[Path, Path]) -> None:
    titles = [unescape(text) for text in re.findall(r"<title>(.*?)</title>", page.read_text(), re.DOTALL)]
    for folder in folders:
        for row in read(folder / "sweep.csv"):
            if row.seconds is not None:
                said = (
                    f"{row.kernel} {row.mode}, {row.size}\n{row.backend} on {row.platform}\n{1e3 * row.seconds:.4g} ms"
                )
                assert any(title.startswith(said) for title in titles), said


def test_the_page_stands_alone(page: Path) -> None:
    text = page.read_text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)""", text)
    assert "http" not in text
    assert "@import" not in text
    assert "Another <CPU>" not in text  # what comes from files is escaped
    assert "Another &lt;CPU&gt;" in text
    for words in (
        "Roofline",
        "Scaling with size",
        "Accuracy against speed",
        "Performance portability",
        "A small sweep",
    ):
        assert words in text
    for plot in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        assert "nan" not in plot.lower()
        assert "inf" not in re.sub(r"<title>.*?</title>", "", plot, flags=re.DOTALL)


def test_pp_on_the_page(page: Path) -> None:
    rows = [cells for _, cells in Tables(page.read_text()).rows["pp"]]
    of = {(cells["problem"][0], cells["application"][0]): float(cells["pp_time"][0]) for cells in rows}
    assert len(of) == 10 * 3
    assert all(value == 0.0 for (_, name), value in of.items() if name == "reference")
    for problem in {problem for problem, _ in of}:
        assert of[problem, "mlmd (best)"] == 1.0
        assert 0.0 < of[problem, "cpu"] <= 1.0


def test_platforms_of_one_name_are_told_apart_by_folder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folders[0], copy)
    code, text = mlmd_command("report", folders[0], copy, "--out", tmp_path / "two.html")
    assert code == 0, text
    platforms = {cells["platform"][0] for _, cells in Tables((tmp_path / "two.html").read_text()).rows["rows"]}
    assert len(platforms) == 2
    assert any(name.endswith(f"[{copy}]") for name in platforms)


def test_a_folder_without_rows_is_explained(folders: tuple[Path, Path], tmp_path: Path) -> None:
    code, text = mlmd_command("report", tmp_path)
    assert code == 2
    assert "holds no sweep: give a folder that mlmd sweep has written" in text
    part = tmp_path / "part"
    shutil.copytree(folders[0], part)
    (part / "sweep.csv").write_text(line(COLUMNS) + "density,cp")
    code, text = mlmd_command("report", part)
    assert code == 2
    assert "has no row yet: let mlmd sweep go on first" in text
    code, text = mlmd_command("report", folders[0], "--out", tmp_path / "page.png")
    assert code == 2
    assert "is not a name of a page; let it end in .html" in text


def test_a_sweep_of_which_nothing_ran_still_makes_a_page(folders: tuple[Path, Path], tmp_path: Path) -> None:
    part = tmp_path / "part"
    shutil.copytree(folders[1], part)
    rows = [row for row in read(part / "sweep.csv") if row.backend == "reference"]
    (part / "sweep.csv").write_text("".join(map(line, [COLUMNS, *([getattr(r, c) for c in COLUMNS] for r in rows)])))
    code, text = mlmd_command("report", part)
    assert code == 0, text
    assert "10 rows, 0 timed, 10 unavailable." in (part / "report.html").read_text()


def browsed(page: Path, fragment: str, folder: Path) -> Tables:
    """The tables as a browser leaves them after its scripts."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: install chromium to look at the page")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", f"file://{page}#{fragment}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert 'data-ready="yes"' in done.stdout, "the script of the page did not come to its end"
    return Tables(done.stdout)


def test_a_view_is_a_link(page: Path, tmp_path: Path) -> None:
    wanted = "rows.sort=seconds&rows.order=descending&rows.kernel=NLP&rows.platform=another&rows.error=<1e-3"
    wanted += "&pp.sort=pp_time"
    found = browsed(page, wanted, tmp_path)
    all_rows = [cells for _, cells in Tables(page.read_text()).rows["rows"]]
    expected = [
        cells["seconds"][0]
        for cells in all_rows
        if cells["kernel"][0] == "nlp_prop"
        and "Another" in cells["platform"][0]
        and cells["error"][0]
        and float(cells["error"][0]) < 1e-3
    ]
    seconds = found.visible("rows", "seconds")
    assert seconds == sorted(expected, key=float, reverse=True)
    assert len(seconds) == 4
    assert found.order["rows"]["seconds"] == "descending"
    pp = [float(text) for text in found.visible("pp", "pp_time")]
    assert pp == sorted(pp)
    assert len(pp) == 30


def test_clicks_sort_and_fields_filter(page: Path, tmp_path: Path) -> None:
    clicks = """<script>
    const head = document.querySelector("#rows th[data-key=gflops]");
    head.click(); head.click();
    const field = document.querySelector("input[name='rows.backend']");
    field.value = "cpu"; field.dispatchEvent(new Event("input"));
    document.querySelector("button[data-hide=reference]").click();
    document.title = location.hash + " " + getComputedStyle(document.querySelector("g.b-reference")).display;
    </script>"""
    clicked = tmp_path / "clicked.html"
    clicked.write_text(page.read_text().replace("</body>", f"{clicks}</body>"))
    found = browsed(clicked, "", tmp_path)
    rates = found.visible("rows", "gflops")
    assert len(rates) == 20
    assert rates == sorted(rates, key=float, reverse=True)
    assert set(found.visible("rows", "backend")) == {"cpu"}
    said = subprocess.run(
        [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"file://{clicked}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert "<title>#rows.sort=gflops&amp;rows.order=descending&amp;rows.backend=cpu none</title>" in said


def test_accuracy_is_shown_at_the_largest_size_of_all_platforms(folders: tuple[Path, Path]) -> None:
    here, there = (read(folder / "sweep.csv") for folder in folders)
    assert {row.nx for row in at_largest_common(here)} == {8}
    small = [row for row in there if row.nx == 6]
    assert {row.nx for row in at_largest_common(here + small)} == {6}
    assert {row.nx for row in at_largest_common([row for row in here if row.nx == 8] + small)} == {8}


def test_points_are_where_the_axes_say() -> None:
    plot = Plot(Axis(1.0, 100.0, "x"), Axis(0.0, 2.0, "y", log=False), width=272.0, height=270.0)
    assert plot.at((1.0, 0.0)) == (58.0, 226.0)
    assert plot.at((100.0, 2.0)) == (258.0, 26.0)
    assert plot.at((10.0, 1.0)) == pytest.approx((158.0, 126.0))
    plot.mark((10.0, 1.0), "red", "circle", "a < b")
    assert '<circle cx="158.0" cy="126.0" r="5.0"/><title>a &lt; b</title>' in plot.svg()
