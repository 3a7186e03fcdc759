"""Interleaved rounds: the order of the calls, and ratios on clocks that we wind ourselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlmd.errors import PlanError
from mlmd.perf.interleave import interleave
from mlmd.tuning.timing import SAMPLE_SECONDS, SHORT_SECONDS, Timing, ratio


class Clock:
    """A clock that stands still until a rival moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def __call__(self) -> float:
        return self.now

    def rival(self, name: str, seconds: float | Callable[[int], float]) -> Callable[[], None]:
        def call() -> None:
            done = self.order.count(name)
            self.order.append(name)
            self.now += seconds(done) if callable(seconds) else seconds

        return call


def test_rounds_are_interleaved_after_the_warm_up() -> None:
    clock = Clock()
    interleave({name: clock.rival(name, 1.0) for name in "abc"}, rounds=5, clock=clock, settle=0.0)
    assert "".join(clock.order) == "abc" + 5 * "abc"


def test_each_sample_is_the_time_of_one_call() -> None:
    clock = Clock()
    times = interleave({"a": clock.rival("a", lambda done: 1.0 + done)}, rounds=5, clock=clock, settle=0.0)
    assert times["a"].seconds == (2.0, 3.0, 4.0, 5.0, 6.0)
    assert times["a"].median == 4.0
    assert times["a"].quartiles == (3.0, 5.0)


def test_short_calls_are_repeated() -> None:
    clock = Clock()
    times = interleave({"a": clock.rival("a", SAMPLE_SECONDS / 8)}, rounds=5, clock=clock, settle=0.0)
    assert times["a"].seconds == pytest.approx([SAMPLE_SECONDS / 8] * 5)
    assert len(clock.order) == 4 + 5 * (1 + 8)


def test_a_short_call_that_follows_another_is_not_timed() -> None:
    """It finds cold caches and sleeping threads."""
    clock = Clock()

    def rival(name: str) -> Callable[[], None]:
        warm, cold = clock.rival(name, SHORT_SECONDS / 4), clock.rival(name, SHORT_SECONDS / 2)
        return lambda: (warm if clock.order[-1:] == [name] else cold)()

    times = interleave({name: rival(name) for name in "ab"}, rounds=5, clock=clock, settle=0.0)
    assert times["a"].seconds == pytest.approx([SHORT_SECONDS / 4] * 5)
    assert times["b"].seconds == pytest.approx([SHORT_SECONDS / 4] * 5)


def test_ratio_is_taken_within_rounds() -> None:
    """A machine that slows down in the course of the rounds does not change a ratio."""
    drift = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    a, b = Timing("a", tuple(3.0 * d for d in drift)), Timing("b", drift)
    found = ratio(a, b)
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 3.0, 3.0))


def test_interval_holds_the_ratio_and_turns_with_it() -> None:
    a, b = Timing("a", (1.0, 1.1, 0.9, 2.0, 1.0, 1.05, 0.95)), Timing("b", (0.5,) * 7)
    there, back = ratio(a, b), ratio(b, a)
    assert there.low < there.value == 2.0 < there.high
    assert (back.value, back.low, back.high) == pytest.approx((1 / there.value, 1 / there.high, 1 / there.low))


def test_a_ratio_to_itself_is_one() -> None:
    a = Timing("a", (1.0, 5.0, 2.0, 9.0, 3.0))
    assert ratio(a, a).low == ratio(a, a).high == 1.0


def test_too_few_rounds_are_refused() -> None:
    with pytest.raises(PlanError, match="rounds is 4; give 5 or more"):
        interleave({"a": lambda: None}, rounds=4)
