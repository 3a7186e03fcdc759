"""Performance portability against values by hand and against the published definition."""

from __future__ import annotations

from statistics import harmonic_mean as published

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmd.perf.portability import (
    Run,
    application_efficiency,
    architectural_efficiency,
    cascade,
    harmonic_mean,
    over_problems,
    portability,
    with_library,
)
from mlmd.perf.report.data import common_runs, efficiencies, over_kernel, portable
from mlmd.perf.sweep.table import Row

PLATFORMS = ("A", "B", "C")
# Times of three applications on three platforms; z does not run on C.
TIMES = {"x": (1.0, 4.0, 2.0), "y": (2.0, 2.0, 8.0), "z": (4.0, 8.0, None)}
RUNS = [
    Run("p", platform, name, seconds, None if seconds is None else 0.5 / seconds)
    for name, times in TIMES.items()
    for platform, seconds in zip(PLATFORMS, times, strict=True)
]


def test_by_hand() -> None:
    found = application_efficiency(RUNS)
    assert found["x", "p"] == {"A": 1.0, "B": 0.5, "C": 1.0}
    assert found["y", "p"] == {"A": 0.5, "B": 1.0, "C": 0.25}
    assert found["z", "p"] == {"A": 0.25, "B": 0.25, "C": 0.0}
    assert portability(found["x", "p"], PLATFORMS) == pytest.approx(3 / (1 + 2 + 1))
    assert portability(found["y", "p"], PLATFORMS) == pytest.approx(3 / (2 + 1 + 4))
    assert portability(found["z", "p"], PLATFORMS) == 0.0
    assert portability(found["z", "p"], "AB") == pytest.approx(0.25)


def test_fraction_of_the_roof_is_cut_at_one_and_zero_where_it_does_not_run() -> None:
    found = architectural_efficiency([*RUNS, Run("p", "A", "w", 0.1, 1.02)])
    assert found["x", "p"] == {"A": 0.5, "B": 0.125, "C": 0.25}
    assert found["z", "p"]["C"] == 0.0
    assert found["w", "p"] == {"A": 1.0}


def test_the_library_has_the_fastest_of_each_platform() -> None:
    best = [run for run in with_library(RUNS, "best") if run.application == "best"]
    assert [(run.platform, run.seconds) for run in best] == [("A", 1.0), ("B", 2.0), ("C", 2.0)]
    assert set(application_efficiency(with_library(RUNS, "best"))["best", "p"].values()) == {1.0}


def test_cascade_falls_to_pp_of_all() -> None:
    places = cascade(application_efficiency(RUNS)["y", "p"])
    assert [place.platform for place in places] == ["B", "A", "C"]
    assert [place.portability for place in places] == pytest.approx([1.0, 2 / 3, 3 / 7])


@given(st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=6))
def test_harmonic_mean_is_that_of_the_standard_library(values: list[float]) -> None:
    assert harmonic_mean(values) == pytest.approx(published(values))
    assert min(values) * (1 - 1e-12) <= harmonic_mean(values) <= max(values) * (1 + 1e-12)
    assert harmonic_mean([*values, 0.0]) == 0.0


@given(st.lists(st.lists(st.floats(1e-3, 1.0), min_size=2, max_size=2), min_size=1, max_size=4))
def test_over_problems_and_platforms_is_the_mean_over_all_pairs(values: list[list[float]]) -> None:
    found = {("x", str(k)): dict(zip("AB", pair, strict=True)) for k, pair in enumerate(values)}
    summed = over_problems(found, "AB")["x"]
    assert portability(summed, "AB") == pytest.approx(published([value for pair in values for value in pair]))


def row(backend: str, platform: str, seconds: float | None, size: int = 4) -> Row:
    status = "ok" if seconds else "unavailable"
    fraction = None if seconds is None else 0.1 / seconds
    where = (backend, platform, "d", "fp32", "complex64", size, size, size, 2, 0, 1)
    return Row("density", *where, status, seconds=seconds, fraction=fraction)


def test_rows_to_pp() -> None:
    rows = [
        row("cpu", "CPU", 1.0),
        row("sycl:0", "CPU", 2.0),
        row("cuda", "CPU", None),
        row("cuda:1", "GPU", 0.5),
        row("sycl:0", "GPU", 1.0),
        row("cpu", "CPU", 7.0, size=8),  # a problem that was not tried on the GPU
    ]
    lines = {line.application: line for line in portable(rows)}
    assert set(lines) == {"cpu", "sycl", "cuda", "mlmd (best)"}
    assert lines["sycl"].application_pp == pytest.approx(0.5)
    assert lines["sycl"].architectural_pp == pytest.approx(2 / (1 / 0.05 + 1 / 0.1))
    assert lines["cpu"].application_pp == lines["cuda"].application_pp == 0.0
    assert lines["mlmd (best)"].application_pp == 1.0
    assert lines["mlmd (best)"].architectural_pp == pytest.approx(2 / (1 / 0.1 + 1 / 0.2))
    assert {run.problem for run in common_runs(rows)} == {"density fp32 4x4x4 x 2"}
    assert over_kernel(rows, "density")[0]["sycl"] == {"CPU": 0.5, "GPU": 0.5}
    assert efficiencies([]) == ({}, {})
