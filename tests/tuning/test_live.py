"""The gate and the clock on this machine: right candidates pass, wrong ones do not, data are restored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlmd import kernels
from mlmd.backends import get
from mlmd.kernels.hartree import METHODS
from mlmd.kernels.nlp_prop import MODES
from mlmd.tuning.live import Live, difference
from mlmd.tuning.problem import KERNELS, Problem, make_problem
from mlmd.tuning.runner import GateError
from mlmd.tuning.space import DEFAULT, Space, lower_sets, make_space
from mlmd.tuning.tuner import tune_problem
from mlmd.tuning.workload import IN_PLACE, Workload

SHAPE, NORB = (13, 6, 7), 5


def problems() -> list[Any]:
    """Each kernel, in each type, arithmetic and method."""
    found = [(kernel, dtype, "") for kernel in KERNELS[:-1] for dtype in ("complex64", "complex128")]
    found += [("nlp_prop", "complex64", mode) for mode in MODES if mode != "fp32"]
    found += [("hartree", "float64", method) for method in METHODS]
    made = [
        make_problem(kernel, SHAPE, NORB, "complex64" if kernel == "hartree" else dtype, 2, mode=mode)
        for kernel, dtype, mode in found
    ]
    return [pytest.param(problem, id=str(problem)) for problem in made]


@pytest.mark.parametrize("problem", problems())
def test_every_candidate_passes_the_gate(problem: Problem) -> None:
    bench = Live(problem, "cpu")
    for candidate in make_space(problem, "cpu"):
        for whole in (False, True):
            assert bench.gate(candidate, whole) >= 0.0


def test_defaults_pass_the_gate_on_every_backend(host_backend: str) -> None:
    for kernel in KERNELS:
        problem = make_problem(kernel, SHAPE, NORB, threads=2)
        assert Live(problem, host_backend).gate(DEFAULT, whole=False) >= 0.0


@pytest.mark.parametrize("whole", [False, True])
def test_a_kernel_that_is_wrong_for_a_knob_is_caught(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    """A planted fault: with block 256 the density is a thousandth too large at one point."""
    original = kernels.density.__call__

    def faulty(self: Any, psi: Any, f: Any, out: Any = None) -> Any:
        n = original(self, psi, f, out)
        n[0, 0, 0] *= 1.001 if self.tuning.get("block") == 256 else 1.0
        return n

    monkeypatch.setattr(kernels.density, "__call__", faulty)
    bench = Live(make_problem("density", SHAPE, NORB, threads=1), "cpu")
    assert bench.gate(DEFAULT, whole) < 1e-6
    with pytest.raises(GateError, match="differs by .* from the " + ("default" if whole else "reference")):
        bench.gate((("block", 256),), whole)


def test_a_candidate_that_the_backend_refuses_is_caught() -> None:
    bench = Live(make_problem("density", SHAPE, NORB, threads=1), "cpu")
    with pytest.raises(GateError, match="cannot run: tuning isa is 'v9'"):
        bench.gate((("isa", "v9"),), False)


@pytest.mark.parametrize("kernel", IN_PLACE)
def test_data_are_restored(kernel: str) -> None:
    work = Workload(make_problem(kernel, SHAPE, NORB, threads=1), "cpu")
    plan = work.plan({})
    first = work.result(plan).copy()
    for _ in range(3):
        work.apply(plan)
    assert not np.array_equal(work.inputs["psi"], first)
    np.testing.assert_array_equal(work.result(plan), first)


def test_repeated_calls_keep_the_norm() -> None:
    for kernel in IN_PLACE:
        work = Workload(make_problem(kernel, SHAPE, NORB, "complex128", threads=1), "cpu")
        before = np.linalg.norm(work.inputs["psi"])
        plan = work.plan({})
        for _ in range(50):
            work.apply(plan)
        assert np.linalg.norm(work.inputs["psi"]) == pytest.approx(before, rel=1e-12)


def test_a_round_times_each_in_its_order() -> None:
    bench = Live(make_problem("density", SHAPE, NORB, threads=1), "cpu")
    seconds = bench.round([DEFAULT, (("schedule", "dynamic"),), DEFAULT])
    assert len(seconds) == 3
    assert min(seconds) > 0.0
    assert bench.now() >= sum(seconds)


def test_plans_with_columns_of_their_own_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmd.tuning.live.physical_memory", lambda: 2**16)
    bench = Live(make_problem("nlp_prop", SHAPE, NORB, threads=1), "cpu")
    bench.round([(), (("block", 32),), (("block", 128),), (("block", 256),)])
    assert len(bench._plans) == 2


def test_what_is_not_a_number_does_not_pass() -> None:
    assert not difference(np.array([np.nan, 1.0]), np.ones(2)) <= 1.0


def test_spaces_hold_what_makes_a_difference() -> None:
    one = make_space(make_problem("kin_prop", SHAPE, NORB, threads=1), "cpu")
    many = make_space(make_problem("kin_prop", SHAPE, NORB, threads=6), "cpu")
    assert {"threads", "schedule"} & set(one.values) == set()
    assert many.values["threads"] == (0, 1, 2, 4)
    assert set(make_space(make_problem("hartree", SHAPE, mode="fft", threads=2), "cpu").values) == {"threads"}
    assert make_space(make_problem("hartree", SHAPE, threads=2), "cpu").idle == {"solver=fft": ("isa", "block")}
    assert make_space(make_problem("density", SHAPE, NORB), "reference") == Space({})


def test_instruction_sets_are_those_below_the_best() -> None:
    best = str(get("cpu").load("isa")())
    assert best not in lower_sets(make_problem("nlp_prop", SHAPE, NORB, mode="bf16x1"))
    assert "v4bf16" not in lower_sets(make_problem("density", SHAPE, NORB))
    assert best != "v4bf16" or lower_sets(make_problem("density", SHAPE, NORB)) == ("v2", "v3")


def test_a_tuning_of_the_machine_ends_in_an_entry(backend: str) -> None:
    problem = make_problem("density", SHAPE, NORB, threads=2)
    tuned = tune_problem(problem, backend, 0.3)
    assert tuned.entry.key.backend == backend
    assert 0.0 < tuned.entry.seconds <= 1.001 * tuned.entry.default_seconds or not tuned.entry.tuning
    assert set(tuned.entry.tuning) <= set(tuned.space.values)


@pytest.mark.parametrize("kernel", KERNELS)
def test_samples_are_taken_in_more_than_one_place(kernel: str) -> None:
    """Arrays and plans are made anew between rounds, with the same numbers; products by BLAS to rounding."""
    bench = Live(make_problem(kernel, SHAPE, NORB, threads=2), "cpu")
    arrays, results = [], []
    for _ in range(30):
        bench.round([DEFAULT, DEFAULT])
        arrays.append(bench._work.inputs)
        results.append(bench._work.result(bench._plan(DEFAULT)).copy())
    assert len({id(found) for found in arrays}) > 1
    assert all(difference(result, results[0]) < 1e-6 for result in results)
