"""What plans are told: modes, efforts, reasons that are logged once, stale entries, ranks, and ``backend="auto"``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmd import kernels
from mlmd.backends import Backend, MlmdError, PlanError, choice, get
from mlmd.tuning import choose, model, wisdom
from mlmd.tuning.choose import Choice
from mlmd.tuning.key import Key, make_key
from mlmd.tuning.problem import Problem, make_problem
from mlmd.tuning.ranks import Communicator, decided_by_first
from mlmd.tuning.runner import Decision
from mlmd.tuning.space import Space
from mlmd.tuning.timing import Ratio
from mlmd.tuning.tuner import Tuned
from mlmd.tuning.wisdom import WisdomError, new_entry

SHAPE, NORB = (8, 9, 10), 4
PROBLEM = make_problem("density", SHAPE, NORB, threads=2)


class Tuner:
    """Counts what it is asked, and says block 256."""

    def __init__(self) -> None:
        self.asked: list[tuple[Problem, str, float, str]] = []

    def __call__(self, problem: Problem, backend: Backend, budget: float, effort: str) -> Tuned:
        self.asked.append((problem, backend.name, budget, effort))
        entry = new_entry(make_key(problem, backend), {"block": 256}, 1.0, 2.0, 5)
        return Tuned(entry, Decision((("block", 256),), 1.0, 2.0, Ratio(0.5, 0.5, 0.5), 5), Space({}))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wisdom file of this test's own."""
    monkeypatch.setenv("MLMD_WISDOM", str(tmp_path / "wisdom.jsonl"))
    monkeypatch.setenv("MLMD_TUNING", "cache")
    monkeypatch.delenv("MLMD_EFFORT", raising=False)
    return tmp_path / "wisdom.jsonl"


@pytest.fixture
def tuner(file: Path) -> Iterator[Tuner]:
    """A chooser that asks this tuner; the one that the package registers comes back afterwards."""
    counting = Tuner()
    registered = choice._make
    choice.register(lambda: Choice(counting, lambda: None))
    yield counting
    choice._make = registered


def plan(**options: Any) -> Any:
    return kernels.density(SHAPE, NORB, "complex64", **({"backend": "cpu", "threads": 2} | options))


def know(file: Path, key: Key | None = None, block: int = 64, **changes: Any) -> None:
    wisdom.add(file, [new_entry(replace(key or make_key(PROBLEM, "cpu"), **changes), {"block": block}, 1.0, 2.0, 5)])


def test_without_wisdom_plans_have_their_defaults(tuner: Tuner, file: Path) -> None:
    assert plan().tuning == {}
    assert not tuner.asked
    assert not file.exists()


def test_the_exact_entry_is_used(tuner: Tuner, file: Path) -> None:
    know(file)
    assert plan().tuning == {"block": 64}
    assert plan(threads=1).tuning == {}
    psi = np.ones((*SHAPE, NORB), np.complex64)
    np.testing.assert_allclose(plan()(psi, np.ones(NORB)), NORB)


def test_the_nearest_entry_is_used(tuner: Tuner, file: Path) -> None:
    know(file, nx=12)
    assert plan().tuning == {"block": 64}


def test_what_the_caller_says_goes_before_wisdom(tuner: Tuner, file: Path) -> None:
    know(file)
    assert plan(tuning={}).tuning == {}
    assert plan(tuning={"block": 16}).tuning == {"block": 16}


def test_every_plan_asks_with_its_own_numbers(tuner: Tuner, file: Path) -> None:
    made = {
        "density": plan,
        "current": lambda: kernels.current(SHAPE, NORB, 0.4, "complex64", threads=2),
        "kin_prop": lambda: kernels.kin_prop(SHAPE, NORB, 0.4, 0.04, "complex64", threads=2),
        "nlp_prop": lambda: kernels.nlp_prop(SHAPE, NORB, 3, 1.0, "complex64", "bf16x2", threads=2),
        "overlap": lambda: kernels.overlap(SHAPE, NORB, 3, 1.0, "complex64", threads=2),
        "hartree": lambda: kernels.hartree(SHAPE, 0.4, method="multigrid", threads=2),
    }
    for number, kernel in enumerate(made, 1):
        options = {"nlp_prop": {"rank": 3, "mode": "bf16x2"}, "overlap": {"rank": 3}}.get(kernel, {})
        problem = make_problem(kernel, SHAPE, NORB, threads=2, **options)  # type: ignore[arg-type]
        know(file, make_key(problem, "cpu"), number)
    choice.register(lambda: Choice(tuner, lambda: None))
    assert [make().tuning for make in made.values()] == [{"block": number} for number in range(1, 7)]


