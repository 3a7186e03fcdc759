"""The page of a photo-switching run: what was run, what came out, curves, maps and a film, all in one HTML file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from ..io.atomic import make_folder, write_bytes, write_text
from ..perf.report.page import document, section
from .film import draw_film
from .history import Observation
from .numbers import signless
from .pictures import Map, draw_charges, draw_curves, draw_excitation, draw_fluences, draw_maps
from .topology import Array
from .verdict import Verdict

MANY = 3  # fluences, the dark one among them, that a picture over the fluence needs more than
STYLE = (
    "img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }\n.plots.one { max-width: 1100px; }\n"
)


@dataclass(frozen=True)
class Run:
    """One run of the superlattice, in the dark or after a pulse.

    Parameters
    ----------
    name : str
        In table and curves.
    rows : sequence of Observation
        In the order of time.
    verdict : Verdict
        What became of the texture.
    """

    name: str
    rows: Sequence[Observation]
    verdict: Verdict


@dataclass(frozen=True)
class Report:
    """All that is told.

    Parameters
    ----------
    title : str
        Of the page.
    told : mapping
        What was run: name -> value.
    runs : sequence of Run
        The control in the dark first.
    sides : (float, float)
        Of a cell, Angstrom.
    maps : sequence of (str, array (nx, ny, 3))
        Such as before, during and after: title and polarisation in C/m^2.
    film : sequence of (Observation, array (nx, ny, 3))
        Frames of the run that is shown in motion.
    excitation : array (nx, ny), optional
        Excited electrons in a formula unit, for each domain ...
    domain : (float, float)
        ... of these sides, Angstrom.
    temperatures : mapping
        Name of a run -> times in fs and temperatures in K.
    pulse : float, optional
        Time of the light, fs.
    files : mapping
        Path relative to the page -> what it is.
    """

    title: str
    told: Mapping[str, str]
    runs: Sequence[Run]
    sides: tuple[float, float]
    maps: Sequence[Map] = ()
    film: Sequence[tuple[Observation, Array]] = ()
    excitation: Array | None = None
    domain: tuple[float, float] = (1.0, 1.0)
    temperatures: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    pulse: float | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def write_report(folder: Path, report: Report) -> Path:
    """Write the page and its pictures.

    Parameters
    ----------
    folder : path
        Receives ``report.html``, which needs no other file, and each picture as a file.
    report : Report
        What to tell; parts that are empty are left out.

    Returns
    -------
    path
        Of the page.

    Raises
    ------
    InputError
        When a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from mlmd.multiscale.verdict import judge
    >>> row = Observation(0, 0.0, np.zeros(3), 1.0, -1.0, np.array([-1.0]))
    >>> report = Report("Switch", {"cells": "8x8x1"}, [Run("dark", [row], judge([-1.0], -1.0))], sides=(4.0, 4.0))
    >>> page = write_report(Path(tempfile.mkdtemp()), report)
    >>> page.name, "data:image/png;base64," in page.read_text()
    ('report.html', True)
    """
    make_folder(folder)
    drawn = pictures(report)
    for name, data in drawn.items():
        write_bytes(folder / name, data)
    page = folder / "report.html"
    write_text(page, as_html(report, drawn))
    return page


def pictures(report: Report) -> dict[str, bytes]:
    """Pictures of a report by the names of their files."""
    found = {"charge.png": draw_charges({run.name: run.rows for run in report.runs}, pulse=report.pulse)}
    if len({run.verdict.fluence_mJ_per_cm2 for run in report.runs}) > MANY:
        found["fluences.png"] = draw_fluences([run.verdict for run in report.runs])
    if report.temperatures:
        found["temperature.png"] = draw_curves(report.temperatures, "temperature (K)", pulse=report.pulse)
    if report.excitation is not None:
        found["excitation.png"] = draw_excitation(report.excitation, report.domain)
    if report.maps:
        found["maps.png"] = draw_maps(report.maps, report.sides)
    if report.film:
        found["film.gif"] = draw_film(report.film, report.sides)
    return found


def as_html(report: Report, drawn: Mapping[str, bytes]) -> str:
    """The page of a report with its pictures inside."""
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.told.items())
    listed = "".join(
        f'<dt><a href="{escape(name)}">{escape(name)}</a></dt><dd>{escape(what)}</dd>'
        for name, what in report.files.items()
    )
    body = [
        f"<h1>{escape(report.title)}</h1>",
        f'<div class="cards"><div class="card"><dl>{facts}</dl></div></div>',
        section("results", "Results", RESULTS, results(report.runs)),
        section("fluences", "Over the fluence", FLUENCES, _images(drawn, "fluences.png")),
        section("time", "Over time", TIME, _images(drawn, "charge.png", "temperature.png")),
        section("maps", "Before, during, after", MAPS, _images(drawn, "maps.png", look="one")),
        section("film", "In motion", FILM, _images(drawn, "film.gif", look="one")),
        section("excitation", "Excited electrons", EXCITATION, _images(drawn, "excitation.png")),
        section("files", "Files", FILES, f'<div class="card"><dl>{listed}</dl></div>' if listed else ""),
    ]
    return document(report.title, "\n".join(body), STYLE)


def results(runs: Sequence[Run]) -> str:
    """Table of the runs."""
    heads = (
        "run",
        "fluence (mJ/cm²)",
        "excited electrons",
        "weight",
        "seed",
        "Q before",
        "Q after",
        "largest |Q - Q0|",
        "switched",
    )
    rows = "".join(_row(run.name, run.verdict) for run in runs)
    head = "".join(f"<th{' class=n' if 0 < k < 8 else ''}>{name}</th>" for k, name in enumerate(heads))
    return f'<div class="card"><table><tr>{head}</tr>{rows}</table></div>'


def _row(name: str, one: Verdict) -> str:
    numbers = (
        f"{one.fluence_mJ_per_cm2:g}",
        f"{one.electrons:.3g}",
        f"{one.weight:.3g}",
        str(one.seed),
        signless(one.charge_before),
        signless(one.charge_after),
        f"{one.largest_change:.2f}",
    )
    cells = "".join(f"<td class=n>{number}</td>" for number in numbers)
    return f"<tr><td>{escape(name)}</td>{cells}<td>{'yes' if one.switched else 'no'}</td></tr>"


def _images(drawn: Mapping[str, bytes], *names: str, look: str = "wide") -> str:
    """Pictures that there are, side by side."""
    tags = "".join(
        f'<div class="card"><img alt="{name}" src="data:image/{name[-3:]};base64,{_text(drawn[name])}"></div>'
        for name in names
        if name in drawn
    )
    return f'<div class="plots {look}">{tags}</div>' if tags else ""


def _text(image: bytes) -> str:
    return base64.b64encode(image).decode("ascii")


RESULTS = (
    "Q is the topological charge (Berg and Lüscher) of the polarisation, mean over the layers of PbTiO3; before: when "
    "the run in the dark begins, after: mean over the last tenth of the run. Switched: it ends 0.5 or more from that, "
    "for each skyrmion. Excited electrons are those in a formula unit."
)
FLUENCES = "The topological charge at the end over the fluence of the pulse; filled points switched."
TIME = "The topological charge and the temperature of the runs; the dashed line is the pulse."
MAPS = "Arrows are the polarisation in the plane, colours that out of it; below, where the topological charge sits."
FILM = "The run after the strongest pulse."
EXCITATION = "What the pulse leaves in each domain of the electrons."
FILES = "Beside this page; OVITO opens .xyz and .dump, ParaView .xdmf."
