"""A precision for each subproblem of LFD: what each level costs in accuracy, and what a sentinel does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlmd.backends import DeviceBackend, get, names
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.qxmd import GroundState, ground_state
from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.laser import SinSquaredPulse
from mlmd.precision.plan import Plan
from mlmd.precision.sentinel import PrecisionWarning, Watched

from .conftest import hydrogen

DT, STEPS = 0.025, 120
PULSE = SinSquaredPulse(photon_energy=0.6, length=4.0, intensity=0.1**2 * SPEED_OF_LIGHT / (8 * np.pi))
FINEST = {"state": "fp64", "nonlocal": "fp64", "velocity": "fp64", "hartree": "1e-10"}
COARSE = {"state": "fp32", "nonlocal": "bf16x1", "velocity": "bf16x1", "hartree": "1e-3"}
# Error 1.0 is the largest n_exc.
TIGHT = 2e-7  # less than what the sentinels of the coarse levels find
LOOSE = Plan(COARSE, "n_exc", 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def h2() -> GroundState:
    return ground_state(hydrogen(), (16, 16, 16), extra_bands=3)


def along(gs: GroundState, precision: str | Mapping[str, str], **options: Any) -> np.ndarray:
    """n_exc every ten steps."""
    lfd = LFD(gs, DT, PULSE, precision=precision, **options)
    values = []
    while lfd.step_count < STEPS:
        lfd.advance(10)
        values.append(lfd.observe()["n_exc"])
    return np.array(values)


def n_exc(gs: GroundState, precision: str | Mapping[str, str], **options: Any) -> float:
    return float(along(gs, precision, **options)[-1])


def test_each_level_below_is_less_exact(h2: GroundState) -> None:
    exact = along(h2, FINEST)
    assert exact.max() > 1e-3

    def error(**levels: str) -> float:
        return float(np.abs(along(h2, FINEST | levels) - exact).max() / exact.max())

    floor = error(state="fp32")
    assert 0.0 < floor < 1e-5
    for part in ("nonlocal", "velocity"):
        one, two, three = (error(**{"state": "fp32", part: f"bf16x{parts}"}) for parts in (1, 2, 3))
        assert one > 5 * two, part
        assert max(two, three) < 1e-4, part
    tight, loose, looser = (error(hartree=level) for level in ("1e-7", "1e-5", "1e-3"))
    assert tight < loose < looser < 1e-2


def test_the_short_form_is_the_same_as_all_levels(h2: GroundState) -> None:
    for short in ("fp64", "fp32"):
        full = {"state": short, "nonlocal": short, "velocity": short, "hartree": "1e-7"}
        assert n_exc(h2, short) == n_exc(h2, full)


@pytest.mark.parametrize("hartree", ["dsa", "fft"])
def test_other_hartree_solvers(h2: GroundState, hartree: str) -> None:
    default = n_exc(h2, "fp64", hartree=hartree)
    levels = {"state": "fp32", "velocity": "bf16x1"} | ({"hartree": "8"} if hartree == "dsa" else {})
    assert n_exc(h2, levels, hartree=hartree) == pytest.approx(default, rel=1e-2)


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"nonlocal": "bf16x1"}, "nonlocal precision 'bf16x1' would lower fp64 orbitals: use it with state = 'fp32'"),
        ({"state": "fp16"}, "precision 'fp16' is not known: use fp64 or fp32"),
        ({"velocity": "x1", "state": "fp32"}, "velocity precision 'x1' is not known: use fp64 or fp32 or bf16x3"),
        ({"hartree": "1e-6"}, "hartree precision '1e-6' is not known: use 1e-10 or 1e-7"),
        ({"overlap": "fp32"}, "precision of 'overlap' is not known: use state, nonlocal, velocity, hartree"),
    ],
)
def test_impossible_levels_are_refused(h2: GroundState, levels: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LFD(h2, DT, PULSE, precision=levels)


def test_the_exact_mode_has_no_products_to_lower(h2: GroundState) -> None:
    with pytest.raises(ValueError, match="nonlocal precision 'bf16x1' is not known: use fp64"):
        LFD(h2, DT, PULSE, mode="exact", precision={"state": "fp32", "nonlocal": "bf16x1"})


@pytest.mark.parametrize("name", [name for name in names() if isinstance(get(name), DeviceBackend)])
def test_devices_take_levels(h2: GroundState, name: str) -> None:
    status = get(name).status()
    if not status.works:
        pytest.skip(f"backend {name}: {status.reason}")
    levels = {"state": "fp32", "nonlocal": "fp64", "velocity": "bf16x1", "hartree": "2"}
    seen = []
    for backend in (name, "cpu"):
        lfd = LFD(h2, DT, PULSE, precision=levels, backend=backend, hartree="dsa")
        lfd.step_count = 60
        lfd.advance(3)
        seen.append(lfd.observe()["n_exc"])
    assert seen[0] == pytest.approx(seen[1], rel=1e-3)


def watched(gs: GroundState, budget: float, plan: Plan = LOOSE, every: int = 20) -> Watched:
    def make(levels: Mapping[str, str]) -> LFD:
        return LFD(gs, DT, PULSE, precision=levels)

    return Watched(make, plan, budget, every, STEPS)


def go(electrons: Watched, until: int, chunk: int = 10) -> None:
    while electrons.step_count < until:
        electrons.advance(chunk)


def test_sentinels_that_see_enough_room_change_nothing(h2: GroundState) -> None:
    guarded = watched(h2, budget=1.0)
    go(guarded, STEPS)
    told = guarded.precision()
    assert told["levels"] == COARSE
    assert told["within_budget"]
    assert (told["checks"], told["events"]) == (5, [])
    assert told["estimated_error"] > abs(guarded.observe()["n_exc"] - n_exc(h2, FINEST)) / 10


@pytest.mark.filterwarnings("always::mlmd.precision.sentinel.PrecisionWarning")
def test_a_breach_raises_levels_until_the_budget_holds(h2: GroundState) -> None:
    guarded = watched(h2, budget=TIGHT)
    with pytest.warns(PrecisionWarning, match=r"sentinel at step \d+: .* raised: .* -> "):
        go(guarded, STEPS)
    told = guarded.precision()
    assert told["levels"] != COARSE
    first = told["events"][0]
    assert first["step"] % 20 == 0
    assert first["projected"] > first["budget"] == TIGHT
    wrong = abs(guarded.observe()["n_exc"] - n_exc(h2, FINEST))
    assert wrong <= TIGHT or not told["within_budget"]


@pytest.mark.filterwarnings("ignore::mlmd.precision.sentinel.PrecisionWarning")
def test_a_budget_that_is_spent_is_told(h2: GroundState) -> None:
    guarded = watched(h2, budget=1e-14)
    go(guarded, STEPS)
    told = guarded.precision()
    assert told["levels"] == FINEST
    assert not told["within_budget"]
    assert "the budget is spent" in told["events"][-1]["text"]


@pytest.mark.filterwarnings("ignore::mlmd.precision.sentinel.PrecisionWarning")
@pytest.mark.parametrize("stop", [30, 60, 100])
def test_resumed_bit_for_bit_before_and_after_a_breach(h2: GroundState, stop: int) -> None:
    whole = watched(h2, budget=TIGHT)
    go(whole, STEPS)
    half = watched(h2, budget=TIGHT)
    go(half, stop)
    state = half.state()
    fresh = watched(h2, budget=TIGHT, plan=replace(LOOSE, amplification=7.0))  # that of the checkpoint counts
    fresh.restore(state)
    go(fresh, STEPS)
    assert whole.events
    assert fresh.precision() == whole.precision()
    np.testing.assert_array_equal(fresh.lfd.psi[0], whole.lfd.psi[0])
    np.testing.assert_array_equal(fresh.lfd.v, whole.lfd.v)
    assert fresh.lfd.psi[0].dtype == whole.lfd.psi[0].dtype


@pytest.mark.filterwarnings("ignore::mlmd.precision.sentinel.PrecisionWarning")
def test_a_budget_lowered_in_mid_run_raises_levels(h2: GroundState) -> None:
    loose = watched(h2, budget=1.0)
    go(loose, 60)
    assert loose.levels == COARSE
    tight = watched(h2, budget=TIGHT)
    tight.restore(loose.state())
    go(tight, STEPS)
    told = tight.precision()
    assert told["events"][0]["step"] == 60
    assert told["levels"] != COARSE
    wrong = abs(tight.observe()["n_exc"] - n_exc(h2, FINEST))
    assert wrong <= TIGHT or not told["within_budget"]


def test_chunks_do_not_move_the_sentinels(h2: GroundState) -> None:
    for every, checks in ((1, 9), (7, 1), (10, 0)):
        guarded = watched(h2, budget=1.0, every=every)
        guarded.advance(10)
        assert (guarded.step_count, guarded.checks) == (10, checks)
