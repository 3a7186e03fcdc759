"""Cost model: the time of a kernel from what its backend was measured to reach, for choices that must not be timed.

    time = launch + max(bytes moved / bandwidth, operations / peak)

Bandwidths and peaks are those of the backend's own simplest kernels (density reads, loc_prop reads and writes,
nlp_prop multiplies), so that one formula serves all backends.  ``mlmd tune`` measures them once for a device, a build
and a number of threads, and keeps them in ``rates.jsonl`` beside the wisdom file.  A plan never measures them: without,
nominal ones count.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..backends import Backend, get
from ..backends.rates import Rates
from ..kernels.knobs import Value
from . import wisdom
from .key import build_of, device_of
from .problem import Problem, make_problem
from .space import DEFAULT, Candidate, make_space
from .timing import repeats, sample
from .workload import Workload

SHAPE, ORBITALS, RANK = (32, 32, 32), 64, 64  # 16 MiB of psi
ROUNDS = 5
KIND = "rates"
NUMBERS = ("launch", "read", "scale", "fp32", "fp64")
PRODUCT_FLOPS = 16  # two complex multiply-adds for each element of Q and orbital
CYCLES = 10  # of multigrid, cold
FIELD_BYTES = {"fft": 16 * 8, "multigrid": 18 * 8 * CYCLES, "dsa": 24 * 8}  # moved for each point
WORTH = 0.7  # of the time of the default: the model is too coarse to be believed for less
PARTS = {"bf16x1": 1, "bf16x2": 3, "bf16x3": 6}  # products of bf16 numbers for each one


def seconds(problem: Problem, rates: Rates) -> float:
    """Time of a call.

    Examples
    --------
    >>> small, large = (make_problem("density", (n, n, n), 16, threads=2) for n in (8, 64))
    >>> seconds(small, get("cpu").nominal) < seconds(large, get("cpu").nominal)
    True
    """
    psi, columns = problem.nbytes, problem.points * problem.rank * 8
    match problem.kernel:
        case "hartree":
            return rates.launch + problem.points * FIELD_BYTES[problem.mode] / rates.read
        case "density" | "current":
            return rates.launch + psi / rates.read
        case "overlap":
            return rates.launch + max((psi + columns) / rates.read, 0.5 * _products(problem, rates))
        case "nlp_prop":
            return rates.launch + max((psi + 2 * columns) / rates.read + psi / rates.scale, _products(problem, rates))
        case "loc_prop":
            return rates.launch + 2 * psi / rates.scale
    return rates.launch + 4 * psi / rates.scale


def _products(problem: Problem, rates: Rates) -> float:
    flops = PRODUCT_FLOPS * problem.points * problem.rank * problem.norb
    if problem.mode == "fp64" or problem.dtype == "complex128":
        return flops / rates.fp64
    return flops * PARTS.get(problem.mode, 1) / rates.fp32


def estimate(problem: Problem, backend: Backend, wisdom_path: Path) -> dict[str, Value]:
    """Knobs by the model: fewer threads, or another solver, where that is expected to take much less time.

    Only measured rates count here; where there are none nothing is changed.

    Raises
    ------
    WisdomError
        If the file of the rates cannot be read.
    """
    space, kept = make_space(problem, backend), wisdom.read(rates_path(wisdom_path)).items
    expected: dict[Candidate, float] = {}
    for threads in space.values.get("threads", (0,)):
        team = replace(problem, threads=int(threads) or problem.threads)
        rates = _among(kept, backend, team.threads)
        if rates is None:
            continue
        for solver in space.values.get("solver", ("as asked",)):
            candidate = space.candidate({"threads": threads, "solver": solver})
            expected[candidate] = seconds(replace(team, mode="fft") if solver == "fft" else team, rates)
    best = min(expected, key=lambda candidate: (expected[candidate], len(candidate)), default=DEFAULT)
    if DEFAULT not in expected or expected[best] > WORTH * expected[DEFAULT]:
        return {}
    return dict(best)


def measure(backend: str | Backend, threads: int) -> Rates:
    """Measure what a backend reaches, the best of some samples of each kernel.

    Raises
    ------
    MlmdError
        If it does not work here.
    """
    single: dict[str, Any] = {"dtype": "complex64", "threads": threads}
    large: dict[str, Any] = {"shape": SHAPE, "norb": ORBITALS, **single}
    psi = make_problem("density", **large).nbytes
    flops = PRODUCT_FLOPS * (psi // 8) * RANK
    double: dict[str, Any] = {"shape": SHAPE, "norb": ORBITALS, "rank": RANK, "dtype": "complex128", "threads": threads}
    return Rates(
        launch=_least(make_problem("density", (4, 4, 4), 1, **single), backend),
        read=psi / _least(make_problem("density", **large), backend),
        scale=2 * psi / _least(make_problem("loc_prop", **large), backend),
        fp32=flops / _least(make_problem("nlp_prop", rank=RANK, **large), backend),
        fp64=flops / _least(make_problem("nlp_prop", **double), backend),
    )


def _least(problem: Problem, backend: str | Backend) -> float:
    work = Workload(problem, backend)
    plan = work.plan({})

    def call() -> Any:
        return work.apply(plan)

    times = repeats(call, time.perf_counter)
    return min(sample(call, times, time.perf_counter) for _ in range(ROUNDS))


def rates_path(wisdom_path: Path) -> Path:
    """Where rates are kept."""
    return wisdom_path.with_name("rates.jsonl")


def known(wisdom_path: Path, backend: Backend, threads: int) -> Rates | None:
    """The measured rates of a backend of this machine; None if there are none.

    Raises
    ------
    WisdomError
        If the file cannot be read.
    """
    return _among(wisdom.read(rates_path(wisdom_path)).items, backend, threads)


def _among(kept: Sequence[wisdom.Item], backend: Backend, threads: int) -> Rates | None:
    mine = _identity(backend, threads)
    for item in kept:
        if isinstance(item, dict) and all(item.get(name) == value for name, value in mine.items()):
            return Rates(*(float(item[name]) for name in NUMBERS))
    return None


def ensure(wisdom_path: Path, backend: str | Backend, problem: Problem) -> None:
    """Measure the rates of a backend and keep them, for each number of threads that the problem may be given.

    Raises
    ------
    MlmdError
        If the backend does not work here, or the file cannot be written.
    """
    there = get(backend)
    for knob in make_space(problem, there).values.get("threads", (0,)):
        threads = int(knob) or problem.threads
        if known(wisdom_path, there, threads) is None:
            made = _identity(there, threads) | asdict(measure(there, threads))
            wisdom.add(rates_path(wisdom_path), [made])


def _identity(backend: Backend, threads: int) -> dict[str, Any]:
    return {
        "kernel": KIND,
        "backend": backend.name,
        "device": device_of(backend),
        "build": build_of("density", backend.name),
        "threads": threads,
    }
