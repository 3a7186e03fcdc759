"""Record of each kernel on each backend, kept by pytest-benchmark: ``make bench``.

``make bench`` saves each run in ``.benchmarks``; ``pytest-benchmark compare`` shows runs side by side.  The times are
those of one machine at one moment: for a record and a first look.  Whether a change made something slower is told by
``mlmd perf compare``, which interleaves both.

``extra_info`` holds what a time belongs to (kernel, variant, mode, backend, device, build, threads, tuning, the key of
its wisdom) and what it amounts to: GFLOP/s, GB/s of the least traffic, the fraction of this machine's nearest roof.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from ..backends import DeviceBackend, get, names
from ..kernels import current, density, hartree, kin_prop, loc_prop, nlp_prop, overlap
from ..kernels.plan import Plan
from ..tuning.key import build_of, device_of
from ..tuning.timing import Timing
from .cases import REDUCTIONS, arithmetic_roof
from .record import make_row
from .roofs import Roofs, measure

SHAPE, NORB, RANK, SPACING, TIME_STEP = (30, 30, 32), 17, 32, 0.24, 0.04
VECTOR_POTENTIAL = (0.0, 0.0, 3.0)
ROUNDS = 10
BF16 = ("bf16x1", "bf16x2", "bf16x3")


@dataclass(frozen=True)
class Timed:
    """A call, and the plans in it.

    Attributes
    ----------
    kernel : str
        Name of the kernel, or ``"step"``.
    call : callable
        What is timed.
    plans : sequence of Plan
        The plans in it, as often as they are called.
    variant, mode : str
        ``"packed"`` of kin_prop; arithmetic of nlp_prop, method of hartree.
    rank : int
        Columns of Q or bras; 0 where there are none.
    """

    kernel: str
    call: Callable[[], Any]
    plans: Sequence[Plan]
    variant: str = ""
    mode: str = ""
    rank: int = 0


def orbital_case(kernel: str, backend: str, dtype: str, mode: str = "") -> Timed:
    """Plan and call of a kernel that works on wave functions."""
    there = get(backend).arrays().asarray
    rng = np.random.default_rng(1)
    psi = there((rng.normal(size=(*SHAPE, NORB)) + 1j * rng.normal(size=(*SHAPE, NORB))).astype(dtype))
    f, v = there(np.ones(NORB)), there(rng.normal(size=SHAPE))
    match kernel:
        case "kin_prop":
            kinetic = kin_prop(SHAPE, NORB, SPACING, TIME_STEP, dtype, backend)
            waves = kinetic.pack(psi) if mode == "packed" else psi
            return Timed(kernel, lambda: kinetic(waves, VECTOR_POTENTIAL), [kinetic], variant=mode)
        case "loc_prop":
            local = loc_prop(SHAPE, NORB, TIME_STEP, dtype, backend)
            return Timed(kernel, lambda: local(psi, v), [local])
        case "nlp_prop":
            low_rank = nonlocal_plan(backend, dtype, mode)
            return Timed(kernel, lambda: low_rank(psi), [low_rank], mode=low_rank.mode, rank=RANK)
        case "density":
            squares = density(SHAPE, NORB, dtype, backend)
            return Timed(kernel, lambda: squares(psi, f), [squares])
        case "overlap":
            products = overlap(SHAPE, NORB, NORB, 1.0, dtype, backend)
            return Timed(kernel, lambda: products(psi, psi), [products], rank=NORB)
        case "current":
            bonds = current(SHAPE, NORB, SPACING, dtype, backend)
            return Timed(kernel, lambda: bonds.measure(psi, f, VECTOR_POTENTIAL), [bonds])
        case _:
            return step_case(backend, dtype, psi, f, v)


def nonlocal_plan(backend: str, dtype: str, mode: str) -> Any:
    """A plan of nlp_prop with its operator."""
    plan = nlp_prop(SHAPE, NORB, RANK, 1.0, dtype, mode or None, backend)
    there = get(backend).arrays().asarray
    plan.set(there(np.full((*SHAPE, RANK), 1e-6, dtype)), np.eye(RANK, dtype=complex))
    return plan


def step_case(backend: str, dtype: str, psi: Any, f: Any, v: Any) -> Timed:
    """A QD step without its Hartree potential: N(dt/2) V(dt/2) K(dt) V(dt/2) N(dt/2), and the density of its end."""
    low_rank, squares = nonlocal_plan(backend, dtype, ""), density(SHAPE, NORB, dtype, backend)
    kinetic = kin_prop(SHAPE, NORB, SPACING, TIME_STEP, dtype, backend)

    def step() -> None:
        low_rank(psi)
        kinetic(psi, VECTOR_POTENTIAL, v)
        low_rank(psi)
        squares(psi, f)

    return Timed("step", step, [low_rank, kinetic, low_rank, squares], rank=RANK)


def record(benchmark: Any, timed: Timed) -> None:
    """Time the call and write down what it belongs to and what it amounts to."""
    plan = timed.plans[0]
    synchronize = getattr(plan.arrays, "synchronize", lambda: None)

    def finished() -> None:
        timed.call()
        synchronize()

    finished()
    benchmark.pedantic(finished, rounds=ROUNDS, iterations=1, warmup_rounds=1)
    benchmark.extra_info.update(identity(timed))
    if benchmark.stats is not None:  # none with --benchmark-disable
        benchmark.extra_info.update(amounts(timed, tuple(benchmark.stats.stats.data)))


def identity(timed: Timed) -> dict[str, Any]:
    """What a time belongs to.

    Examples
    --------
    >>> found = identity(orbital_case("density", "reference", "complex64"))
    >>> found["kernel"], found["backend"], found["tuning"]
    ('density', 'reference', {})
    """
    plan = timed.plans[0]
    dtype = "float64" if timed.kernel == "hartree" else plan.dtype.name
    backend = get(plan.backend)
    device = device_of(backend)
    builds = {each.KERNEL: build_of(each.KERNEL, backend.name, timed.mode) for each in timed.plans}
    size = (*SHAPE, plan.norb, timed.rank)
    key = (timed.kernel, plan.backend, device, builds.get(timed.kernel), plan.threads, dtype, timed.mode, *size)
    return {
        "kernel": timed.kernel,
        "variant": timed.variant,
        "mode": timed.mode,
        "backend": plan.backend,
        "device": device,
        "build": builds,
        "threads": plan.threads,
        "dtype": dtype,
        "shape": SHAPE,
        "norb": plan.norb,
        "tuning": {each.KERNEL: dict(each.tuning) for each in timed.plans if each.tuning},
        "wisdom_key": key if timed.kernel in builds else None,  # a step has none
    }


def amounts(timed: Timed, seconds: Sequence[float]) -> dict[str, Any]:
    """GFLOP/s, GB/s and, on the host, the fraction of the nearest roof."""
    times = Timing(timed.kernel, tuple(seconds))
    flops, nbytes = (sum(count) for count in zip(*((p.flops(), p.bytes()) for p in timed.plans), strict=True))
    row = make_row(times, times, flops, nbytes, roofs_of(timed, flops, nbytes))
    return {"gflop_s": row.gflops, "gb_s": row.gbytes, "roof": row.roof, "roof_fraction": row.fraction}


def roofs_of(timed: Timed, flops: int, nbytes: int) -> dict[str, tuple[float, float]] | None:
    """Roof -> (amount of a call, amount per second); None on a device, whose roofs are not measured here."""
    plan = timed.plans[0]
    if isinstance(get(plan.backend), DeviceBackend) or not get("cpu").status().works:
        return None
    roofs = measured(plan.threads)
    kind, rate = ("read", roofs.read) if timed.kernel in REDUCTIONS else ("in place", roofs.scale)
    found = {kind: (float(nbytes), rate)}
    if len(timed.plans) == 1 and (peak := arithmetic_roof(plan, roofs)):
        found[peak[0]] = (float(flops), peak[1])
    return found


@cache
def measured(threads: int) -> Roofs:
    """Roofs for arrays of the size of psi."""
    return measure(threads, int(np.prod(SHAPE)) * NORB * 8)


def working(backend: str) -> str:
    """The backend's name, or a skipped test."""
    status = get(backend).status()
    if not status.works:
        pytest.skip(f"backend {backend}: {status.reason}")
    return backend


