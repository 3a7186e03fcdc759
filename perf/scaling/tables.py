"""A scaling report as tables of a terminal: first all that was measured, then all that is projected."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich import box
from rich.table import Table

from .report import Beside, Curve, Report, TimeToSolution, merged
from .series import Point, Projected


def tables(report: Report) -> Iterator[Table | str]:
    """Tables and lines in the order in which they are printed."""
    yield f"MEASURED on this machine: {report.here}"
    flops, bandwidth = report.roofs
    yield f"roofs of a rank: {flops / 1e9:.3g} GFLOP/s in FP32, {bandwidth / 1e9:.3g} GB/s from memory"
    yield _rates(report)
    yield _checks(report)
    if report.network:
        latency, link, handling, error = report.network
        yield (
            f"messages here: {1e6 * latency:.2g} us, {link / 1e9:.3g} GB/s, {1e9 * handling:.2g} ns for a byte of a "
            f"sum within the rank; the worst of the timed calls is off by {100 * error:.0f} %"
        )
    if report.beside:
        yield _beside(report)
        yield from (line for beside in report.beside for line in _counts(beside, report.step))
    if report.machine:
        yield f"PROJECTED to {report.machine.name} by the model with these rates"
        if report.machine.source:
            yield f"rates of that machine: {report.machine.source}"
        for part, projected, published in report.kernels:
            miss = 100 * (projected / published - 1)
            yield f"{part}: {projected / 1e12:.3g} TFLOP/s, the paper has {published / 1e12:.4g} ({miss:+.0f} %)"
        yield from (_curve(curve, report) for curve in report.curves)
    yield _solutions(report)
    yield from (f"note: {note}" for note in report.notes)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def _rates(report: Report) -> Table:
    table = _table("Cost of the parts of a step, fitted", "part", "share of the roof", "a call", "worst residual")
    for part, rate in report.rates.items():
        share = f"{100 * rate.share:.3g} %" if rate.share < math.inf else "calls only"
        table.add_row(part, share, f"{1e6 * rate.call:.3g} us", f"{100 * rate.error:.0f} %")
    return table


def _checks(report: Report) -> Table:
    title = f"{report.step} of one rank, against the model"
    table = _table(title, "size", "", "measured", "model", "error")
    for check in report.checks:
        table.add_row(
            check.label,
            "held out" if check.held_out else "fitted",
            f"{1e3 * check.measured:.3g} ms",
            f"{1e3 * check.predicted:.3g} ms",
            f"{100 * check.error:+.1f} %",
        )
    return table


def _beside(report: Report) -> Table:
    table = _table(
        f"{report.step} on several ranks beside one, in turn",
        "run", "ranks", "measured", "model", "efficiency (quartiles)", "model",
    )  # fmt: skip
    for run in report.beside:
        low, middle, high = run.efficiency
        model, share = run.predicted, run.predicted_efficiency
        table.add_row(
            run.label,
            str(run.ranks),
            f"{1e3 * run.measured:.3g} ms",
            "-" if model is None else f"{1e3 * model:.3g} ms",
            f"{middle:.3f} ({low:.3f} to {high:.3f})",
            "-" if share is None else f"{share:.3f}",
        )
    return table


def _counts(beside: Beside, step: str) -> Iterator[str]:
    """Messages of a run: what was counted, and whether the formula says the same."""
    counted, formula = merged(beside.counted), merged(beside.formula)
    listed = ", ".join(f"{m.calls:g} {m.kind} of {m.nbytes:g} B" for m in counted) or "none"
    verdict = "as the formula says" if counted == formula else f"but the formula says {formula}"
    yield f"messages of a {step}, {beside.label}: {listed}; {verdict}"


def _curve(curve: Curve, report: Report) -> Table:
    several = report.steps > 1
    table = _table(
        f"{report.kind} scaling, {curve.series.label}",
        "ranks", f"{report.quantity}s", f"s per {report.step}", "of it messages", *["s per MD step"] * several,
        "efficiency", "paper", "miss", "GB a rank",
    )  # fmt: skip
    points = {point.ranks: point for point in curve.series.published}
    for run, memory in zip(curve.runs, curve.memory, strict=True):
        table.add_row(
            f"{run.ranks:,}",
            f"{run.quantity:,.0f}",
            f"{run.seconds:.4g}",
            f"{run.messages:.2g}",
            *[f"{run.seconds * report.steps:,.0f}"] * several,
            f"{run.efficiency:.3f}",
            *_paper(run, points.get(run.ranks)),
            f"{memory / 1e9:.3g}",
        )
    return table


def _paper(run: Projected, point: Point | None) -> tuple[str, str]:
    """What the paper has there, and how far off the projection is."""
    if point is None:
        return "", ""
    printed, missed = [], []
    if point.efficiency is not None:
        printed.append(f"{point.efficiency:.3g}")
        missed.append(f"{round(run.efficiency - point.efficiency, 3) + 0.0:+.3f}")
    if point.seconds is not None:
        printed.append(f"{point.seconds:.4g} s")
        missed.append(f"{100 * (run.seconds / point.seconds - 1):+.0f} % of the time")
    return ", ".join(printed), ", ".join(missed)


def _solutions(report: Report) -> Table:
    networks = any(row.weights for row in report.solutions)
    each = ["weights", f"s/({report.quantity} weight step)", f"us/{report.quantity} of a rank"] if networks else []
    unit = f"s/({report.quantity} step)"
    table = _table("Time to solution beside published ones", "work", "machine", "", f"{report.quantity}s", unit, *each)
    for row in report.solutions:
        figures = [f"{row.quantity:,.0f}", f"{row.seconds:.3g}"]
        table.add_row(row.work, row.machine, row.source, *figures, *(_of_network(row) if networks else ()))
    return table


def _of_network(row: TimeToSolution) -> tuple[str, str, str]:
    """Weights, time for each of them, microseconds that a rank takes for one of its own atoms."""
    if row.weights is None:
        return "", "", ""
    own = f"{1e6 * row.seconds * row.ranks:.4g}" if row.ranks else ""
    return f"{row.weights:,}", f"{row.seconds / row.weights:.3g}", own
