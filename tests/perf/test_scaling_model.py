"""The cost model: what is put into made-up times comes out of the fit, and the costs are those of the formulas."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mlmd.errors import InputError, PlanError
from mlmd.io.input import parse
from mlmd.perf.scaling.machines import AURORA, Machine
from mlmd.perf.scaling.model import Rate, Roofs, Sample, Work, elsewhere, fit_rate, seconds
from mlmd.perf.scaling.network import (
    EXCHANGE,
    SUM,
    CountingLine,
    Message,
    Network,
    as_messages,
    fit_network,
    message_seconds,
    time_line,
)
from mlmd.perf.scaling.published import STRONG, TABLE_1, WEAK
from mlmd.perf.scaling.series import Case, Series, project

HERE, THERE = Roofs(1e11, 2e10), Roofs(2e13, 1.6e12)
TRUE = {"products": Rate(2e-6, 0.8, 0.0), "stream": Rate(5e-6, 0.4, 0.0), "latency": Rate(1e-4, 0.1, 0.0)}


def work_of(size: float) -> dict[str, Work]:
    """Parts that differ in what bounds them."""
    return {
        "products": Work(3, 40 * size, size),
        "stream": Work(2, size, 2 * size),
        "latency": Work(7, 0.0, 0.01 * size),
    }


def fitted(sizes: list[float], noise: float, seed: int = 0) -> dict[str, Rate]:
    """Rates from made-up times of these sizes."""
    random = np.random.default_rng(seed)
    return {
        part: fit_rate(
            [
                Sample(work_of(n)[part], seconds({part: work_of(n)[part]}, TRUE, HERE) * (1 + noise * random.normal()))
                for n in sizes
            ],
            HERE,
        )
        for part in TRUE
    }


def test_exact_times_give_the_rates_back() -> None:
    """Calls and shares to rounding, whatever roof binds."""
    found = fitted([1e5, 1e6, 1e7], 0.0)
    for part, rate in TRUE.items():
        assert found[part].call == pytest.approx(rate.call, rel=1e-9)
        assert found[part].share == pytest.approx(rate.share, rel=1e-9)
        assert found[part].error < 1e-9


def test_disturbed_times_predict_a_size_that_was_held_out() -> None:
    """Two per cent of noise in the fit, ten times the largest size outside it: within three per cent."""
    errors = []
    for seed in range(20):
        load = work_of(1e8)
        rates = fitted([1e5, 3e5, 1e6, 3e6, 1e7], 0.02, seed)
        errors.append(seconds(load, rates, HERE) / seconds(load, TRUE, HERE) - 1)
    assert max(map(abs, errors)) < 0.03
    assert np.std(errors) > 1e-4


def test_one_size_does_not_do() -> None:
    """Calls and work cannot be told apart."""
    sample = Sample(Work(2, 0.0, 1e6), 1e-3)
    with pytest.raises(PlanError, match="two sizes"):
        fit_rate([sample, Sample(Work(4, 0.0, 2e6), 2e-3)], HERE)
    with pytest.raises(PlanError, match="two sizes"):
        fit_network([(SUM, 8, 1e-6), (EXCHANGE, 8, 1e-6)], 2)


def test_another_machine_keeps_the_share_of_the_nearer_roof() -> None:
    """Here bound by operations, there by memory; and no more than the roof."""
    load = {"x": Work(0, 1e9, 1e8)}
    rates = {"x": Rate(0.0, 0.5, 0.0)}
    assert seconds(load, rates, Roofs(1e9, 1e12)) == pytest.approx(1 / 0.5)
    assert seconds(load, elsewhere(rates), Roofs(1e12, 1e8)) == pytest.approx(1 / 0.5)
    assert seconds(load, elsewhere({"x": Rate(0.0, 3.0, 0.0)}), Roofs(1e12, 1e8)) == pytest.approx(1.0)


def test_messages() -> None:
    """Small sums cost two trees; large ones are bound by bytes; one rank sends nothing."""
    network = Network(1e-6, 1e10)
    assert message_seconds(Message(SUM, 3, 0, 1024), network) == pytest.approx(3 * 20e-6)
    assert message_seconds(Message(SUM, 1, 1e9, 4), network) == pytest.approx(5e-6 + 2 * 0.75e9 / 1e10)
    assert message_seconds(Message(EXCHANGE, 1, 1e6, 64), network) == pytest.approx(2e-6 + 2e-4)
    assert message_seconds(Message(SUM, 1, 1e6, 1), network) == 0.0


def test_network_is_found_again() -> None:
    """From sums and exchanges together."""
    true = Network(3e-6, 5e9, 4e-10)
    made = [(kind, n, message_seconds(Message(kind, 1, n, 2), true)) for kind in (SUM, EXCHANGE) for n in (8, 1e4, 1e6)]
    *found, error = fit_network(made, 2)
    assert found == pytest.approx([3e-6, 5e9, 4e-10], rel=1e-9)
    assert error < 1e-9


class Echo:
    """A line of two ranks whose other rank has the same."""

    rank, size = 0, 2

    def block(self, count: int) -> slice:
        return slice(0, count // 2)

    def sum(self, array: np.ndarray) -> np.ndarray:
        return 2 * array

    def exchange(self, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return last.copy(), first.copy()


def test_counting_line_counts_and_passes_on() -> None:
    """Kind, bytes and calls, and the results of the line itself."""
    counts: dict[tuple[str, int, int], int] = {}
    line = CountingLine(Echo(), counts)
    assert line.sum(np.ones(4)).tolist() == [2.0] * 4
    line.sum(np.ones(4))
    before, after = line.exchange(np.zeros(2, np.float32), np.ones(2, np.float32))
    assert (before.tolist(), after.tolist(), line.block(6)) == ([1, 1], [0, 0], slice(0, 3, 1))
    assert as_messages(counts, 2) == [Message(EXCHANGE, 0.5, 8, 2), Message(SUM, 1.0, 32, 2)]


def test_time_line_times_both_calls() -> None:
    """Every size, in seconds above zero."""
    found = time_line(Echo(), sizes=(64, 4096), rounds=2)
    assert [(kind, size) for kind, size, _ in found] == [(k, s) for s in (64.0, 4096.0) for k in (SUM, EXCHANGE)]
    assert all(0 < seconds < 1 for *_, seconds in found)


def test_weak_and_strong_efficiency() -> None:
    """Weak: the tree of a sum is the loss. Strong: what is not divided is."""
    rates, network = {"x": Rate(0.0, 1.0, 0.0)}, Network(1e-3, 1e12)

    def case(ranks: int, quantity: float, nbytes: float) -> Case:
        return Case(ranks, quantity, {"x": Work(0, 0.0, nbytes)}, [Message(SUM, 1, 0, ranks)] if ranks > 1 else [])

    weak = project(Series("weak", [case(p, 10.0 * p, 2e10) for p in (1, 4, 1024)]), rates, HERE, network)
    assert [run.efficiency for run in weak] == pytest.approx([1.0, 1 / 1.004, 1 / 1.02])
    halved = Series("strong", [case(ranks, 10.0, 1e9 + 1e9 / ranks) for ranks in (1, 2)])
    strong = project(halved, rates, HERE, Network(1e-12, 1e15))
    assert strong[1].efficiency == pytest.approx(2.0 / 1.5 / 2)
    assert strong[1].time_to_solution == pytest.approx(0.075 / 10)


def test_published_points() -> None:
    """Table 1 of the paper follows from its time of a step, section 7.3.1."""
    point, (*_, row) = WEAK[-1], TABLE_1
    assert point.seconds is not None
    assert point.seconds / row.electrons == pytest.approx(row.seconds, rel=1e-3)
    assert (STRONG[-1].ranks, row.electrons // point.ranks) == (98_304, 128)


def test_machine_file(tmp_path) -> None:
    """A file with the rates is a machine; a wrong one is refused with the key."""
    text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in AURORA.model_dump().items())
    assert parse(Machine, text, tmp_path / "m.toml") == AURORA
    with pytest.raises(InputError, match="flops"):
        parse(Machine, text.replace("flops = ", "flops = -"), tmp_path / "m.toml")
