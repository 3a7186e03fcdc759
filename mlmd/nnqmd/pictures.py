"""Pictures of a training: learning curve, and predictions against labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..style import BLUE, GREEN, GREY, ORANGE, as_png
from .evaluation import Prediction
from .failure import Conditions, Lifetime, PowerLaw

COLORS = (BLUE, ORANGE, GREEN, GREY)


def draw_learning(points: Sequence[dict[str, Any]], title: str = "") -> bytes:
    """Draw errors on the validation structures over the epochs, as PNG.

    Parameters
    ----------
    points : sequence of dict
        A learning curve (:func:`mlmd.nnqmd.learning_file.read_curve`).
    title : str
        Over the picture.

    Returns
    -------
    bytes

    Examples
    --------
    >>> draw_learning([{"epoch": 0, "val0_epoch/forces_mae": 0.1, "val0_epoch/per_atom_energy_mae": 0.01}])[1:4]
    b'PNG'
    """
    return as_png(partial(_learning, points, title))


def _learning(points: Sequence[dict[str, Any]], title: str) -> Figure:
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    epochs = [point["epoch"] + 1 for point in points]
    for key, label, color in (
        ("val0_epoch/forces_mae", "forces (meV/Å)", BLUE),
        ("val0_epoch/per_atom_energy_mae", "energy (meV/atom)", ORANGE),
    ):
        axes.semilogy(epochs, [1e3 * point.get(key, np.nan) for point in points], label=label, color=color)
    axes.set_xlabel("epoch")
    axes.set_ylabel("mean absolute error, validation")
    axes.set_title(title)
    axes.legend()
    return figure


def draw_predictions(predictions: Sequence[Prediction], title: str = "") -> bytes:
    """Draw predicted energies and forces over their labels, as PNG.

    Parameters
    ----------
    predictions : sequence of Prediction
        At least one.
    title : str
        Over the picture.

    Returns
    -------
    bytes
    """
    return as_png(partial(_predictions, predictions, title))


def _predictions(predictions: Sequence[Prediction], title: str) -> Figure:
    figure = Figure(figsize=(8.4, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    energies = np.array([p.energy for p in predictions])
    _diagonal(left, energies[:, 0], energies[:, 1], "energy (eV/atom)", ORANGE)
    pairs = [p.forces for p in predictions if p.forces is not None]
    if pairs:
        label, model = (np.concatenate([pair[k].ravel() for pair in pairs]) for k in (0, 1))
        _diagonal(right, label, model, "force (eV/Å)", BLUE)
    figure.suptitle(title)
    return figure


def draw_lifetimes(
    lifetimes: Mapping[str, Sequence[Lifetime]], laws: Mapping[str, PowerLaw], conditions: Conditions
) -> bytes:
    """Draw times to failure over the number of atoms, with the fitted power laws, as PNG.

    Parameters
    ----------
    lifetimes : mapping
        Model -> its runs; those that did not fail are open triangles.
    laws : mapping
        Model -> fitted law, where there is one.
    conditions : Conditions
        For the title.

    Returns
    -------
    bytes

    Examples
    --------
    >>> draw_lifetimes({"a": [Lifetime(40, 0, 10.0, "hot")]}, {}, Conditions(temperature=300))[1:4]
    b'PNG'
    """
    return as_png(partial(_lifetimes, lifetimes, laws, conditions))


def _lifetimes(
    lifetimes: Mapping[str, Sequence[Lifetime]], laws: Mapping[str, PowerLaw], conditions: Conditions
) -> Figure:
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    for k, (name, runs) in enumerate(lifetimes.items()):
        color = COLORS[k % len(COLORS)]
        for failed, style in ((True, {"marker": "o", "markersize": 4}), (False, {"marker": "^", "mfc": "none"})):
            chosen = [run for run in runs if (run.reason is not None) == failed]
            axes.loglog([run.atoms for run in chosen], [run.time for run in chosen], ls="", color=color, **style)
        label = name
        if name in laws:
            law, atoms = laws[name], np.array(sorted({run.atoms for run in runs}), dtype=float)
            label = f"{name}: $N^{{{law.exponent:.2f} \\pm {law.exponent_error:.2f}}}$"
            axes.loglog(atoms, [law.at(n) for n in atoms], color=color)
        axes.plot([], [], color=color, marker="o", label=label)
    axes.set_xlabel("atoms")
    axes.set_ylabel("time to failure (fs)")
    axes.set_title(f"{conditions.temperature:g} K; triangles: no failure within {conditions.longest:g} fs")
    axes.legend()
    return figure


def _diagonal(axes: Any, label: np.ndarray, model: np.ndarray, name: str, color: str) -> None:
    ends = [min(label.min(), model.min()), max(label.max(), model.max())]
    axes.plot(ends, ends, color=GREY, linewidth=1)
    axes.plot(label, model, ".", markersize=3, color=color, alpha=0.5)
    axes.set_xlabel(f"{name}, label")
    axes.set_ylabel(f"{name}, model")