@pytest.mark.parametrize("backend", names())
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("kernel", ["kin_prop", "loc_prop", "nlp_prop", "density", "current", "overlap", "step"])
def bench_orbitals(benchmark: Any, kernel: str, dtype: str, backend: str) -> None:
    """A kernel on wave functions, and a step of such kernels."""
    record(benchmark, orbital_case(kernel, working(backend), dtype))


@pytest.mark.parametrize("backend", [name for name in names() if name not in ("reference", "numba")])
@pytest.mark.parametrize(("kernel", "mode"), [("kin_prop", "packed"), *(("nlp_prop", mode) for mode in BF16)])
def bench_variants(benchmark: Any, kernel: str, mode: str, backend: str) -> None:
    """Packed wave functions, and arithmetic in bf16 parts."""
    record(benchmark, orbital_case(kernel, working(backend), "complex64", mode))


@pytest.mark.parametrize("backend", names())
@pytest.mark.parametrize("method", ["fft", "multigrid", "dsa"])
def bench_hartree(benchmark: Any, method: str, backend: str) -> None:
    """A Hartree solver on a random density, from zero."""
    solver = hartree(SHAPE, SPACING, method=method, tol=1e-8, backend=working(backend))
    n = get(backend).arrays().asarray(np.random.default_rng(1).normal(size=SHAPE))
    record(benchmark, Timed("hartree", lambda: solver(n), [solver], mode=method))