@pytest.mark.parametrize("change", ["build", "device", "threads"])
def test_stale_entries_never_run_and_the_reason_is_logged_once(
    tuner: Tuner, file: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    know(file, **{change: 7 if change == "threads" else "another"})
    with caplog.at_level(logging.INFO, "mlmd.tuning"):
        assert [plan().tuning, plan().tuning] == [{}, {}]
    (message,) = [record.getMessage() for record in caplog.records]
    assert f"stale: {change} is " in message
    assert ", there " in message


def test_lines_that_do_not_hold_are_logged_once(tuner: Tuner, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    know(file)
    file.write_text(file.read_text().replace("64}", "65}") + "torn")
    with caplog.at_level(logging.WARNING, "mlmd.tuning"):
        assert [plan().tuning, plan(threads=1).tuning] == [{}, {}]
    assert [record.getMessage().split(": it")[0] for record in caplog.records] == [
        f"wisdom refused: {file}:2: its checksum is not that of its text: it was changed".split(": it")[0],
        f"wisdom refused: {file}:3",
    ]


def test_without_wisdom_the_cost_model_is_asked(
    tuner: Tuner, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rates = get("cpu").nominal
    slow = replace(rates, launch=1.0)
    monkeypatch.setattr(model, "measure", lambda backend, threads: rates if threads == 1 else slow)
    model.ensure(file, "cpu", PROBLEM)
    with caplog.at_level(logging.INFO, "mlmd.tuning"):
        assert plan().tuning == {"threads": 1}
    assert "by the cost model: no wisdom about density" in caplog.text
    know(file)
    assert plan(threads=2, effort="measure").tuning == {"block": 64}, "what was timed goes before the model"


def test_off_neither_reads_nor_times(tuner: Tuner, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(file)
    monkeypatch.setenv("MLMD_TUNING", "off")
    monkeypatch.setattr(wisdom, "read", lambda path: pytest.fail("wisdom was read"))
    assert plan().tuning == plan(effort="measure").tuning == plan(effort="wisdom-only").tuning == {}
    assert plan(backend="auto").tuning == {}
    assert not tuner.asked


@pytest.mark.parametrize(("effort", "budget"), [("measure", 3.0), ("patient", 60.0)])
def test_an_effort_tunes_what_wisdom_lacks_once(tuner: Tuner, file: Path, effort: str, budget: float) -> None:
    assert [plan(effort=effort).tuning for _ in range(3)] == [{"block": 256}] * 3
    assert tuner.asked == [(PROBLEM, "cpu", budget, effort)]
    assert [entry.tuning for entry in wisdom.read(file).entries] == [{"block": 256}]
    assert plan().tuning == {"block": 256}, "later plans have it without an effort"


def test_an_effort_is_not_content_with_a_neighbour(tuner: Tuner, file: Path) -> None:
    know(file, nx=12)
    assert plan(effort="measure").tuning == {"block": 256}
    know(file, nx=8, block=32)
    assert plan(effort="patient").tuning == {"block": 32}
    assert len(tuner.asked) == 1


def test_the_effort_comes_from_the_environment(tuner: Tuner, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLMD_EFFORT", "measure")
    assert plan().tuning == {"block": 256}
    assert plan(effort="estimate", threads=1).tuning == {}


def test_wisdom_only_refuses_what_it_lacks(tuner: Tuner, file: Path) -> None:
    with pytest.raises(WisdomError, match=r"no wisdom about density on cpu.*make an entry with mlmd tune density"):
        plan(effort="wisdom-only")
    know(file)
    assert plan(effort="wisdom-only").tuning == {"block": 64}


def test_mode_tune_tunes_and_mode_record_tunes_anew(tuner: Tuner, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(file)
    monkeypatch.setenv("MLMD_TUNING", "tune")
    assert plan().tuning == {"block": 64}
    assert plan(threads=1).tuning == {"block": 256}
    monkeypatch.setenv("MLMD_TUNING", "record")
    assert [plan().tuning, plan().tuning] == [{"block": 256}] * 2
    assert [asked[2:] for asked in tuner.asked] == [(3.0, "measure")] * 2


def test_modes_and_efforts_that_are_not_there(tuner: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanError, match="effort is 'hard'; give one of estimate, measure"):
        plan(effort="hard")
    monkeypatch.setenv("MLMD_EFFORT", "harder")
    with pytest.raises(PlanError, match="MLMD_EFFORT is 'harder'"):
        plan()
    monkeypatch.setenv("MLMD_TUNING", "on")
    with pytest.raises(PlanError, match="MLMD_TUNING is 'on'; give one of off, cache, tune, record"):
        plan()


class Ranks:
    """Two ranks, one after the other: rank 0 puts down what rank 1 takes up."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def of(self, rank: int) -> Communicator:
        said = self.said

        class One:
            size = 2

            def bcast(self, obj: Any, root: int = 0) -> Any:
                assert root == 0
                if rank == 0:
                    said.append(obj)
                return said[-1]

        one = One()
        one.rank = rank  # type: ignore[attr-defined]
        return one  # type: ignore[return-value]


def test_rank_0_decides_for_all(file: Path) -> None:
    ranks, tuners = Ranks(), [Tuner(), Tuner()]
    question = choice.Question("density", SHAPE, NORB, "complex64", 2)
    answers = [
        Choice(tuners[rank], lambda rank=rank: ranks.of(rank)).tuning(question, get("cpu"), "measure")
        for rank in (0, 1)
    ]
    assert answers == [{"block": 256}] * 2
    assert [len(tuner.asked) for tuner in tuners] == [1, 0]


def test_looking_up_asks_no_other_rank(file: Path) -> None:
    def ranks() -> Communicator:
        raise AssertionError("a look-up is no collective call")

    know(file)
    question = choice.Question("density", SHAPE, NORB, "complex64", 2)
    assert Choice(Tuner(), ranks).tuning(question, get("cpu"), None) == {"block": 64}


@pytest.mark.parametrize("error", [MlmdError("no room"), ValueError("odd")])
def test_what_fails_on_rank_0_fails_on_all(error: Exception) -> None:
    def fail() -> None:
        raise error

    ranks = Ranks()
    for rank in (0, 1):
        expected: type[Exception] = MlmdError if rank else type(error)
        with pytest.raises(expected, match=str(error)):
            decided_by_first(fail, ranks.of(rank))


def test_auto_is_a_backend_of_the_host(tuner: Tuner, file: Path) -> None:
    made = plan(backend="auto")
    assert made.backend == "cpu"
    psi = np.ones((*SHAPE, NORB), np.complex64)
    np.testing.assert_allclose(made(psi, np.ones(NORB)), NORB)


def rated(monkeypatch: pytest.MonkeyPatch, fast: str) -> None:
    """Let the model think that one backend is a thousand times faster than the others."""
    rates = get("cpu").nominal
    slow = model.Rates(1e3 * rates.launch, *(1e-3 * rate for rate in list(vars(rates).values())[1:]))
    monkeypatch.setattr(model, "known", lambda path, backend, threads: rates if backend.name == fast else slow)


def test_auto_follows_the_model(tuner: Tuner, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    rated(monkeypatch, "numba")
    assert plan(backend="auto").backend == "numba"


def test_auto_never_leaves_the_host_unless_told(tuner: Tuner, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = get("sycl").status()
    if not status.works:
        pytest.skip(f"backend sycl: {status.reason}")
    rated(monkeypatch, "sycl")
    assert plan(backend="auto").backend != "sycl"
    away = plan(backend="auto:any")
    assert away.backend == "sycl"
    assert away.arrays is get("sycl").arrays()


def test_wisdom_goes_before_the_model(tuner: Tuner, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    rated(monkeypatch, "numba")
    quick = [new_entry(make_key(PROBLEM, "cpu"), {"block": 64}, 1e-9, 2e-9, 5)]
    wisdom.add(file, quick)
    made = plan(backend="auto")
    assert (made.backend, made.tuning) == ("cpu", {"block": 64})


def test_a_plan_without_a_chooser_has_its_defaults() -> None:
    registered = choice._make
    try:
        choice.register(None)
        assert (plan().tuning, plan(backend="auto").backend) == ({}, "cpu")
    finally:
        choice._make = registered


def test_the_package_registers_the_tuner() -> None:
    assert choice._make is not None
    assert isinstance(choice._make(), choose.Choice)
