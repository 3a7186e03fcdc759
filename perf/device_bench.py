"""Kernels on one device against the roofs of that device, measured in the same run: its copy, its matrix products.

    python -m mlmd.perf.device_bench --backend cuda --out perf/results

Each problem makes one record.  Calls are queued one after the other and waited for together.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..backends import Backend, Device, DeviceBackend, MlmdError, get
from ..kernels.nlp_prop import MODES
from .bench_kinetic import SPACING, TIME_STEP
from .cases import TURN, VECTOR_POTENTIAL, Problem, orthonormal_columns
from .interleave import interleave
from .record import Record, make_row, write

PROBLEMS = (((70, 70, 72), 64), ((64, 64, 64), 1024))
TINY = (((6, 5, 8), 4), ((4, 4, 4), 8))
AXES = 3
STEPS, PAPER_SECONDS = 1000, 0.026  # kin_prop of Table 3 on one NVIDIA A100
BATCH = 10
PATTERN = 2**20  # random numbers that psi repeats
PRODUCT_FLOPS = 16  # two complex multiply-adds for each element of Q and orbital

Call = Callable[[], Any]


class Bench:
    """What is timed on a device for one problem.

    Parameters
    ----------
    backend : Backend
        Of a device.
    problem : Problem
        Grid, orbitals, precision, rank.
    """

    def __init__(self, backend: Backend, problem: Problem) -> None:
        device = backend.arrays()
        if not isinstance(device, Device):
            raise MlmdError(f"backend '{backend.name}' is no device: give --backend cuda or sycl")
        self.backend, self.device, self.problem = backend, device, problem
        self.psi = device.asarray(waves(problem))
        self.spare = device.empty(self.psi.shape, self.psi.dtype)
        self.notes: list[str] = []
        self.extra: dict[str, Any] = {}

    def rivals(self) -> Iterator[tuple[str, Call, float | None, float | None, str]]:
        """Name, call, operations, bytes, and the row that is its roof."""
        p, psi, device = self.problem, self.psi, self.device
        yield "copy", lambda: device.copy(self.spare, psi), None, 2.0 * p.nbytes, ""
        size = (p.shape, p.norb)
        plan = kernels.kin_prop(*size, SPACING, TIME_STEP, p.dtype, self.backend)
        v = device.asarray(np.random.default_rng(2).normal(size=p.shape))
        yield "kin_prop", lambda: plan(psi), plan.flops(), 2.0 * AXES * p.nbytes, "copy"
        yield "kin_prop, A and v", lambda: plan(psi, VECTOR_POTENTIAL, v), plan.flops(), 2.0 * AXES * p.nbytes, "copy"
        f, n = device.asarray(np.full(p.norb, 2.0)), device.empty(p.shape, np.float64)
        density = kernels.density(*size, p.dtype, self.backend)
        yield "density", lambda: density(psi, f, out=n), density.flops(), density.bytes(), "copy"
        current = kernels.current(*size, SPACING, p.dtype, self.backend)
        yield "current", lambda: current.sums(psi, f), current.flops(), current.bytes(), "copy"
        local = kernels.loc_prop(*size, TIME_STEP, p.dtype, self.backend)
        yield "loc_prop", lambda: local(psi, v), local.flops(), local.bytes(), "copy"
        yield from self._products()

    def _products(self) -> Iterator[tuple[str, Call, float, float | None, str]]:
        p, device = self.problem, self.device
        columns = device.asarray(orthonormal_columns(p))
        Q, psi = columns.reshape(p.points, p.rank), self.psi.reshape(p.points, p.norb)
        sums = device.empty((p.rank, p.norb), p.dtype)
        left, form = device.adjoint(Q)
        flops = float(PRODUCT_FLOPS * p.points * p.rank * p.norb)

        def cgemm() -> None:
            device.gemm(left, psi, sums, form=form)
            device.gemm(Q, sums, self.spare.reshape(psi.shape), beta=0.0)

        yield "cgemm", cgemm, flops, None, ""
        for mode in MODES:
            try:
                plan = kernels.nlp_prop(p.shape, p.norb, p.rank, 1.0, p.dtype, mode, self.backend)
                plan.set(columns, np.expm1(-1j * TURN) * np.eye(p.rank))
            except MlmdError as error:
                self.notes.append(f"nlp_prop {mode} left out: {error}")
                continue
            yield f"nlp_prop {mode}", lambda plan=plan: plan(self.psi), flops, None, "cgemm"  # type: ignore[misc]

    def record(self, rounds: int, command: str, steps: int) -> Record:
        """Times of all rivals, and of so many steps of kin_prop in one call."""
        found = list(self.rivals())
        times = interleave({name: self._batch(call) for name, call, *_ in found}, rounds)
        rates = {name: (flops or moved or 1.0) / times[name].median * BATCH for name, _, flops, moved, _ in found}
        rows = []
        for name, _, flops, moved, roof in found:
            amount = flops if roof == "cgemm" else moved
            nearest = {roof: (amount * BATCH, rates[roof])} if roof and amount is not None else None
            work, traffic = (None if x is None else x * BATCH for x in (flops, moved))
            rows.append(make_row(times[name], times["copy"], work, traffic, nearest))
        self._many_steps(steps)
        p = self.problem
        described = {"shape": list(p.shape), "norb": p.norb, "dtype": p.dtype, "rank": p.rank, "calls": BATCH}
        return Record("device", command, described, "copy", rows, None, self.notes, self.extra)

    def _batch(self, call: Call) -> Call:
        def finished() -> None:
            for _ in range(BATCH):
                call()
            self.device.synchronize()

        return finished

    def _many_steps(self, steps: int) -> None:
        p = self.problem
        plan = kernels.kin_prop(p.shape, p.norb, SPACING, TIME_STEP, p.dtype, self.backend)
        seconds = {"kin_prop": _seconds(self.device, lambda: plan(self.psi, steps=steps))}
        graph = self.device.graph(lambda: plan(self.psi, steps=steps))
        seconds["kin_prop as a graph"] = _seconds(self.device, graph.launch)
        self.extra["steps"] = {"steps": steps, "seconds": seconds, "seconds in the paper (A100)": PAPER_SECONDS}


def _seconds(device: Device, call: Call) -> float:
    """Best of three."""
    best = float("inf")
    for _ in range(3):
        device.synchronize()
        start = time.perf_counter()
        call()
        device.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def waves(problem: Problem) -> NDArray[Any]:
    """Random wave functions that repeat themselves, quickly made at any size."""
    rng, size = np.random.default_rng(1), problem.points * problem.norb
    pattern = (rng.normal(size=PATTERN) + 1j * rng.normal(size=PATTERN)).astype(problem.dtype)
    return np.resize(pattern, size).reshape(*problem.shape, problem.norb)


def main(arguments: list[str] | None = None, backend: Backend | None = None) -> list[Path]:
    """The command line; gives the files that were written."""
    parser = argparse.ArgumentParser(prog="python -m mlmd.perf.device_bench", description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="cuda", help="cuda, cuda:1, sycl, ...")
    parser.add_argument("--out", type=Path, default=Path("perf/results"), help="folder of the records")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--tiny", action="store_true", help="small problems, to try the program")
    given = parser.parse_args(arguments)
    backend = get(given.backend) if backend is None else backend
    where = backend.describe(backend.index or 0) if isinstance(backend, DeviceBackend) else ""
    written = []
    for shape, norb in TINY if given.tiny else PROBLEMS:
        problem = Problem("device", shape, norb, "complex64", 1, norb)
        command = f"python -m mlmd.perf.device_bench --backend {given.backend}"
        record = Bench(backend, problem).record(given.rounds, command, given.steps)
        record.machine["device"] = where
        grid = "x".join(map(str, shape))
        path = given.out / f"{backend.name}_{grid}_{norb}.json"
        write(path, record)
        written.append(path)
        show(record)
    return written


def show(record: Record) -> None:
    """Print a record."""
    print(f"{record.machine['device']}, {record.problem}")
    for row in record.rows:
        rates = [f"{x:10.1f} {unit}" if x else "" for x, unit in ((row.gbytes, "GB/s"), (row.gflops, "GFLOP/s"))]
        part = f"{100 * row.fraction:6.1f} % of {row.roof}" if row.fraction else ""
        print(f"  {row.name:20} {1e3 * row.median / BATCH:10.4f} ms {rates[0]:>16} {rates[1]:>20} {part}")
    for note in record.notes:
        print(f"  {note}")
    print(f"  {record.extra}")


if __name__ == "__main__":
    main()
