"""The precision planner on a model whose errors and times are known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mlmd.tuning.precision import (
    Assignment,
    Choice,
    Growth,
    Ladder,
    Level,
    Track,
    assignments,
    choose,
    finest,
    fit,
    judge,
    lifted,
    measure,
    pareto,
    predict,
)

STEPS, WINDOW = 1000, 100
LOW = {"state": "fp32"}
LADDERS = [
    Ladder("state", (Level("fp64"), Level("fp32"))),
    Ladder("products", (Level("fp64"), Level("fp32", LOW), Level("bf16x2", LOW), Level("bf16x1", LOW))),
    Ladder("field", (Level("tight"), Level("loose"))),
]
# (error of a step, seconds of a step) of each level.
MODEL = {
    ("state", "fp64"): (0.0, 4.0),
    ("state", "fp32"): (1e-9, 2.5),
    ("products", "fp64"): (0.0, 8.0),
    ("products", "fp32"): (2e-9, 5.0),
    ("products", "bf16x2"): (1e-8, 4.0),
    ("products", "bf16x1"): (1e-6, 2.0),
    ("field", "tight"): (0.0, 3.0),
    ("field", "loose"): (5e-8, 1.0),
}


def error(assignment: Assignment, steps: int) -> float:
    return steps * sum(MODEL[item][0] for item in assignment.items())


def seconds(assignment: Assignment) -> float:
    return sum(MODEL[item][1] for item in assignment.items())


def track(assignment: Assignment) -> Track:
    steps = np.arange(10, WINDOW + 1, 10)
    values = np.array([[1.0 + error(assignment, n)] for n in steps])
    return Track(steps, values, seconds(assignment))


def measured() -> list:
    return measure(LADDERS, lambda assignment, base: (track(assignment), track(base)), scale=1.0)


def predicted() -> list[Choice]:
    return predict(LADDERS, measured(), seconds(finest(LADDERS)), STEPS)


def by_hand(budget: float) -> Assignment:
    """The cheapest of all combinations that are allowed, without the planner."""
    names = ["state", "products", "field"]
    combinations = product(("fp64", "fp32"), ("fp64", "fp32", "bf16x2", "bf16x1"), ("tight", "loose"))
    valid = [
        dict(zip(names, levels, strict=True))
        for levels in combinations
        if levels[0] == "fp32" or levels[1] == "fp64"
    ]
    return min((a for a in valid if error(a, STEPS) <= budget), key=seconds)


@pytest.mark.parametrize("budget", [1e-12, 2e-6, 4e-6, 1.2e-5, 6e-5, 6.5e-5, 1e-3, 1.1e-3, 1.0])
def test_the_choice_is_the_best_of_all_combinations(budget: float) -> None:
    assert choose(predicted(), budget).assignment == by_hand(budget)


def test_a_budget_that_nothing_lowered_meets_gives_the_top() -> None:
    assert choose(predicted(), 1e-12).assignment == finest(LADDERS)


def test_each_level_is_measured_alone() -> None:
    for one in measured():
        rate, cost = MODEL[one.subproblem, one.level]
        top = MODEL[one.subproblem, next(x for x in LADDERS if x.subproblem == one.subproblem).levels[0].name]
        assert one.growth.error == pytest.approx(rate * WINDOW, rel=1e-6)
        assert one.growth.power == pytest.approx(1.0, abs=1e-3)
        assert one.seconds == pytest.approx(cost - top[1])


def test_predicted_errors_add_up_and_needs_hold() -> None:
    choices = predicted()
    assert len(choices) == 10  # with FP64 orbitals only FP64 products, with FP32 ones all four
    for choice in choices:
        assert choice.error == pytest.approx(error(choice.assignment, STEPS), rel=1e-3, abs=1e-15)
        assert choice.seconds == pytest.approx(seconds(choice.assignment))


def test_no_time_gained_means_no_precision_lost() -> None:
    top = Choice({"a": "high"}, 0.0, 1.0)
    assert choose([top, Choice({"a": "low"}, 1e-9, 0.995)], budget=1.0) == top
    assert choose([top, Choice({"a": "low"}, 1e-9, 1.2)], budget=1.0) == top


@pytest.mark.parametrize(("amplified", "last"), [(1.0, "bf16x1"), (3.0, "bf16x2"), (1e9, "fp64")])
def test_a_joint_run_that_misses_the_budget_raises_the_worst(amplified: float, last: str) -> None:
    """The joint run is wrong by a factor that no level showed alone."""

    def run(assignment: Assignment) -> Growth:
        return Growth(amplified * error(assignment, WINDOW), WINDOW, 1.0)

    tried = judge(LADDERS, measured(), predicted(), 1.2e-3, run, STEPS)
    assert tried[-1].at_end <= 1.2e-3
    assert all(one.at_end > 1.2e-3 for one in tried[:-1])
    assert tried[-1].choice.assignment["products"] == last
    assert tried[0].choice.assignment == by_hand(1.2e-3)


def test_the_front_is_what_nothing_beats() -> None:
    choices = predicted()
    front = pareto(choices)
    for one in choices:
        beaten = any(o.error <= one.error and o.seconds <= one.seconds and o != one for o in choices)
        assert (one in front) == (not beaten)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_the_law_of_growth_is_found(power: float) -> None:
    n = np.arange(10, 210, 10)
    assert fit(n, 1e-9 * n**power).after(4000) == pytest.approx(1e-9 * 4000**power, rel=1e-3)


def test_growth_is_never_taken_slower_than_the_steps() -> None:
    n = np.arange(10, 210, 10)
    assert fit(n, 1e-9 * np.sqrt(n)).power == 1.0
    assert fit(n, np.zeros(len(n))).after(10**6) == 0.0
    assert fit(n, 1e-9 * np.exp(-n)).after(100) == pytest.approx(1e-9 * np.exp(-10))


def test_raising_takes_along_what_is_needed() -> None:
    low = {"state": "fp32", "products": "bf16x1", "field": "loose"}
    assert lifted(LADDERS, low, "products") == low | {"products": "bf16x2"}
    assert lifted(LADDERS, low, "state") == {"state": "fp64", "products": "fp64", "field": "loose"}
    with pytest.raises(ValueError, match="at its top"):
        lifted(LADDERS, finest(LADDERS), "state")
    assert next(assignments(LADDERS)) == finest(LADDERS)
