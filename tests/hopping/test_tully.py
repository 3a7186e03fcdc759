"""Tully's three models: 2,000 trajectories against an independent code, and against the exact quantum result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mlmd.dcmesh.hopping import scatter
from mlmd.dcmesh.hopping.tully import MASS, dual_crossing, extended_coupling, simple_crossing

from .quantum import scattered

MODELS = {"I": simple_crossing, "II": dual_crossing, "III": extended_coupling}
OTHER = json.loads((Path(__file__).parents[1] / "data" / "tully_mudslide.json").read_text())
CASES = [(case["model"], float(case["momentum"]), np.array(case["probabilities"])) for case in OTHER["results"]]
COUNT = 2000


def ours(model: str, momentum: float) -> np.ndarray:
    """(transmitted, reflected) x states of 2,000 trajectories."""
    return scatter(MODELS[model], momentum, MASS, COUNT, step=0.04, seed=round(momentum))


@pytest.mark.parametrize(("model", "momentum"), [("I", 4.0), ("I", 15.0), ("II", 28.0), ("III", 10.0), ("III", 30.0)])
def test_exact_scattering_loses_nothing(model: str, momentum: float) -> None:
    found = scattered(MODELS[model], momentum, MASS)
    assert found.sum() == pytest.approx(1.0, abs=1e-6)
    assert np.all(found > -1e-9)


def test_exact_scattering_below_the_barrier_reflects() -> None:
    """The lower state of model I has a barrier of 0.005 hartree, which takes k = 4.47."""
    assert scattered(simple_crossing, 3.5, MASS)[1, 0] > 0.99


@pytest.mark.slow
@pytest.mark.parametrize(("model", "momentum", "other"), CASES)
def test_same_probabilities_as_an_independent_code(model: str, momentum: float, other: np.ndarray) -> None:
    """Within three standard errors of the difference of two samples, for all four outcomes."""
    found, count = ours(model, momentum), OTHER["trajectories"]
    mean = (COUNT * found + count * other) / (COUNT + count)
    error = np.sqrt(mean * (1.0 - mean) * (1.0 / COUNT + 1.0 / count))
    print(f"model {model}, k = {momentum:g}: ours {found.tolist()}, mudslide {other.tolist()}")
    assert np.all(np.abs(found - other) <= 3.0 * error)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "momentum"), [("I", 10.0), ("I", 15.0), ("I", 20.0), ("I", 30.0), ("II", 40.0)])
def test_fast_crossings_are_those_of_quantum_mechanics(model: str, momentum: float) -> None:
    """Where surface hopping is known to be good: transmission within three standard errors and 0.02."""
    found, exact = ours(model, momentum), scattered(MODELS[model], momentum, MASS)
    error = np.sqrt(exact[0] * (1.0 - exact[0]) / COUNT)
    print(f"model {model}, k = {momentum:g}: ours {found[0].tolist()}, exact {exact[0].tolist()}")
    assert np.all(np.abs(found[0] - exact[0]) <= 3.0 * error + 0.02)
