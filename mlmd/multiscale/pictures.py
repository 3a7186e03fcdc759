"""Pictures of polar textures: maps of polarisation and topological charge, and the charge over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..style import BLUE, GREEN, GREY, ORANGE, PULSE, as_png
from .history import Observation
from .topology import Array, charge_density

COLORS = (BLUE, ORANGE, GREEN, PULSE, GREY)
ARROWS = 32  # along an axis, at most
Map = tuple[str, Array]


def draw_maps(maps: Sequence[Map], sides: Sequence[float], title: str = "") -> bytes:
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


def _maps(maps: Sequence[Map], sides: Sequence[float], title: str) -> Figure:
    nx, ny = maps[0][1].shape[:2]
    width = 3.3
    height = width * (ny * sides[1]) / (nx * sides[0])
    figure = Figure(figsize=(width * len(maps) + 1.2, 2 * height + 1.3), layout="constrained")
    axes = figure.subplots(2, len(maps), squeeze=False, sharex=True, sharey=True)
    largest = max(float(np.abs(P).max()) for _, P in maps)
    densities = [charge_density(P) for _, P in maps]
    densest = max(float(np.abs(density).max()) for density in densities)
    extent = (0.0, 0.1 * nx * sides[0], 0.0, 0.1 * ny * sides[1])
    shown: list[Any] = [None, None]
    for column, ((name, P), density) in enumerate(zip(maps, densities, strict=True)):
        shown[0] = _image(axes[0, column], P[..., 2], largest, "RdBu_r", extent)
        _arrows(axes[0, column], P, largest, sides)
        shown[1] = _image(axes[1, column], density, densest, "PuOr_r", extent)
        axes[0, column].set_title(name)
        axes[1, column].set_xlabel("x (nm)")
    for row, label in enumerate(("polarisation along z (C/m²)", "topological charge of a cell")):
        axes[row, 0].set_ylabel("y (nm)")
        figure.colorbar(shown[row], ax=axes[row], label=label, shrink=0.9)
    figure.suptitle(title)
    return figure


def _image(axes: Any, values: Array, largest: float, colors: str, extent: tuple[float, ...]) -> Any:
    axes.grid(False)
    return axes.imshow(
        values.T, origin="lower", cmap=colors, vmin=-largest, vmax=largest, extent=extent, interpolation="nearest"
    )


def _arrows(axes: Any, P: Array, largest: float, sides: Sequence[float]) -> None:
    """Parts in the plane, of a stride of cells; the longest is as long as the stride."""
    nx, ny = P.shape[:2]
    stride = -(-max(nx, ny) // ARROWS)
    cells = np.ix_(np.arange(stride // 2, nx, stride), np.arange(stride // 2, ny, stride))
    x, y = (0.1 * side * (index + 0.5) for side, index in zip(sides, np.indices((nx, ny)), strict=True))
    scale = largest / (0.095 * stride * min(sides))
    arrows = P[cells]
    axes.quiver(
        x[cells], y[cells], arrows[..., 0], arrows[..., 1],
        angles="xy", scale_units="xy", scale=scale, pivot="mid", color="#111827", width=0.005,
    )  # fmt: skip


def draw_charges(runs: Mapping[str, Sequence[Observation]], title: str = "") -> bytes:
    """Draw the topological charge of some runs over time, as PNG.

    Parameters
    ----------
    runs : mapping
        Name -> observations; over the frames where they do not know their times.
    title : str
        Over the picture.

    Returns
    -------
    bytes

    Examples
    --------
    >>> row = Observation(0, 0.0, np.zeros(3), 0.0, -1.0, np.array([-1.0]))
    >>> draw_charges({"dark": [row]})[1:4]
    b'PNG'
    """
    return as_png(partial(_charges, runs, title))


def _charges(runs: Mapping[str, Sequence[Observation]], title: str) -> Figure:
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    timed = all(np.isfinite(row.time_fs) for rows in runs.values() for row in rows)
    for k, (name, rows) in enumerate(runs.items()):
        times = [0.001 * row.time_fs if timed else row.frame for row in rows]
        marker = "o" if len(rows) < 60 else ""
        axes.plot(
            times, [row.charge for row in rows], color=COLORS[k % len(COLORS)], label=name, marker=marker, markersize=3
        )
    axes.set_xlabel("time (ps)" if timed else "frame")
    axes.set_ylabel("topological charge Q")
    axes.set_title(title)
    axes.margins(y=0.1)
    axes.legend()
    return figure
