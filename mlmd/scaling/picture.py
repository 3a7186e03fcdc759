"""Picture of a scaling report: time of an MD step and efficiency over ranks, measured, projected and published."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..perf.scaling.report import Curve, Report
from ..style import BLUE, GREEN, GREY, ORANGE, as_png

COLOURS = (BLUE, GREEN, ORANGE, GREY)
PAPER: dict[str, Any] = {"marker": "*", "markersize": 13, "color": "#CC79A7", "linestyle": "none", "zorder": 5}
HERE: dict[str, Any] = {"marker": "o", "color": "black", "linestyle": "none", "zorder": 4}


def draw_scaling(report: Report) -> bytes:
    """Draw a report, PNG: filled circles are measured, hollow ones modelled, dashes projected, stars published."""
    return as_png(lambda: _figure(report))


def _figure(report: Report) -> Figure:
    figure = Figure(figsize=(11.0, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, curve in zip(COLOURS, report.curves, strict=False):
        _draw_curve(left, right, curve, colour, report.steps)
    _draw_here(left, right, report)
    _draw_paper(left, right, report)
    left.set(xscale="log", yscale="log", xlabel="ranks", ylabel="seconds", title="Time of an MD step")
    right.set(xscale="log", xlabel="ranks", title="Efficiency", ylim=(0.0, 1.2))
    right.axhline(1.0, color=GREY, linewidth=0.8, zorder=1)
    heading = f"{report.workload}, {report.kind} scaling"
    where = f": projected to {report.machine.name}" if report.machine else ": measured on this machine"
    figure.suptitle(heading + where, x=0.01, ha="left", fontsize=13)
    handles, labels = left.get_legend_handles_labels()
    more = [pair for pair in zip(*right.get_legend_handles_labels(), strict=True) if pair[1] not in labels]
    figure.legend(
        [*handles, *(handle for handle, _ in more)],
        [*labels, *(label for _, label in more)],
        loc="outside lower center",
        ncols=2,
    )
    return figure


def _draw_curve(left: Axes, right: Axes, curve: Curve, colour: str, steps: int) -> None:
    ranks = [run.ranks for run in curve.runs]
    label = f"projected: {curve.series.label}"
    style: dict[str, Any] = {"color": colour, "linestyle": "--", "marker": ".", "label": label}
    left.plot(ranks, [run.seconds * steps for run in curve.runs], **style)
    right.plot(ranks, [run.efficiency for run in curve.runs], **style)


def _draw_here(left: Axes, right: Axes, report: Report) -> None:
    if not report.beside:
        return
    ranks = [run.ranks for run in report.beside]
    label = "measured on this machine, small domains"
    left.plot(ranks, [run.measured * report.steps for run in report.beside], **HERE, label=label)
    middle = [run.efficiency[1] for run in report.beside]
    spread = [
        [run.efficiency[1] - run.efficiency[0] for run in report.beside],
        [run.efficiency[2] - run.efficiency[1] for run in report.beside],
    ]
    right.errorbar(ranks, middle, yerr=spread, **HERE, label=label)
    hollow = {**HERE, "fillstyle": "none", "markersize": 9, "label": "model of this machine"}
    times = [(run.ranks, report.steps * run.predicted) for run in report.beside if run.predicted is not None]
    shares = [(run.ranks, run.predicted_efficiency) for run in report.beside if run.predicted_efficiency is not None]
    for axes, known in ((left, times), (right, shares)):
        if known:
            axes.plot(*zip(*known, strict=True), **hollow)


def _draw_paper(left: Axes, right: Axes, report: Report) -> None:
    points = {point for curve in report.curves for point in curve.series.published}
    timed = [(point.ranks, report.steps * point.seconds) for point in points if point.seconds is not None]
    shared = [(point.ranks, point.efficiency) for point in points if point.efficiency is not None]
    for axes, known in ((left, timed), (right, shared)):
        if known:
            axes.plot(*zip(*known, strict=True), **PAPER, label="the paper")
