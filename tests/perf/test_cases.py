"""Rivals compute the same thing; the plans of a step are found and timed from outside."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd import kernels
from mlmd.errors import PlanError
from mlmd.perf import bench_kinetic, bench_overlap
from mlmd.perf.cases import KERNELS, make_case, make_problem
from mlmd.perf.interleave import interleave
from mlmd.perf.kernel_bench import time_kernel, time_table3
from mlmd.perf.parts import PartClock, TimedPlan, instrument

SHAPES = [(4, 6, 8), (5, 4, 7)]
pytest.importorskip("mlmd._cpu")


@pytest.mark.parametrize("shape", SHAPES)
def test_kinetic_rivals_by_pairs_agree_with_the_plan(shape: tuple[int, int, int]) -> None:
    psi = bench_kinetic.random_waves((*shape, 3), "complex128")
    expected = psi.copy()
    kernels.kin_prop(shape, 3, bench_kinetic.SPACING, bench_kinetic.TIME_STEP, backend="reference")(expected)
    turns, phase = bench_kinetic.rotations(shape), bench_kinetic.phase_of()
    columns = np.ascontiguousarray(np.moveaxis(psi, 3, 0))
    bench_kinetic.numpy_step(psi, turns, phase)
    np.testing.assert_allclose(psi, expected, atol=1e-13)
    orbital_major = pytest.importorskip("mlmd.perf.orbital_major")
    c, beta = (np.array(values) for values in zip(*(turn[4:] for turn in turns), strict=True))
    orbital_major.propagate(columns, np.array([turn[:4] for turn in turns], np.int64), c, beta, phase)
    np.testing.assert_allclose(np.moveaxis(columns, 0, 3), expected, atol=1e-13)


def test_fft_steps_agree() -> None:
    """A plane wave turns by its kinetic energy, whichever library does it."""
    shape = (4, 6, 5)
    factor = np.exp(-1j * bench_kinetic.TIME_STEP * bench_kinetic.spectral_kinetic(shape))
    wave = np.exp(2j * np.pi * np.arange(6) / 6)[None, :, None] * np.ones(shape)
    names = [name for name, _ in bench_kinetic.fft_steps(np.stack([wave]), factor, 1)]
    for index, name in enumerate(names):
        columns = np.stack([wave, 2 * wave])
        step = list(bench_kinetic.fft_steps(columns, factor, 1))[index][1]
        step()
        np.testing.assert_allclose(columns, np.stack([wave, 2 * wave]) * factor[0, 1, 0], atol=1e-12, err_msg=name)


@pytest.mark.parametrize("kernel", [name for name in KERNELS if hasattr(kernels, name)])
def test_every_kernel_makes_a_report(kernel: str) -> None:
    record = time_kernel(make_problem(kernel, (6, 6, 6), 3, "complex64", 1, None), 5, "mlmd bench ...")
    names = [row.name for row in record.rows]
    assert names[0].startswith("cpu")
    assert record.baseline == names[0]
    assert any(name.startswith("roof: ") for name in names)
    assert all(row.median > 0 for row in record.rows)
    assert record.rows[0].fraction is not None
    assert record.rows[0].ratio == 1.0


def test_waves_stay_in_range() -> None:
    """Rivals that work in place may be called as often as one likes."""
    case = make_case(make_problem("nlp_prop", (6, 6, 6), 3, "complex128", 1, 2))
    plan = case.plans["cpu fp64"]
    psi = bench_kinetic.random_waves((6, 6, 6, 3), "complex128")
    before = np.linalg.norm(psi)
    for _ in range(50):
        plan(psi)  # type: ignore[operator]
    assert np.linalg.norm(psi) == pytest.approx(before, rel=1e-12)


def test_reference_is_left_out_of_large_problems() -> None:
    case = make_case(make_problem("loc_prop", (64, 64, 64), 17, "complex64", 1, None))
    assert "reference" not in case.plans
    assert any("reference left out" in note for note in case.notes)


def test_missing_mkl_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlmd.perf import cases

    class Peers:
        @staticmethod
        def rivals(points: int, norb: int, rank: int, dtype: str, threads: int) -> dict:
            return {"OpenBLAS cgemm": lambda: None, "mlmd fp32": lambda: None}

    monkeypatch.setattr(cases, "find_spec", lambda name: True)
    monkeypatch.setattr(cases, "import_module", lambda name: Peers)
    case = make_case(make_problem("nlp_prop", (4, 4, 4), 2, "complex64", 1, None))
    assert "OpenBLAS cgemm" in case.calls
    assert "mlmd fp32" not in case.calls
    assert any("MKL left out" in note for note in case.notes)


def test_rank_beyond_the_grid_is_refused() -> None:
    with pytest.raises(PlanError, match="28, more than the 27 grid points"):
        make_problem("nlp_prop", (3, 3, 3), 2, "complex64", 1, 28)


def test_table3_has_its_rows() -> None:
    record = time_table3(make_problem("kin_prop", (6, 6, 6), 2, "complex64", 1, None), 5, "mlmd bench table3")
    names = [row.name for row in record.rows]
    assert names == [name for name in bench_kinetic.TABLE3 if name in names]
    assert {"blocked", "hierarchical"} <= set(names)


class Inner:
    def __init__(self) -> None:
        self.plan = kernels.density((4, 4, 4), 2, backend="reference")
        self.other = "text"


class Outer:
    def __init__(self) -> None:
        self.inner = [Inner(), Inner()]
        self.itself = self
        self.phase = kernels.loc_prop((4, 4, 4), 2, 0.1, backend="reference")


def test_plans_are_found_and_timed() -> None:
    ticks = iter(range(1000))
    clock, outer = PartClock(now=lambda: float(next(ticks))), Outer()
    plans = instrument(outer, clock, __name__, {"Density": "sums"})
    assert len(plans) == 3
    psi, f = np.ones((4, 4, 4, 2), complex), np.ones(2)
    for inner in outer.inner:
        assert isinstance(inner.plan, TimedPlan)
        np.testing.assert_allclose(inner.plan(psi, f), 2.0)
    outer.phase(psi, np.zeros((4, 4, 4)))
    assert inner.plan.flops() == plans[0].flops()
    parts = clock.take()
    assert {name: part.calls for name, part in parts.items()} == {"sums": 2, "locprop": 1}
    assert parts["sums"].seconds == 2.0
    assert parts["sums"].nbytes == 2 * plans[0].bytes()
    assert clock.take() == {}


def test_other_methods_of_plans_are_timed() -> None:
    clock = PartClock()
    plan = TimedPlan(kernels.kin_prop((4, 4, 4), 1, 0.5, 0.1, backend="reference"), "kin", clock)
    psi = np.ones((4, 4, 4, 1), complex)
    plan.second_half(plan.first_half(psi))
    assert clock.take()["kin"].calls == 2


def test_all_rivals_can_be_called() -> None:
    calls = bench_kinetic.rivals((4, 4, 4), 2, "complex64", 1)
    assert set(interleave(calls, rounds=5, settle=0.0)) == set(calls)


def test_overlap_rivals_agree() -> None:
    found = bench_overlap.rivals(30, 2, 3, "complex128", 1)
    np.testing.assert_allclose(found["OpenBLAS gemm"]().T, found["numpy"](), rtol=1e-13)
