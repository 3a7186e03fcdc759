"""The picture of docs/hopping.md: ``python -m tests.hopping.draw_tully FILE.png``."""

from __future__ import annotations

import sys

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mlmd.dcmesh.hopping.tully import MASS
from mlmd.style import BLUE, GREEN, GREY, ORANGE

from .quantum import scattered
from .test_tully import CASES, MODELS, ours

OUTCOMES = {
    (0, 0): ("T, lower", BLUE),
    (0, 1): ("T, upper", ORANGE),
    (1, 0): ("R, lower", GREEN),
    (1, 1): ("R, upper", GREY),
}


def draw(file: str) -> None:
    """Exact curves, our trajectories and those of the other code."""
    figure = Figure(figsize=(12.0, 4.2), layout="constrained", dpi=110)
    for axes, name in zip(figure.subplots(1, 3, sharey=True), MODELS, strict=True):
        cases = [case for case in CASES if case[0] == name]
        momenta = np.linspace(0.8 * cases[0][1], cases[-1][1], 120)
        exact = np.array([scattered(MODELS[name], k, MASS, dx=0.004) for k in momenta])
        found = np.array([ours(name, k) for _, k, _ in cases])
        for (way, state), (label, color) in OUTCOMES.items():
            axes.plot(momenta, exact[:, way, state], color=color, linewidth=1.0, label=f"{label}: exact")
            axes.plot([k for _, k, _ in cases], found[:, way, state], "o", color=color, label="MLMD")
            other = [p[way, state] for _, _, p in cases]
            axes.plot([k for _, k, _ in cases], other, "x", color="black", markersize=9, label="mudslide")
        axes.set(title=f"Model {name}", xlabel="momentum (a.u.)", ylim=(-0.03, 1.03))
    figure.axes[0].set_ylabel("probability")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        [handles[i] for i in (0, 3, 6, 9, 1, 2)],
        [labels[i] for i in (0, 3, 6, 9, 1, 2)],
        loc="outside lower center",
        ncols=6,
    )
    FigureCanvasAgg(figure).print_png(file)


if __name__ == "__main__":
    draw(sys.argv[1])
