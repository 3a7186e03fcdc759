"""Knobs change how a kernel works and not what it gives; bound plans give what calls give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlmd import kernels
from mlmd.backends import PlanError, get
from mlmd.kernels.knobs import Tuning

from .problems import difference, normalised, orthonormal

SHAPE, NORB, RANK, H = (13, 8, 10), 6, 5, 0.4
DV = H**3
BACKENDS = ("cpu", "numba", "sycl")
TOLERANCE = 2e-6  # of complex64 numbers; the sums of float64 fields differ by less

Result = Callable[[str, Tuning | None], Any]


def waves(norb: int = NORB) -> Any:
    return normalised(np.random.default_rng(1), SHAPE, norb, DV).astype(np.complex64)


def there(backend: str, array: Any) -> Any:
    return get(backend).arrays().asarray(array)


def back(backend: str, array: Any) -> Any:
    return np.array(get(backend).arrays().asnumpy(array))


def kin_prop(backend: str, tuning: Tuning | None) -> Any:
    plan = kernels.kin_prop(SHAPE, NORB, H, 0.1, "complex64", backend, threads=2, tuning=tuning)
    v = np.random.default_rng(2).normal(size=SHAPE)
    return back(backend, plan(there(backend, waves()), (1.0, 2.0, 3.0), there(backend, v), steps=3))


def kin_prop_packed(backend: str, tuning: Tuning | None) -> Any:
    plan = kernels.kin_prop(SHAPE, 3 * NORB, H, 0.1, "complex64", backend, threads=2, tuning=tuning)
    packed = plan.pack(there(backend, waves(3 * NORB)))
    return back(backend, plan.unpack(plan(packed, (1.0, 2.0, 3.0), steps=2)))


def loc_prop(backend: str, tuning: Tuning | None) -> Any:
    plan = kernels.loc_prop(SHAPE, NORB, 0.3, "complex64", backend, threads=2, tuning=tuning)
    v = np.random.default_rng(2).normal(size=SHAPE)
    return back(backend, plan(there(backend, waves()), there(backend, v)))


def nlp_prop(backend: str, tuning: Tuning | None, mode: str = "fp32") -> Any:
    plan = kernels.nlp_prop(SHAPE, NORB, RANK, DV, "complex64", mode, backend, threads=2, tuning=tuning)
    Q = orthonormal(np.random.default_rng(3), SHAPE, RANK, DV)
    plan.set(there(backend, Q), np.diag(np.expm1(-1j * np.arange(1.0, RANK + 1))))
    return back(backend, plan(there(backend, waves())))


def nlp_prop_bf16x2(backend: str, tuning: Tuning | None) -> Any:
    return nlp_prop(backend, tuning, "bf16x2")


def density(backend: str, tuning: Tuning | None) -> Any:
    plan = kernels.density(SHAPE, NORB, "complex64", backend, threads=2, tuning=tuning)
    return back(backend, plan(there(backend, waves()), there(backend, np.linspace(2.0, 0.5, NORB))))


def current(backend: str, tuning: Tuning | None) -> Any:
    plan = kernels.current(SHAPE, NORB, H, "complex64", backend, threads=2, tuning=tuning)
    return back(backend, plan.sums(there(backend, waves()), there(backend, np.linspace(2.0, 0.5, NORB))))


def overlap(backend: str, tuning: Tuning | None) -> Any:
    plan = kernels.overlap(SHAPE, NORB, NORB, DV, "complex64", backend, threads=2, tuning=tuning)
    return back(backend, plan(there(backend, waves()), there(backend, waves())))


def hartree(backend: str, tuning: Tuning | None) -> Any:
    plan = kernels.hartree(SHAPE, H, method="multigrid", tol=1e-10, backend=backend, threads=2, tuning=tuning)
    return back(backend, plan(there(backend, np.random.default_rng(4).normal(size=SHAPE))))


RESULTS: dict[str, tuple[type, Result]] = {
    "kin_prop": (kernels.KinProp, kin_prop),
    "kin_prop packed": (kernels.KinProp, kin_prop_packed),
    "loc_prop": (kernels.LocProp, loc_prop),
    "nlp_prop": (kernels.NlpProp, nlp_prop),
    "nlp_prop bf16x2": (kernels.NlpProp, nlp_prop_bf16x2),
    "density": (kernels.Density, density),
    "current": (kernels.Current, current),
    "overlap": (kernels.Overlap, overlap),
    "hartree": (kernels.Hartree, hartree),
}


def available_isa() -> list[str]:
    from mlmd import _cpu

    order = ["v2", "v3", "v4", "v4bf16", "amx"]
    return ["best", *order[: order.index(_cpu.isa()) + 1]] if _cpu.isa() in order else ["best"]


def settings(kind: Any, backend: str) -> list[Tuning]:
    """Each knob alone at each of its values, and all of them at their last."""
    knobs = kind.knobs(backend)
    values = {k.name: [v for v in k.values if k.name != "isa" or v in available_isa()] for k in knobs}
    values |= {"threads": [1, 2]} if "threads" in values else {}
    alone = [{name: value} for name, found in values.items() for value in found]
    return [*alone, {name: found[-1] for name, found in values.items()}]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", RESULTS)
def test_results_do_not_depend_on_knobs(name: str, backend: str) -> None:
    status = get(backend).status()
    if not status.works:
        pytest.skip(f"backend {backend}: {status.reason}")
    kind, result = RESULTS[name]
    expected = result(backend, None)
    for tuning in settings(kind, backend):
        limit = 1e-9 if name == "hartree" else TOLERANCE
        assert difference(result(backend, tuning), expected) < limit, tuning


def test_the_plan_says_what_it_is_tuned_to() -> None:
    tuning = {"block": 256, "schedule": "static", "threads": 1}
    plan = kernels.density(SHAPE, NORB, "complex64", threads=2, tuning=tuning)
    assert plan.tuning == {"block": 256, "threads": 1}
    assert plan.threads == 1


@pytest.mark.parametrize(
    ("tuning", "words"),
    [
        ({"blok": 4}, "no 'blok'"),
        ({"block": -1}, "whole number"),
        ({"block": True}, "whole number"),
        ({"block": 1.5}, "whole number"),
        ({"schedule": "guided"}, "static, dynamic"),
        ({"isa": "sse9"}, "one of best"),
    ],
)
def test_bad_knobs_are_refused(tuning: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        kernels.density(SHAPE, NORB, "complex64", tuning=tuning)


def test_a_backend_without_knobs_says_so() -> None:
    with pytest.raises(PlanError, match="none here"):
        kernels.density(SHAPE, NORB, "complex64", "reference", tuning={"block": 4})


def test_an_instruction_set_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = [isa for isa in ("v3", "v4", "v4bf16") if isa not in available_isa()]
    if not missing:
        pytest.skip("this processor runs all of them")
    plan = kernels.density(SHAPE, NORB, "complex64", tuning={"isa": missing[-1]})
    with pytest.raises(ValueError, match="instruction set"):
        plan(waves(), np.ones(NORB))


@pytest.mark.parametrize("backend", ["reference", *BACKENDS])
def test_bound_plans_give_what_calls_give(backend: str) -> None:
    status = get(backend).status()
    if not status.works:
        pytest.skip(f"backend {backend}: {status.reason}")
    arrays = get(backend).arrays()
    kinetic = kernels.kin_prop(SHAPE, NORB, H, 0.1, "complex64", backend, threads=2)
    local = kernels.loc_prop(SHAPE, NORB, 0.3, "complex64", backend, threads=2)
    low_rank = kernels.nlp_prop(SHAPE, NORB, RANK, DV, "complex64", "bf16x3", backend, threads=2)
    Q = orthonormal(np.random.default_rng(3), SHAPE, RANK, DV)
    low_rank.set(there(backend, Q), np.diag(np.expm1(-1j * np.arange(1.0, RANK + 1))))
    weigh = kernels.density(SHAPE, NORB, "complex64", backend, threads=2)
    v, f = there(backend, np.random.default_rng(2).normal(size=SHAPE)), there(backend, np.ones(NORB))
    called, bound, n = there(backend, waves()), there(backend, waves()), arrays.zeros(SHAPE, np.float64)

    steps = [kinetic.bind(bound, (1.0, 2.0, 3.0), v), local.bind(bound, v), low_rank.bind(bound)]
    steps.append(weigh.bind(bound, f, n))
    for _ in range(2):
        expected = weigh(low_rank(local(kinetic(called, (1.0, 2.0, 3.0), v), v)), f)
        for step in steps:
            step()
    assert np.array_equal(back(backend, bound), back(backend, called))
    assert np.array_equal(back(backend, n), back(backend, expected))


def test_a_bound_step_reads_its_bonds_each_time() -> None:
    plan = kernels.kin_prop(SHAPE, NORB, H, 0.1, "complex64", "cpu", threads=2)
    called, bound, bonds = waves(), waves(), np.zeros(3)
    step = plan.bind(bound, bonds=bonds)
    for A in ((0.0, 0.0, 10.0), (5.0, 0.0, -20.0)):
        bonds[:] = plan.peierls(A)
        step()
        plan(called, A)
    assert np.array_equal(bound, called)


def test_a_bound_step_keeps_its_arrays_alive() -> None:
    plan = kernels.loc_prop(SHAPE, NORB, 0.3, "complex64", "cpu")
    psi = waves()
    step = plan.bind(psi, np.full(SHAPE, 0.1))
    for _ in range(20):
        np.full((64, *SHAPE), 7.0)  # would take the place of the potential if it were gone
    step()
    assert difference(psi, waves() * np.exp(-0.03j)) < TOLERANCE


def test_builds_have_names() -> None:
    from mlmd import _cpu

    ids = {name: _cpu.build_id(name) for name in ("kin_prop", "nlp_prop", "density", "multigrid", "dsa")}
    assert all(len(i) == 16 and int(i, 16) >= 0 for i in ids.values())
    assert len(set(ids.values())) == len(ids)
    with pytest.raises(KeyError, match="no kernel kin_drop"):
        _cpu.build_id("kin_drop")
    assert _cpu.device().endswith(_cpu.isa())


def test_a_direct_solution_in_place_of_multigrid_is_counted_as_one() -> None:
    tuned = kernels.hartree(SHAPE, H, method="multigrid", tuning={"solver": "fft"})
    direct, cycles = (kernels.hartree(SHAPE, H, method=method) for method in ("fft", "multigrid"))
    assert (tuned.flops(), tuned.bytes()) == (direct.flops(), direct.bytes())
    assert tuned.flops() < cycles.flops()
