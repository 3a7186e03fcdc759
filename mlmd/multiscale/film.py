"""A film of the polarisation: map, density of the topological charge and the charge over time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from ..style import BLUE, STYLE
from .history import Observation
from .numbers import signless
from .pictures import (
    CHARGE_COLORS,
    CHARGE_LABEL,
    INK,
    POLAR_COLORS,
    POLAR_LABEL,
    Sides,
    draw_density,
    draw_polarisation,
    ends_of,
    panel,
    turn_arrows,
)
from .topology import Array, charge_density

MOST_IMAGES = 80
DOTS = 80  # per inch


def draw_film(frames: Sequence[tuple[Observation, Array]], sides: Sides, seconds: float = 8.0) -> bytes:
    """Draw frames one after the other, as GIF.

    Parameters
    ----------
    frames : sequence of (Observation, array (nx, ny, 3))
        What was observed, and the polarisation of a layer in C/m^2; of more than 80 only so many are shown.
    sides : (float, float)
        Of a cell, Angstrom.
    seconds : float
        How long the film takes.

    Returns
    -------
    bytes

    Examples
    --------
    >>> from mlmd.multiscale.textures import Texture
    >>> rows = [Observation(k, 50.0 * k, np.zeros(3), 1.0, -1.0, np.array([-1.0])) for k in range(2)]
    >>> draw_film([(row, Texture().field(16, 16)) for row in rows], (3.9, 3.9))[:6]
    b'GIF89a'
    """
    count = min(len(frames), MOST_IMAGES)
    chosen = [frames[k] for k in np.linspace(0, len(frames) - 1, count).round().astype(int)]
    with rc_context(STYLE):
        scene = _Scene(frames, sides)
        images = [scene.image(row, P) for row, P in chosen]
    data = io.BytesIO()
    milliseconds = max(20, round(1000 * seconds / count))
    images[0].save(data, "GIF", save_all=True, append_images=images[1:], duration=milliseconds, loop=0)
    return data.getvalue()


class _Scene:
    """The figure, of which each image changes what moves."""

    def __init__(self, frames: Sequence[tuple[Observation, Array]], sides: Sides) -> None:
        rows, fields = [row for row, _ in frames], [P for _, P in frames]
        largest, densest = ends_of(fields)
        self.timed = all(np.isfinite(row.time_fs) for row in rows)
        width, height = panel(fields[0], sides)
        figure = Figure(figsize=(2 * width + 2.8, 4 / 3 * height + 1.5), dpi=DOTS, layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=[3, 1])
        left, right = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        below = figure.add_subplot(grid[1, :])
        self.map, self.arrows = draw_polarisation(left, fields[0], largest, sides)
        self.density = draw_density(right, fields[0], densest, sides)
        figure.colorbar(self.map, ax=left, shrink=0.95, label=POLAR_LABEL)
        figure.colorbar(self.density, ax=right, shrink=0.95, label=CHARGE_LABEL)
        times = [self._time(row) for row in rows]
        below.plot(times, [row.charge for row in rows], color=BLUE)
        (self.dot,) = below.plot(times[:1], [rows[0].charge], "o", color=INK)
        below.set_xlabel("time (fs)" if self.timed else "frame")
        below.set_ylabel("Q")
        below.margins(y=0.15)
        for axes in (left, right):
            axes.set_xlabel("x (nm)")
        left.set_ylabel("y (nm)")
        self.title = left.set_title(self._told(rows[0]))
        self.moving = (self.map, self.arrows, self.density, self.dot, self.title)
        for artist in self.moving:
            artist.set_animated(True)
        self.canvas = FigureCanvasAgg(figure)
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(figure.bbox)

    def _time(self, row: Observation) -> float:
        return row.time_fs if self.timed else row.frame

    def _told(self, row: Observation) -> str:
        time = f"{row.time_fs:.0f} fs" if self.timed else f"frame {row.frame}"
        return f"{time}, Q = {signless(row.charge)}"

    def image(self, row: Observation, P: Array) -> Any:
        """Image of a frame."""
        self.map.set_data(P[..., 2].T)
        self.density.set_data(charge_density(P).T)
        turn_arrows(self.arrows, P)
        self.dot.set_data([self._time(row)], [row.charge])
        self.title.set_text(self._told(row))
        self.canvas.restore_region(self.still)
        for artist in self.moving:
            self.canvas.figure.draw_artist(artist)
        image = Image.fromarray(np.asarray(self.canvas.buffer_rgba())).convert("RGB")
        return image.quantize(palette=_palette(), dither=Image.Dither.NONE)


@cache
def _palette() -> Any:
    """Colours of the maps, greys and the colour of the curve: a GIF has 256."""
    maps = [colormaps[name](np.linspace(0, 1, 96))[:, :3] for name in (POLAR_COLORS, CHARGE_COLORS)]
    greys = np.repeat(np.linspace(0, 1, 32)[:, None], 3, axis=1)
    line = to_rgb(BLUE) + np.linspace(0, 1, 8)[:, None] * (1 - np.array(to_rgb(BLUE)))
    palette = Image.new("P", (1, 1))
    palette.putpalette((255 * np.concatenate([*maps, greys, line])).round().astype(np.uint8).tobytes())
    return palette
