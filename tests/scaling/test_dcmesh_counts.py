"""What is said about the work and the messages of DC-MESH is what real runs do and send."""

from __future__ import annotations

import json
import math

import pytest

from mlmd.dcmesh.parallel import Layout
from mlmd.errors import MlmdError, PlanError
from mlmd.perf.scaling.network import Message
from mlmd.perf.scaling.report import merged
from mlmd.scaling import measure
from mlmd.scaling.dcmesh import CYCLE, Task, load, memory, messages, strong_series, weak_series
from mlmd.scaling.launch import mpirun, on_ranks

POINTS, NORB, EVERY = 14, 16, 3
needs_mpi = pytest.mark.skipif(mpirun() is None, reason="mpirun or mpi4py is not here: pip install 'mlmd[mpi]'")


def test_work_of_a_domain(monkeypatch) -> None:
    """Calls, bytes and operations of every part are those that the plans of a run counted."""
    monkeypatch.setattr(measure, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(measure, "ROUNDS", 2)
    run = measure.measure_size(POINTS, NORB, EVERY)
    calls, nbytes, *_ = run.parts["hartree"]
    cycles = nbytes / calls / (CYCLE * POINTS**3)
    said = load(Task((POINTS,) * 3, NORB, every=EVERY, cycles=cycles))
    for part in ("kin", "loc", "nlp", "density", "current", "overlap", "hartree"):
        calls, nbytes, flops, seconds = run.parts[part]
        assert (part, said[part].calls) == (part, pytest.approx(calls))
        assert (part, said[part].nbytes) == (part, pytest.approx(nbytes))
        if part not in ("kin", "hartree"):  # the plan counts a whole step for each half; cycles are bound by memory
            assert (part, said[part].flops) == (part, pytest.approx(flops))
        assert 0 < seconds < run.seconds
    assert cycles == round(cycles)


@needs_mpi
@pytest.mark.mpi
@pytest.mark.parametrize(("layout", "domains"), [(Layout(2, 1, 1), 2), (Layout(1, 2, 1), 1), (Layout(1, 1, 2), 2)])
def test_messages_of_two_ranks(layout: Layout, domains: int) -> None:
    """Kind, number and bytes of all messages, counted in a run, are those of the formula."""
    job = {
        "points": POINTS,
        "norb": NORB,
        "every": EVERY,
        "domains": domains,
        "layout": layout,
        "alone_domains": 1,
        "rounds": 2,
    }
    run = json.loads(on_ranks(2, job))
    counted = merged([Message(*message) for message in run["counted"]])
    said = merged(messages(Task((POINTS,) * 3, NORB, domains, EVERY, layout)))
    assert [m._replace(calls=0) for m in counted] == [m._replace(calls=0) for m in said]
    assert [m.calls for m in counted] == pytest.approx([m.calls for m in said])
    assert min(run["together"]) > 0


@needs_mpi
@pytest.mark.mpi
def test_rank_that_fails_ends_all() -> None:
    """Rank 0 alone meets the error, the other one waits for it; the reason is told."""
    job = {"points": 3, "norb": 16, "every": 1, "domains": 1, "layout": (1, 2, 1), "alone_domains": 1}
    with pytest.raises(MlmdError, match=r"mpirun -n 2 failed \(.*GridError: .*--ranks 1 measures without it"):
        on_ranks(2, job)


def test_shares() -> None:
    """The busiest rank has the larger share; what is replicated stays."""
    whole = Task((20, 10, 10), 10, domains=4)
    half = Task((20, 10, 10), 10, domains=4, layout=Layout(2, 1, 1))
    bands = Task((20, 10, 10), 10, layout=Layout(1, 4, 1))
    planes = Task((20, 10, 10), 10, layout=Layout(1, 1, 4))
    assert load(whole)["kin"].nbytes == 2 * load(half)["kin"].nbytes
    assert (bands.bands, planes.slab, planes.widened) == (3, (6, 10, 10), (10, 10, 10))
    one = load(Task((20, 10, 10), 10))
    assert load(bands)["hartree"] == load(planes)["hartree"] == one["hartree"]
    assert load(planes)["nlp"].flops < one["nlp"].flops / 2
    assert memory(bands) < memory(Task((20, 10, 10), 10))


def test_series_of_the_paper() -> None:
    """Electrons of the figures: 128 a rank to 15,360,000 in the weak series, 12,582,912 in the strong one."""
    base = Task((70, 70, 72), 1024)
    small, large = weak_series((256, 1024), (6_144, 120_000), base)
    assert [case.quantity for case in large.cases] == [786_432, 15_360_000]
    assert [case.quantity for case in small.cases] == [196_608, 3_840_000]
    points = small.cases[0].load["fields"].nbytes / large.cases[0].load["fields"].nbytes
    assert points == pytest.approx(0.25, rel=0.03)
    whole, shared = strong_series((24_576, 98_304), base)
    assert {case.quantity for case in whole.cases} == {12_582_912}
    assert [case.ranks for case in (*whole.cases, *shared.cases)] == [24_576, 98_304] * 2
    assert math.isclose(whole.cases[0].load["nlp"].flops, 4 * whole.cases[1].load["nlp"].flops)
    with pytest.raises(PlanError, match="98,304 at most"):
        strong_series((24_576, 120_000), base)
