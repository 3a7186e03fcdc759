"""Pictures of a run: the light and the current, the excitation, the change of the density; two runs side by side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from . import units
from .compare import Comparison
from .config import Kick, NoLaser, PulseSettings
from .engine import light
from .io.series import Series
from .laser import Pulse
from .problem import Problem
from .style import BLUE, GREEN, GREY, ORANGE, PULSE, as_png

if TYPE_CHECKING:
    from .precision.planning import Report

Array = NDArray[np.float64]


def draw(problem: Problem, series: Series, density_change: Array) -> tuple[bytes, bytes, bytes]:
    """Draw all pictures of a run.

    Parameters
    ----------
    problem : Problem
        The problem, for title, cell and pulse.
    series : Series
        The observations.
    density_change : ndarray
        (nx, ny, nz) float64, electrons per bohr^3.

    Returns
    -------
    tuple of bytes
        PNG images: light and current, excitation, density change.
    """
    return (
        as_png(partial(light_and_current, problem, series)),
        as_png(partial(excitation, problem, series)),
        as_png(partial(density_slice, problem, density_change)),
    )


def draw_comparison(comparison: Comparison) -> bytes:
    """Draw two runs side by side.

    Parameters
    ----------
    comparison : Comparison
        The runs.

    Returns
    -------
    bytes
        PNG image.
    """
    return as_png(partial(side_by_side, comparison))


def draw_pareto(report: Report, title: str) -> bytes:
    """Draw what assignments of precision cost, against their error.

    Parameters
    ----------
    report : mlmd.precision.planning.Report
        A plan with all that led to it.
    title : str
        Heading of the picture.

    Returns
    -------
    bytes
        PNG image.
    """
    return as_png(partial(pareto_front, report, title))


def pareto_front(report: Report, title: str) -> Figure:
    """Return a figure of the time of a step against the error at the end, one point for each assignment."""
    plan, figure = report.plan, Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    shown = [choice for choice in report.choices if choice.error > 0.0]
    dots = [(choice.error, 100 * choice.seconds / report.finest_seconds) for choice in shown]
    errors, times = zip(*dots, strict=True)
    axes.scatter(errors, times, s=14, color=GREY, alpha=0.5, linewidth=0, label="predicted")
    front = [(choice.error, 100 * choice.seconds / report.finest_seconds) for choice in report.front if choice.error]
    axes.step(*zip(*front, strict=True), where="post", color=BLUE, label="Pareto front")
    together = [one for one in report.tried if one.at_end > 0.0]
    for one, mark in ((one, "*" if one is report.tried[-1] else "X") for one in together):
        y = 100 * one.choice.seconds / report.finest_seconds
        what = "chosen, run together" if mark == "*" else "run together, refused"
        axes.plot(one.at_end, y, mark, markersize=14, color=GREEN if mark == "*" else ORANGE, label=what)
    axes.axvline(plan.budget, color=ORANGE, linestyle="--", linewidth=1.2, label=f"budget {plan.budget:g}")
    axes.set(xscale="log", xlabel=f"error of {plan.observable} at the end", ylabel="time of a step (FP64: 100 %)")
    axes.set_ylim(bottom=0.0)
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def light_and_current(problem: Problem, series: Series) -> Figure:
    """Return a figure of A(t) above J(t), along the polarisation of the light."""
    figure = Figure(figsize=(7.2, 5.0), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    direction = np.asarray(getattr(problem.config.laser, "polarization", (0.0, 0.0, 1.0)))
    time = femtoseconds(series)
    above.plot(time, series["A"] @ direction, color=ORANGE)
    above.set(ylabel="vector potential $A$ (a.u.)", title=title_of(problem, "Light and current"))
    below.plot(time, series["J"] @ direction, color=BLUE)
    below.set(ylabel="current density $J$ (a.u.)", xlabel="time (fs)")
    for axes in (above, below):
        _shade_pulse(axes, problem.config.laser)
        axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
    above.margins(x=0.0)
    figure.align_ylabels()
    return figure


def excitation(problem: Problem, series: Series) -> Figure:
    """Return a figure of the number of excited electrons over time, with the pulse shaded."""
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = figure.subplots()
    n_exc = series["n_exc"]
    axes.plot(femtoseconds(series), n_exc, color=BLUE)
    _shade_pulse(axes, problem.config.laser)
    axes.margins(x=0.0)
    axes.set_ylim(bottom=min(0.0, float(n_exc.min()) * 1.05), top=max(float(n_exc.max()) * 1.15, 1e-12))
    axes.set(
        xlabel="time (fs)",
        ylabel="excited electrons per cell",
        title=title_of(problem, f"Excited electrons: {n_exc[-1]:.3g} at the end"),
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left")
    return figure


def density_slice(problem: Problem, change: Array) -> Figure:
    """Return a figure of the density change in the plane through its largest value."""
    lengths = [float(edge) for edge in problem.atoms.cell.lengths()]
    ix, iy, _ = np.unravel_index(int(np.argmax(np.abs(change))), change.shape)
    # Of the two planes that hold the z axis take the one in which more of the density moves.
    along_y = np.abs(change[ix, :, :]).sum() > np.abs(change[:, iy, :]).sum()
    plane = change[ix, :, :] if along_y else change[:, iy, :]
    normal, across = (0, 1) if along_y else (1, 0)
    where = lengths[normal] * (ix if along_y else iy) / change.shape[normal]
    # A few points next to a nucleus must not bleach all the rest: colours end at the 99.5th percentile.
    largest = float(np.abs(plane).max())
    scale = float(np.quantile(np.abs(plane), 0.995)) or largest or 1.0
    half = [lengths[axis] / change.shape[axis] / 2 for axis in (across, 2)]
    figure = Figure(figsize=(6.0, 5.0), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(
        np.pad(plane, ((0, 1), (0, 1)), mode="wrap").T,
        origin="lower",
        extent=(-half[0], lengths[across] + half[0], -half[1], lengths[2] + half[1]),
        cmap="RdBu_r",
        vmin=-scale,
        vmax=scale,
        interpolation="bicubic",
    )
    _mark_atoms(axes, problem, normal, across, where)
    axes.grid(False)
    axes.set(
        xlabel=f"{'xyz'[across]} (Å)",
        ylabel="z (Å)",
        xlim=(0.0, lengths[across]),
        ylim=(0.0, lengths[2]),
        title=title_of(problem, f"Density change at the end, {'xyz'[normal]} = {where:.2f} Å"),
    )
    axes.tick_params(pad=9)
    bar = figure.colorbar(image, ax=axes, shrink=0.85, extend="both" if largest > scale else "neither")
    bar.set_label("electrons / bohr³")
    bar.formatter.set_powerlimits((-2, 2))  # type: ignore[attr-defined]
    return figure


def side_by_side(comparison: Comparison) -> Figure:
    """Return a figure of n_exc(t) and J(t) of two runs, above their differences."""
    a, b = comparison.a, comparison.b
    figure = Figure(figsize=(11.0, 5.6), layout="constrained")
    (left, right), (below_left, below_right) = figure.subplots(2, 2, sharex=True, height_ratios=(3, 1))
    direction = _direction_of(comparison)
    time = units.from_atomic(1.0, "fs", "time") * comparison.time
    unit = _pair(left, below_left, time, comparison.n_exc_a, comparison.n_exc_b, comparison)
    left.set(ylabel=f"excited electrons per cell{f' ({unit})' if unit else ''}", title="Excited electrons")
    unit = _pair(right, below_right, time, comparison.J_a @ direction, comparison.J_b @ direction, comparison)
    right.set(ylabel=f"current density $J$ ({f'{unit} a.u.'.strip()})", title="Current along the light")
    for axes in (left, right):
        _shade_pulse(axes, b.config.laser)
    for axes in (below_left, below_right):
        axes.set(xlabel="time (fs)", ylabel="A − B\n(% of max B)")
        axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
    left.margins(x=0.0)
    figure.align_ylabels()
    figure.suptitle(b.config.title or a.config.title, x=0.01, ha="left", fontsize=13)
    handles, labels = left.get_legend_handles_labels()
    order = [1, 0, *range(2, len(labels))]
    figure.legend([handles[i] for i in order], [labels[i] for i in order], loc="outside lower center", ncols=len(order))
    return figure


def _pair(above: Axes, below: Axes, time: Array, a: Array, b: Array, comparison: Comparison) -> str:
    """Draw a quantity of two runs, and below their difference in percent of the largest value of B.

    Returns the power of ten that small values are drawn in, empty for 1.
    """
    largest = float(np.abs(b).max()) or 1.0
    power = int(np.floor(np.log10(largest))) if largest < 1e-2 else 0
    a, b = a / 10.0**power, b / 10.0**power
    # The reference lies broad and pale below the other: both are seen where they coincide.
    above.plot(time, b, color=GREY, linewidth=4.5, alpha=0.5, label=f"B  {comparison.label_b}")
    above.plot(time, a, color=BLUE, linewidth=1.6, label=f"A  {comparison.label_a}")
    below.plot(time, 100 * (a - b) / largest * 10.0**power, color=BLUE, linewidth=1.4)
    return f"$10^{{{power}}}$" if power else ""


def _direction_of(comparison: Comparison) -> Array:
    """Return the direction of the light; in the dark the axis along which most current flows."""
    polarization = getattr(comparison.b.config.laser, "polarization", None)
    if polarization is not None:
        return np.asarray(polarization)
    return np.asarray(np.eye(3)[np.abs(comparison.J_b).max(axis=0).argmax()])


def _mark_atoms(axes: Axes, problem: Problem, normal: int, across: int, where: float) -> None:
    """Mark the atoms near the plane by symbol, images at the border included."""
    lengths = np.asarray(problem.atoms.cell.lengths())
    for symbol, position in zip(problem.atoms.get_chemical_symbols(), problem.atoms.positions, strict=True):
        distance = (position[normal] - where + lengths[normal] / 2) % lengths[normal] - lengths[normal] / 2
        if abs(distance) > 0.6:
            continue
        for x, z in _with_images(position[across], lengths[across], position[2], lengths[2]):
            axes.plot(x, z, "o", markersize=15, color="white", alpha=0.75, markeredgecolor=GREY, clip_on=False)
            axes.annotate(symbol, (x, z), ha="center", va="center", fontsize=9, annotation_clip=False)


def _with_images(x: float, width: float, z: float, height: float) -> list[tuple[float, float]]:
    """Return the places of an atom in the cell, borders included."""
    near = 1e-3
    return [
        (image_x, image_z)
        for image_x in (x % width - width, x % width, x % width + width)
        for image_z in (z % height - height, z % height, z % height + height)
        if -near < image_x < width + near and -near < image_z < height + near
    ]


def _shade_pulse(axes: Axes, settings: NoLaser | Kick | PulseSettings) -> None:
    """Shade the pulse: its intensity envelope over the full height of the axes."""
    pulse = light(settings)
    if not isinstance(pulse, Pulse):
        return
    times = np.linspace(pulse.start, pulse.duration, 200)
    intensity = [pulse.envelope(t) ** 2 for t in times]
    axes.fill_between(
        units.from_atomic(1.0, "fs", "time") * times,
        intensity,
        color=PULSE,
        alpha=0.2,
        linewidth=0,
        transform=axes.get_xaxis_transform(),
        label="pulse (intensity)",
        zorder=0.5,
    )


def title_of(problem: Problem, what: str) -> str:
    """Return a heading with the title of the run above it."""
    return f"{problem.config.title}\n{what}" if problem.config.title else what


def femtoseconds(series: Series) -> Array:
    """Return the times of the observations in fs."""
    return np.asarray(units.from_atomic(1.0, "fs", "time") * series["time"])
