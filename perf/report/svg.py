"""Small plots as SVG text: a frame with linear or logarithmic axes, lines, points, bars.

Colours are CSS variables of the page, so that a plot follows its light or dark theme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

Point = tuple[float, float]
SHAPES = ("circle", "square", "diamond", "triangle", "down", "cross", "plus")
LEFT, RIGHT, TOP, BOTTOM = 58.0, 14.0, 26.0, 44.0
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """One axis: its range, its label with the unit, and whether it is logarithmic."""

    low: float
    high: float
    label: str
    log: bool = True

    def part(self, value: float) -> float:
        """Where a value lies, 0 to 1.

        Examples
        --------
        >>> Axis(1.0, 100.0, "").part(10.0)
        0.5
        """
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Values with a label: decades, thinned out or with halves between them, or five even steps.

        Examples
        --------
        >>> Axis(0.5, 200.0, "").ticks()
        [1.0, 10.0, 100.0]
        """
        if not self.log:
            return [self.low + k * (self.high - self.low) / 5 for k in range(6)]
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        decades = range(first, last + 1)
        if len(decades) < 2:
            exponents = range(first - 1, last + 1)
            return [v for e in exponents for m in (1, 2, 5) if self.low <= (v := m * 10.0**e) <= self.high * 1.0001]
        return [10.0**e for e in decades[:: 1 + len(decades) // 7]]


def spanning(values: Sequence[float], label: str, margin: float = 1.35) -> Axis:
    """A logarithmic axis that holds the values.

    Examples
    --------
    >>> axis = spanning([1.0, 50.0], "GB/s", margin=2.0)
    >>> axis.low, axis.high
    (0.5, 100.0)
    """
    return Axis(min(values) / margin, max(values) * margin, label)


def tick_text(value: float) -> str:
    """A number at an axis.

    Examples
    --------
    >>> tick_text(0.5), tick_text(1000.0), tick_text(1e-6), tick_text(100000.0)
    ('0.5', '1000', '10⁻⁶', '10⁵')
    """
    if value and not 1e-3 <= abs(value) < 1e4:
        exponent = math.floor(math.log10(abs(value)) + 1e-9)
        factor = value / 10.0**exponent
        power = "10" + str(exponent).translate(SUPERSCRIPTS)
        return power if abs(factor - 1) < 1e-6 else f"{factor:.2g}·{power}"
    return f"{value:.4g}"


@dataclass
class Plot:
    """A plot that is being drawn.

    Parameters
    ----------
    x, y : Axis
        The axes.
    title : str
        Above it.
    width, height : float
        Size, in pixels of the page.
    grid : bool
        Whether the x axis has ticks and lines.
    """

    x: Axis
    y: Axis
    title: str = ""
    width: float = 640.0
    height: float = 400.0
    grid: bool = True
    parts: list[str] = field(default_factory=list)

    def at(self, point: Point) -> Point:
        """Pixels of a point."""
        across = self.width - LEFT - RIGHT
        down = self.height - TOP - BOTTOM
        return LEFT + across * self.x.part(point[0]), TOP + down * (1.0 - self.y.part(point[1]))

    def line(self, points: Sequence[Point], colour: str, kind: str = "series", title: str = "") -> None:
        """A line through points; ``kind`` is its CSS class."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, points))
        drawn = f'<polyline class="{kind}" style="stroke:{colour}" points="{path}">'
        self.parts.append(f"{drawn}{_title(title)}</polyline>")

    def mark(self, point: Point, colour: str, shape: str, title: str, size: float = 5.0, kind: str = "") -> None:
        """A point; ``title`` is shown under the mouse."""
        x, y = self.at(point)
        drawn = marker(x, y, size, shape)
        self.parts.append(f'<g class="mark {kind}" style="--c:{colour}">{drawn}{_title(title)}</g>')

    def text(self, point: Point, text: str, dx: float = 0.0, dy: float = 0.0, kind: str = "note") -> None:
        """Words near a point."""
        x, y = self.at(point)
        self.parts.append(f'<text class="{kind}" x="{x + dx:.1f}" y="{y + dy:.1f}">{escape(text)}</text>')

    def slanted(self, point: Point, other: Point, text: str, kind: str = "note") -> None:
        """Words above a line, along it."""
        (x, y), (x2, y2) = self.at(point), self.at(other)
        angle = math.degrees(math.atan2(y2 - y, x2 - x))
        turn = f'transform="translate({x:.1f} {y:.1f}) rotate({angle:.1f})"'
        self.parts.append(f'<text class="{kind}" {turn} dy="-5">{escape(text)}</text>')

    def svg(self) -> str:
        """The whole plot."""
        size = f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" height="{self.height:g}"'
        label = escape(self.title or f"{self.y.label} over {self.x.label}", quote=True)
        return (
            f'<svg class="plot" role="img" aria-label="{label}" {size}>{self._frame()}'
            f'<g class="data">{"".join(self.parts)}</g></svg>'
        )

    def _frame(self) -> str:
        right, floor = self.width - RIGHT, self.height - BOTTOM
        drawn = []
        for value in self.y.ticks():
            _, y = self.at((self.x.low, value))
            drawn.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            drawn.append(f'<text class="tick end" x="{LEFT - 6}" y="{y + 3.5:.1f}">{tick_text(value)}</text>')
        for value in self.x.ticks() if self.grid else ():
            x, _ = self.at((value, self.y.low))
            drawn.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{floor}"/>')
            drawn.append(f'<text class="tick mid" x="{x:.1f}" y="{floor + 15}">{tick_text(value)}</text>')
        drawn.append(f'<path class="axis" d="M{LEFT},{TOP} V{floor} H{right}"/>')
        middle = (LEFT + right) / 2
        drawn.append(f'<text class="label mid" x="{middle:.1f}" y="{self.height - 8}">{escape(self.x.label)}</text>')
        turn = f'transform="translate(14 {(TOP + floor) / 2:.1f}) rotate(-90)"'
        drawn.append(f'<text class="label mid" {turn}>{escape(self.y.label)}</text>')
        if self.title:
            drawn.append(f'<text class="head" x="{LEFT}" y="15">{escape(self.title)}</text>')
        return "".join(drawn)


def marker(x: float, y: float, r: float, shape: str) -> str:
    """A marker around a point.

    Examples
    --------
    >>> marker(10, 20, 5, "circle")
    '<circle cx="10.0" cy="20.0" r="5.0"/>'
    """
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>'
    corners = {
        "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "diamond": [(0, -1.3), (1.1, 0), (0, 1.3), (-1.1, 0)],
        "triangle": [(0, -1.2), (1.15, 0.9), (-1.15, 0.9)],
        "down": [(0, 1.2), (1.15, -0.9), (-1.15, -0.9)],
        "cross": _turned(45.0),
        "plus": _turned(0.0),
    }[shape]
    path = " ".join(f"{x + r * dx:.1f},{y + r * dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{path}"/>'


def _turned(degrees: float) -> list[Point]:
    """The corners of a plus sign, turned."""
    a, b = 0.38, 1.2
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    arm = [(-a, -b), (a, -b), (a, -a)]
    corners = [(x, y) for k in range(4) for x, y in (_quarter(p, k) for p in arm)]
    return [(x * c - y * s, x * s + y * c) for x, y in corners]


def _quarter(point: Point, times: int) -> Point:
    x, y = point
    for _ in range(times):
        x, y = -y, x
    return x, y


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""
