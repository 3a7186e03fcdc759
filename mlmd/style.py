"""The style of all pictures.

Drawn with Matplotlib's Agg canvas, so that no display is needed. Colours are of the Okabe-Ito palette, which people
with colour-blindness can tell apart.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B7280"
PULSE = "#E69F00"
STYLE = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "figure.dpi": 150,
}


def as_png(make: Callable[[], Figure]) -> bytes:
    """Make a figure in the style of all pictures and return it as a PNG image.

    Examples
    --------
    >>> as_png(Figure)[1:4]
    b'PNG'
    """
    with rc_context(STYLE):
        buffer = io.BytesIO()
        FigureCanvasAgg(make()).print_png(buffer)
        return buffer.getvalue()
