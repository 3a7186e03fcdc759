"""Pictures of polar textures: maps of polarisation, charge and excitation, and curves over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..style import BLUE, GREEN, GREY, ORANGE, PULSE, as_png
from .history import Observation
from .topology import Array, charge_density
from .verdict import Verdict

COLORS = (BLUE, ORANGE, GREEN, PULSE, GREY, "#56B4E9", "#CC79A7")
INK = "#111827"
POLAR_COLORS, CHARGE_COLORS = "RdBu_r", "PuOr_r"
POLAR_LABEL, CHARGE_LABEL = "polarisation $P_z$ (C/m²)", "charge of a cell"
PANEL = 3.3  # side of a map, inches, of a square box
ARROWS = 32  # along the side of a square box, at most
MOST_NUMBERS = 64  # written into the squares of a map
MOST_POINTS = 40  # of a curve that are marked
Map = tuple[str, Array]
Sides = Sequence[float]


def draw_maps(maps: Sequence[Map], sides: Sides, title: str = "") -> bytes:
    """Draw polarisation and charge density of some frames beside each other, as PNG.

    Parameters
    ----------
    maps : sequence of (str, array (nx, ny, 3))
        Title and polarisation in C/m^2 of each.
    sides : (float, float)
        Of a cell, Angstrom.
    title : str
        Over the picture.

    Returns
    -------
    bytes
        Arrows are the part in the plane, colours that out of it; below each map its topological charge density.

    Examples
    --------
    >>> from mlmd.multiscale.textures import Texture
    >>> draw_maps([("start", Texture().field(16, 16))], (3.9, 3.9))[1:4]
    b'PNG'
    """
    return as_png(partial(_maps, maps, sides, title))


def _maps(maps: Sequence[Map], sides: Sides, title: str) -> Figure:
    width, height = panel(maps[0][1], sides)
    size = (width * len(maps) + 1.6, 2 * height + (1.3 if title else 1.0))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(2, len(maps), squeeze=False, sharex=True, sharey=True)
    largest, densest = ends_of([P for _, P in maps])
    for (name, P), upper, lower in zip(maps, axes[0], axes[1], strict=True):
        polar, _ = draw_polarisation(upper, P, largest, sides)
        charges = draw_density(lower, P, densest, sides)
        upper.set_title(name)
        lower.set_xlabel("x (nm)")
    for row, image, label in ((0, polar, POLAR_LABEL), (1, charges, CHARGE_LABEL)):
        axes[row, 0].set_ylabel("y (nm)")
        figure.colorbar(image, ax=axes[row], label=label, shrink=0.95)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def panel(P: Array, sides: Sides) -> tuple[float, float]:
    """Width and height of a map in inches: the area is that of a square one."""
    root = float(np.sqrt(P.shape[0] * sides[0] / (P.shape[1] * sides[1])))
    return PANEL * root, PANEL / root


def ends_of(fields: Sequence[Array]) -> tuple[float, float]:
    """Ends of the colours for polarisation and charge density: few cells are beyond them."""
    densities = [np.abs(charge_density(P)) for P in fields]
    return tuple(max(float(np.quantile(values, 0.995)), 1e-12) for values in (np.abs(fields), densities))  # type: ignore[return-value]


def draw_polarisation(axes: Any, P: Array, largest: float, sides: Sides) -> tuple[Any, Any]:
    """Map of a layer: colours for the part out of the plane, arrows for that in it; returns both."""
    nx, ny = P.shape[:2]
    stride = _stride(P)
    x, y = (0.1 * side * (index + 0.5) for side, index in zip(sides, np.indices((nx, ny)), strict=True))
    scale = largest / (0.095 * stride * min(sides))
    shown = _thinned(np.concatenate([x[..., None], y[..., None], P], axis=-1), stride)
    style = {
        "angles": "xy",
        "scale_units": "xy",
        "scale": scale,
        "pivot": "mid",
        "color": INK,
        "width": 0.005,
        "units": "height",
    }
    arrows = axes.quiver(*np.moveaxis(shown[..., :4], -1, 0), **style)
    return _image(axes, P[..., 2], (-largest, largest), POLAR_COLORS, sides), arrows


def turn_arrows(arrows: Any, P: Array) -> None:
    """Let the arrows of :func:`draw_polarisation` show another polarisation."""
    shown = _thinned(P, _stride(P))
    arrows.set_UVC(shown[..., 0], shown[..., 1])


def _stride(P: Array) -> int:
    """Cells from one arrow to the next."""
    return int(np.ceil(np.sqrt(P.shape[0] * P.shape[1]) / ARROWS))


def _thinned(values: Array, stride: int) -> Array:
    return values[stride // 2 :: stride, stride // 2 :: stride]


def draw_density(axes: Any, P: Array, densest: float, sides: Sides) -> Any:
    """Map of the topological charge of the squares between cells, on which it is drawn."""
    image = _image(axes, charge_density(P), (-densest, densest), CHARGE_COLORS, sides, shift=0.5)
    axes.set_xlim(0, 0.1 * P.shape[0] * sides[0])
    axes.set_ylim(0, 0.1 * P.shape[1] * sides[1])
    return image


def _image(axes: Any, values: Array, ends: tuple[float, float], colors: str, sides: Sides, shift: float = 0.0) -> Any:
    nx, ny = values.shape
    x0, y0 = (0.1 * shift * side for side in sides)
    extent = (x0, x0 + 0.1 * nx * sides[0], y0, y0 + 0.1 * ny * sides[1])
    axes.grid(False)
    low, high = ends
    return axes.imshow(
        values.T, origin="lower", cmap=colors, vmin=low, vmax=high, extent=extent, interpolation="nearest"
    )


def draw_excitation(n_exc: Array, sides: Sides, title: str = "") -> bytes:
    """Draw excited electrons of each domain, as PNG.

    Parameters
    ----------
    n_exc : array (nx, ny)
        Electrons lifted in a formula unit, for each domain.
    sides : (float, float)
        Of a domain, Angstrom.
    title : str
        Over the picture.

    Returns
    -------
    bytes

    Examples
    --------
    >>> draw_excitation(np.array([[0.1, 0.2], [0.3, 0.1]]), (20.0, 20.0))[1:4]
    b'PNG'
    """
    return as_png(partial(_excitation, n_exc, sides, title))


def _excitation(n_exc: Array, sides: Sides, title: str) -> Figure:
    width, height = panel(n_exc, sides)
    figure = Figure(figsize=(width + 1.4, height + 0.8), layout="constrained")
    axes = figure.add_subplot()
    most = float(n_exc.max())
    image = _image(axes, n_exc, (0.0, most or 1.0), "YlOrRd", sides)
    for x, y in np.ndindex(n_exc.shape) if n_exc.size <= MOST_NUMBERS else ():
        color = "white" if n_exc[x, y] > 0.6 * most else INK
        place = (0.1 * sides[0] * (x + 0.5), 0.1 * sides[1] * (y + 0.5))
        axes.text(*place, f"{n_exc[x, y]:.2f}", ha="center", va="center", color=color, fontsize=9)
    axes.set_xlabel("x (nm)")
    axes.set_ylabel("y (nm)")
    axes.set_title(title)
    figure.colorbar(image, ax=axes, shrink=0.95, label="excited electrons")
    return figure


def draw_charges(runs: Mapping[str, Sequence[Observation]], title: str = "", pulse: float | None = None) -> bytes:
    """Draw the topological charge of some runs over time, as PNG.

    Parameters
    ----------
    runs : mapping
        Name -> observations; over the frames where one of them does not know its times.
    title : str
        Over the picture.
    pulse : float, optional
        Time of the light, fs.

    Returns
    -------
    bytes

    Examples
    --------
    >>> row = Observation(0, 0.0, np.zeros(3), 0.0, -1.0, np.array([-1.0]))
    >>> draw_charges({"dark": [row]})[1:4]
    b'PNG'
    """
    timed = all(np.isfinite(row.time_fs) for rows in runs.values() for row in rows)
    curves = {
        name: (np.array([row.time_fs if timed else row.frame for row in rows]), np.array([row.charge for row in rows]))
        for name, rows in runs.items()
    }
    return draw_curves(curves, "topological charge Q", title, pulse, timed)


def draw_curves(
    curves: Mapping[str, tuple[Array, Array]],
    label: str,
    title: str = "",
    pulse: float | None = None,
    timed: bool = True,
) -> bytes:
    """Draw curves over time in fs, or over frames, as PNG.

    Parameters
    ----------
    curves : mapping
        Name -> times and values.
    label : str
        Of the values.
    title : str
        Over the picture.
    pulse : float, optional
        Time of the light, fs.
    timed : bool
        Whether times are times; else they are numbers of frames.

    Returns
    -------
    bytes
    """
    return as_png(partial(_curves, curves, label, title, pulse, timed))


def _curves(
    curves: Mapping[str, tuple[Array, Array]], label: str, title: str, pulse: float | None, timed: bool
) -> Figure:
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    longest = max(float(np.max(times)) for times, _ in curves.values())
    unit, of_unit = ("fs", 1.0) if longest < 1000.0 else ("ps", 1e-3)
    if pulse is not None:
        axes.axvline(of_unit * pulse, color=PULSE, linestyle="--", linewidth=1.2, label="pulse")
    for k, (name, (times, values)) in enumerate(curves.items()):
        marker = "o" if len(times) <= MOST_POINTS else ""
        where = of_unit * times if timed else times
        width = max(1.4, 1.4 + 1.2 * (len(curves) - 1 - k))  # what is drawn first stays to be seen below the others
        axes.plot(where, values, color=COLORS[k % len(COLORS)], label=name, marker=marker, linewidth=width)
    axes.set_xlabel(f"time ({unit})" if timed else "frame")
    axes.set_ylabel(label)
    axes.set_title(title)
    axes.margins(y=0.1)
    axes.legend()
    return figure


def draw_fluences(verdicts: Sequence[Verdict], title: str = "") -> bytes:
    """Draw the topological charge before and after over the fluence, as PNG.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Of several fluences and seeds.
    title : str
        Over the picture.

    Returns
    -------
    bytes
        Filled points switched.

    Examples
    --------
    >>> from mlmd.multiscale.verdict import judge
    >>> draw_fluences([judge([-1.0, q], -1.0, fluence=f) for f, q in [(1.0, -1.0), (2.0, 0.0)]])[1:4]
    b'PNG'
    """
    return as_png(partial(_fluences, verdicts, title))


def _fluences(verdicts: Sequence[Verdict], title: str) -> Figure:
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for before in sorted({one.charge_before for one in verdicts}):
        axes.axhline(before, color=GREY, linestyle="--", linewidth=1.2)
    for k, seed in enumerate(sorted({one.seed for one in verdicts})):
        mine = [one for one in verdicts if one.seed == seed]
        color = COLORS[k % len(COLORS)]
        axes.plot([], [], "o", color=color, label=f"seed {seed}")
        for one in mine:
            face = color if one.switched else "none"
            axes.plot(one.fluence_mJ_per_cm2, one.charge_after, "o", color=color, markerfacecolor=face)
    axes.set_xlabel("fluence (mJ/cm²)")
    axes.set_ylabel("topological charge after")
    axes.set_title(title)
    axes.margins(y=0.15)
    axes.legend()
    return figure
