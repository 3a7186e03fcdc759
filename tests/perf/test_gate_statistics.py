"""What the gate concludes from simulated machines: no false alarms, and slowdowns found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlmd.perf.compare import intervals
from mlmd.perf.compare.cases import Case
from mlmd.perf.compare.gate import BUDGET, Comparison, compare
from mlmd.perf.compare.intervals import error_share, interval

from .simulated import BASE, HEAD, Simulated

CASES = [Case("kin_prop", (32, 32, 32)), Case("density", (32, 32, 32)), Case("current", (32, 32, 32))]
# A quiet machine, and a shared one: what a launch deals to a build is about 1.5 %, as measured on two shared cores.
QUIET: dict[str, Any] = {"dealt": 0.006, "noise": 0.01, "memory": 0.5}
SHARED: dict[str, Any] = {"dealt": 0.015, "noise": 0.04, "memory": 0.7, "pauses": 0.1, "drift": 0.003}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of comparisons need not draw as often as one."""
    monkeypatch.setattr(intervals, "RESAMPLES", 1000)


def compared(budget: float = 20.0, **machine: Any) -> Comparison:
    simulated = Simulated(**machine)
    return compare((BASE, HEAD), CASES, simulated.launch, 1, budget=budget, clock=simulated.clock)


@pytest.mark.parametrize("machine", [QUIET, SHARED, SHARED | {"dealt": 0.03}], ids=["quiet", "shared", "wild"])
def test_no_false_alarm_on_identical_builds(machine: dict[str, Any]) -> None:
    verdicts = [compared(seed=seed, **machine).verdict for seed in range(40)]
    assert "slower" not in verdicts


@pytest.mark.parametrize("machine", [QUIET, SHARED], ids=["quiet", "shared"])
def test_a_slowdown_of_8_percent_is_found_and_only_that(machine: dict[str, Any]) -> None:
    """With the default budget: twenty launches are enough when it is quiet, but find 116 of 150 when it is shared."""
    runs = [compared(BUDGET, seed=seed, slower={"kin_prop": 0.08}, **machine) for seed in range(20)]
    found = [{r.case.kernel for r in run.results if r.verdict == "slower"} for run in runs]
    assert sum(kernels == {"kin_prop"} for kernels in found) >= 19
    assert not any(kernels - {"kin_prop"} for kernels in found)


def test_a_slowdown_within_the_tolerance_passes() -> None:
    runs = [compared(seed=seed, slower={"kin_prop": 0.01}, **QUIET) for seed in range(20)]
    assert {run.verdict for run in runs} == {"passed"}


def test_a_slowdown_as_large_as_the_tolerance_is_seldom_called_larger() -> None:
    """The worst case for the error: each verdict of "slower" is wrong."""
    runs = [compared(seed=seed, slower={case.kernel: 0.03 for case in CASES}, **SHARED) for seed in range(40)]
    assert sum(run.verdict == "slower" for run in runs) <= 4  # 5 % are allowed: 5 or more have a chance of 5 %


def test_drift_cancels() -> None:
    """A machine that gets slower all the time, and nothing else."""
    found = compared(drift=0.01)
    assert found.results[0].ratio is not None
    assert found.results[0].ratio.value == pytest.approx(1.0, abs=1e-12)


def test_pauses_do_not_move_the_median() -> None:
    found = compared(seed=1, pauses=0.15, noise=0.001, slower={"kin_prop": 0.08})
    assert found.results[0].ratio is not None
    assert found.results[0].ratio.value == pytest.approx(1.08, abs=0.005)


def test_a_biased_machine_is_noticed() -> None:
    found = compared(copies=0.1, noise=0.002, slower={"kin_prop": 0.3})
    assert found.verdict == "undecided"
    assert {result.verdict for result in found.results} == {"undecided"}


def test_coverage_of_the_interval() -> None:
    """Intervals of 90 % from eight launches hold the truth in about 90 % of the cases or more."""
    rng = np.random.default_rng(3)
    held = 0
    for seed in range(300):
        logs = rng.normal(0.0, 0.01, (8, 1)) + rng.normal(0.0, 0.02, (8, 3))
        found = interval(logs.tolist(), 0.1, seed)
        held += found.low <= 1.0 <= found.high
    assert held >= 258  # 0.86; 300 draws of 90 % give fewer in 1.5 % of the cases


def test_more_launches_make_it_shorter() -> None:
    logs = np.random.default_rng(0).normal(0.0, 0.01, (32, 3))
    long, short = (interval(logs[:count].tolist(), 0.05) for count in (8, 32))
    assert short.high - short.low < 0.7 * (long.high - long.low)


def test_looks_never_spend_more_than_the_total_error() -> None:
    assert sum(7 * error_share(7, look, 0.05) for look in range(1, 60)) <= 0.05
