"""What this machine can do at most: memory bandwidth and arithmetic, measured by kernels of our own.

Three passes over memory, each by the threads that touched the memory first:

- ``scale``: a <- factor a, in place (one read and one write of the same array, what a propagator does to psi);
- ``read``: the sum of an array (what a reduction does);
- ``triad``: a <- b + factor c, counted as STREAM counts it (two reads, one write; the read of a's lines before they
  are overwritten is not counted).

A last-level cache may be larger than any array that one wants to wait for, and then no array shows the bandwidth of
the memory behind it.  So the roof is that of arrays of the size of the problem at hand: ``nbytes``.

Arithmetic: independent chains of multiply-adds in the registers, FP32 and FP64, and bf16 products with FP32 sums on AMX
tiles or else by AVX512-BF16.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import BackendUnavailable, default_threads, get
from ..kernels import zeros

DEFAULT_BYTES = 2**28
PEAK_SECONDS = 0.02  # length of one look at a peak
LEAST_BYTES = 2**12


@dataclass(frozen=True)
class Roofs:
    """Roofs of this machine.

    Attributes
    ----------
    threads : int
        Threads that worked.
    isa : str
        Instruction-set variant of the C++ module.
    nbytes : int
        Bytes of each array of the passes over memory.
    scale, read, triad : float
        Bandwidths, bytes per second.
    fp32, fp64 : float
        Peaks of multiply-adds, operations per second.
    bf16 : float or None
        Peak of bf16 products with FP32 sums, operations per second; None where there is no such unit.
    bf16_unit : str
        The unit, ``"AMX"`` or ``"AVX512-BF16"``, or why there is none.
    """

    threads: int
    isa: str
    nbytes: int
    scale: float
    read: float
    triad: float
    fp32: float
    fp64: float
    bf16: float | None
    bf16_unit: str


def measure(
    threads: int | None = None,
    nbytes: int = DEFAULT_BYTES,
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> Roofs:
    """Measure the roofs: the best of interleaved rounds, because whatever disturbs a pass only lowers its rate.

    Parameters
    ----------
    threads : int, optional
        Threads; by default those of a plan.
    nbytes : int
        Size of each array, best that of the problem to compare with.
    rounds : int
        Times that everything is measured.
    clock : callable
        ``time.thread_time`` for the roofs of one thread where others use the machine too.

    Returns
    -------
    Roofs

    Raises
    ------
    BackendUnavailable
        If the C++ module is not built.

    Examples
    --------
    >>> roofs = measure(threads=1, nbytes=2**20, rounds=3)
    >>> min(roofs.read, roofs.fp32, roofs.fp64) > 0
    True
    """
    threads = default_threads() if threads is None else threads
    module = native()
    work: dict[str, Callable[[], float]] = dict(memory_passes(module, threads, nbytes))
    work |= {name: _peak(chain, threads) for name, chain in _chains(module).items()}
    unit, why = _bf16_unit(module)
    if unit:
        tiles = unit == "AMX"
        work["bf16"] = _peak(lambda rounds, threads: float(module.roof_bf16(tiles, rounds, threads)[0]), threads)
    best = {name: max(rates) for name, rates in _interleaved_rates(work, rounds, clock).items()}
    bf16 = best.pop("bf16", None)
    return Roofs(threads, str(module.isa()), nbytes, **best, bf16=bf16, bf16_unit=unit or why)


def native() -> Any:
    """The C++ module.

    Raises
    ------
    BackendUnavailable
        If it is not built.
    """
    status = get("cpu").status()
    if not status.works:
        raise BackendUnavailable(f"the roofs are measured by C++ kernels, which are not here: {status.reason}")
    from .. import _cpu

    return _cpu


def touched(size: int, dtype: Any, threads: int) -> NDArray[Any]:
    """An array of ones, its pages placed near the threads that the passes will use for them.

    Examples
    --------
    >>> float(touched(1000, np.float32, 1).sum())
    1000.0
    """
    array = zeros(size, dtype, threads)
    native().roof_fill(array, 1.0, threads)
    return array


def memory_passes(module: Any, threads: int, nbytes: int) -> Iterator[tuple[str, Callable[[], float]]]:
    """The passes over memory by name; a call does one and returns the bytes that it moved."""
    size = max(nbytes, LEAST_BYTES) // 8
    a, b, c = (touched(size, np.float64, threads) for _ in range(3))

    def scale() -> float:
        module.roof_scale(a, -1.0, threads)
        return 16.0 * size

    def read() -> float:
        module.roof_read(b, threads)
        return 8.0 * size

    def triad() -> float:
        module.roof_triad(a, b, c, -1.0, threads)
        return 24.0 * size

    yield from (("scale", scale), ("read", read), ("triad", triad))


def _chains(module: Any) -> dict[str, Callable[[int, int], float]]:
    return {
        "fp32": lambda rounds, threads: float(module.roof_fma(True, rounds, threads)),
        "fp64": lambda rounds, threads: float(module.roof_fma(False, rounds, threads)),
    }


def _bf16_unit(module: Any) -> tuple[str, str]:
    """Name of the best bf16 unit and "", or "" and why there is none."""
    reasons = []
    for name, tiles in (("AMX", True), ("AVX512-BF16", False)):
        flops, why = module.roof_bf16(tiles, 1, 1)
        if flops:
            return name, ""
        reasons.append(str(why))
    return "", "; ".join(dict.fromkeys(reasons))


def _peak(chain: Callable[[int, int], float], threads: int) -> Callable[[], float]:
    """A call that runs the chain for about `PEAK_SECONDS` and returns the operations done."""
    rounds = 1000
    # The shortest of some tries: a pause of the process must not pass for a long chain.
    while (seconds := min(_seconds(chain, rounds, threads) for _ in range(3))) < 0.1 * PEAK_SECONDS:
        rounds *= 4
    rounds = max(1, round(rounds * PEAK_SECONDS / seconds))
    return lambda: chain(rounds, threads)


def _seconds(chain: Callable[[int, int], float], rounds: int, threads: int) -> float:
    start = time.perf_counter()
    chain(rounds, threads)
    return time.perf_counter() - start


def _interleaved_rates(
    work: dict[str, Callable[[], float]], rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Amount per second of each call, in rounds; short calls are repeated within a round."""
    rates: dict[str, list[float]] = {name: [] for name in work}
    for call in work.values():
        call()
    for _ in range(rounds):
        for name, call in work.items():
            start, amount, seconds = clock(), 0.0, 0.0
            while seconds < 1e-3:
                amount += call()
                seconds = clock() - start
            rates[name].append(amount / seconds)
    return rates
