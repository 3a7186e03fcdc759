"""The plots of a page: roofline, scaling with size, accuracy against speed, cascades."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ..cases import MODES_OF
from ..portability import cascade
from ..sweep.table import Row
from .data import Source, base, timed
from .svg import SHAPES, Axis, Plot, spanning

SMALL, HALF, WIDE = (372.0, 270.0), (580.0, 420.0), (1160.0, 480.0)  # width and height
CLOSE = 18.0  # pixels between two lines that leave no room for words
BANDWIDTHS = {"read": "read", "scale": "in place", "memory": "copy"}  # as roofs call them: as people do
LINES = ("series", "series dashed", "series dotted", "series dashdot")  # by platform
LEAST_RADIUS, LARGEST_RADIUS = 3.5, 7.0


def colour(backend: str) -> str:
    """The CSS variable of a backend's colour."""
    return f"var(--b-{backend.split()[0]}, var(--other))"


def kind(backend: str) -> str:
    """The CSS class by which a backend is hidden and shown."""
    return f"b-{backend.split()[0]}"


def described(row: Row) -> str:
    """What the mouse shows at a point."""
    assert row.seconds is not None
    words = [f"{row.kernel} {row.mode}, {row.size}", f"{row.backend} on {row.platform}", f"{1e3 * row.seconds:.4g} ms"]
    if row.gflops is not None and row.gbytes is not None:
        words.append(f"{row.gflops:.4g} GFLOP/s, {row.gbytes:.4g} GB/s")
    if row.fraction is not None:
        words.append(f"{100 * row.fraction:.0f} % of {row.roof}")
    if row.error is not None:
        words.append(f"relative error {row.error:.1e}")
    return "\n".join(words)


def speed(row: Row) -> float:
    """Grid points times orbitals per second, in 1e9."""
    assert row.seconds is not None
    return row.work / row.seconds / 1e9


def rooflines(sources: Iterable[Source]) -> list[str]:
    """A roofline for each platform."""
    found: dict[str, tuple[Source, list[Row]]] = {}
    for source in sources:
        for row in timed(source.rows):
            found.setdefault(row.platform, (source, []))[1].append(row)
    size = WIDE if len(found) == 1 else HALF
    return [roofline(platform, rows, _roofs(source, platform), size) for platform, (source, rows) in found.items()]


def _roofs(source: Source, platform: str) -> Mapping[str, float | None]:
    """Bandwidths and peaks of a platform: those of the host, or of the device that has this name."""
    backends = {row.backend for row in source.rows if row.platform == platform}
    own = [found for name, found in source.machine["devices"].items() if name in backends]
    return (own or [source.machine["roofs"]])[0]


def roofline(platform: str, rows: list[Row], roofs: Mapping[str, float | None], size: tuple[float, float]) -> str:
    """GFLOP/s over flop per byte of least traffic, below bandwidths and peaks."""
    found = [(row, row.gflops / row.gbytes, row.gflops) for row in rows if row.gflops and row.gbytes]
    if not found:
        return ""
    bandwidths = {name: rate for key, name in BANDWIDTHS.items() if (rate := roofs.get(key))}
    peaks = {name: rate for name in ("bf16", "fp32", "fp64") if (rate := roofs.get(name))}
    x = spanning([at for _, at, _ in found], "flop per byte of least memory traffic", 2.0)
    heights = [rate for *_, rate in found] + [peak / 1e9 for peak in peaks.values()]
    plot = Plot(x, spanning(heights, "GFLOP/s", 1.6), platform, *size)
    top = max(peaks.values(), default=plot.y.high * 1e9) / 1e9
    for name, rate in bandwidths.items():
        ridge, low = min(x.high, top / (rate / 1e9)), max(x.low, plot.y.low / (rate / 1e9))
        if low < ridge:
            ends = (low, low * rate / 1e9), (ridge, ridge * rate / 1e9)
            plot.line(ends, "var(--roof)", "roof", f"{name}: {rate / 1e9:.4g} GB/s")
            plot.slanted(*ends, f"   {name} {rate / 1e9:.3g} GB/s")
    for rate in peaks.values():
        start = max(x.low, rate / max(bandwidths.values(), default=math.inf))
        plot.line([(min(start, x.high), rate / 1e9), (x.high, rate / 1e9)], "var(--roof)", "roof")
    shapes = kernel_shapes(rows)
    sizes = sorted({row.work for row in rows})
    for row, at, rate in sorted(found, key=lambda item: -item[0].work):
        radius = LEAST_RADIUS + (LARGEST_RADIUS - LEAST_RADIUS) * sizes.index(row.work) / max(1, len(sizes) - 1)
        plot.mark((at, rate), colour(base(row)), shapes[row.kernel], described(row), radius, kind(base(row)))
    _name_peaks(plot, peaks)
    return plot.svg()


def _name_peaks(plot: Plot, peaks: Mapping[str, float]) -> None:
    """The names of the peaks at their right ends, below the line where there is no room above it."""
    above = -math.inf
    for name, rate in sorted(peaks.items(), key=lambda item: -item[1]):
        end = plot.x.high, rate / 1e9
        _, y = plot.at(end)
        plot.text(end, f"{name} {rate / 1e9:.4g} GFLOP/s", -4, -5 if y - above > CLOSE else 12, "note end")
        above = y


def kernel_shapes(rows: Iterable[Row]) -> dict[str, str]:
    """The marker of each kernel."""
    kernels = [kernel for kernel in MODES_OF if any(row.kernel == kernel for row in rows)]
    return {kernel: SHAPES[k % len(SHAPES)] for k, kernel in enumerate(kernels)}


def mode_shapes(rows: Iterable[Row]) -> dict[str, str]:
    """The marker of each arithmetic mode."""
    modes = [mode for mode in MODES_OF["nlp_prop"] if any(row.mode == mode for row in rows)]
    return {mode: SHAPES[k] for k, mode in enumerate(modes)}


def platform_order(rows: Iterable[Row]) -> list[str]:
    """Platforms in the order of the page."""
    return list(dict.fromkeys(row.platform for row in rows))


def scaling(rows: list[Row]) -> list[str]:
    """Speed over size, a small plot for each kernel and mode."""
    good = timed(rows)
    order = platform_order(rows)
    plots = []
    for kernel, modes in MODES_OF.items():
        for mode in modes:
            own = [row for row in good if (row.kernel, row.mode) == (kernel, mode)]
            if own:
                alike = [row.work for row in good if bool(row.norb) == bool(own[0].norb)]
                x = spanning(alike, "grid points × orbitals" if own[0].norb else "grid points", 1.5)
                y = spanning([speed(row) for row in own], "10⁹ points × orbitals / s", 1.6)
                plot = Plot(x, y, f"{kernel} {mode}", *SMALL)
                _series(plot, own, order)
                plots.append(plot.svg())
    return plots


def _series(plot: Plot, rows: list[Row], order: list[str]) -> None:
    """A line for each backend on each platform, over the size."""
    for (backend, platform), own in _grouped(rows):
        own.sort(key=lambda row: row.work)
        points = [(float(row.work), speed(row)) for row in own]
        style = LINES[order.index(platform) % len(LINES)]
        plot.line(points, colour(backend), f"{style} {kind(backend)}")
        for row, point in zip(own, points, strict=True):
            plot.mark(point, colour(backend), "circle", described(row), 3.5, kind(backend))


def _grouped(rows: Iterable[Row]) -> list[tuple[tuple[str, str], list[Row]]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.backend, row.platform), []).append(row)
    return [((backend.partition(":")[0], platform), own) for (backend, platform), own in found.items()]


def accuracy(rows: list[Row]) -> list[str]:
    """Speed over error in the modes of each kernel, at the largest size."""
    shapes, order, plots = mode_shapes(rows), platform_order(rows), []
    for kernel in MODES_OF:
        own = [row for row in timed(rows) if row.kernel == kernel and row.mode in shapes and row.error]
        if len({row.mode for row in own}) < 2:
            continue
        own = at_largest_common(own)
        x = spanning([row.error or 1.0 for row in own], "error relative to the reference", 4.0)
        y = spanning([speed(row) for row in own], "10⁹ points × orbitals / s", 1.6)
        plot = Plot(x, y, f"{kernel}, {own[0].size}", *HALF)
        for (backend, platform), series in _grouped(own):
            series.sort(key=lambda row: row.error or 0.0)
            style = LINES[order.index(platform) % len(LINES)]
            points = [(row.error or 0.0, speed(row)) for row in series]
            plot.line(points, colour(backend), f"{style} faint {kind(backend)}")
            for row, point in zip(series, points, strict=True):
                plot.mark(point, colour(backend), shapes[row.mode], described(row), 5.5, kind(backend))
        plots.append(plot.svg())
    return plots


def at_largest_common(rows: list[Row]) -> list[Row]:
    """The rows of the largest size that all platforms have; of the largest one at all if they have none in common."""
    sizes: dict[str, set[tuple[int, ...]]] = {}
    for row in rows:
        sizes.setdefault(row.platform, set()).add((row.work, *row.key[2:7]))
    largest = max(set.intersection(*sizes.values()) or set.union(*sizes.values()))
    return [row for row in rows if (row.work, *row.key[2:7]) == largest]


def cascade_plot(title: str, efficiency: Mapping[str, Mapping[str, float]], count: int) -> str:
    """Efficiency over the platforms of each application, best first (full), and PP over those up to it (dashed)."""
    x = Axis(0.6, count + 0.4, "platforms, the application's best first", log=False)
    plot = Plot(x, Axis(0.0, 1.0, "efficiency (full), PP (dashed)", log=False), title, HALF[0], 250.0, grid=False)
    for number in range(1, count + 1):
        plot.text((number, 0.0), str(number), 0, 15, "tick mid")
    for name, values in efficiency.items():
        places = [place for place in cascade(values) if place.efficiency > 0.0]
        for style, heights in (
            ("series dashed faint", [place.portability for place in places]),
            ("series", [place.efficiency for place in places]),
        ):
            plot.line(list(enumerate(heights, 1)), colour(name), f"{style} {kind(name)}")
        for number, place in enumerate(places, 1):
            title = f"{name} on {place.platform}\nefficiency {place.efficiency:.3g}, PP so far {place.portability:.3g}"
            plot.mark((number, place.efficiency), colour(name), "circle", title, 4.5, kind(name))
    return plot.svg()
