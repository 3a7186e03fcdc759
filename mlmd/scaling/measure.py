"""Measurements: one domain of some size on one rank, and several ranks beside one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..bench_step import PARTS
from ..dcmesh.lfd.potential import Potential
from ..dcmesh.parallel import ALONE, Team
from ..dcmesh.parallel.team import split
from ..perf.parts import Part, PartClock, instrument
from ..perf.roofs import measure
from ..perf.scaling.network import CountingLine, as_messages, time_line
from .domain import Film, start
from .records import NetworkRun, RanksRun, RoofsRun, SizeRun

ROUNDS, WARM_UP = 12, 2
LEAST_SECONDS = 2.0  # of the rounds of a size
BEYOND_CACHES = 2**28  # bytes
PAUSE = 1e-4  # seconds between two looks of a rank that waits


def measure_size(points: int, norb: int, every: int) -> SizeRun:
    """Time a domain part by part.

    Of the whole and of each part the fastest round counts, because whatever disturbs one only slows it.
    """
    film = Film(start(points, norb), 1, every)
    clock = _clocked(film)
    wholes: list[float] = []
    rounds: list[dict[str, Part]] = []
    for _ in range(WARM_UP):
        film.step()
    end = time.perf_counter() + LEAST_SECONDS
    while len(rounds) < ROUNDS or time.perf_counter() < end:
        clock.take()
        wholes.append(_seconds(film.step))
        rounds.append(clock.take())
    rest = min(
        whole - sum(part.seconds for part in parts.values()) for whole, parts in zip(wholes, rounds, strict=True)
    )
    best = {name: min((parts[name] for parts in rounds), key=lambda part: part.seconds) for name in rounds[0]}
    best["rest"] = Part(seconds=rest)
    return SizeRun(
        points=points,
        norb=norb,
        every=every,
        seconds=min(wholes) / every,
        parts={
            name: (part.calls / every, part.nbytes / every, part.flops / every, part.seconds / every)
            for name, part in best.items()
        },
    )


def measure_roofs(clock: Callable[[], float] = time.perf_counter) -> RoofsRun:
    """What one thread can do, on arrays that no cache holds."""
    roofs = measure(threads=1, nbytes=BEYOND_CACHES, rounds=ROUNDS, clock=clock)
    return RoofsRun(flops=roofs.fp32, bandwidth=roofs.scale, nbytes=roofs.nbytes)


def _clocked(film: Film) -> PartClock:
    clock = PartClock()
    for lfd in film.domains:
        instrument(lfd, clock, "mlmd.dcmesh.lfd", PARTS)
        assert isinstance(lfd.potential, Potential)
        lfd.potential._v_xc = clock.timed("xc", lfd.potential._v_xc)  # type: ignore[method-assign]
    return clock


def measure_ranks(
    world: Any,
    points: int,
    norb: int,
    every: int,
    domains: int,
    layout: tuple[int, int, int],
    alone_domains: int,
    rounds: int = ROUNDS,
) -> RanksRun:
    """Time ``alone_domains`` on rank 0, then ``domains`` on all ranks, in turn; a collective call.

    Parameters
    ----------
    world : mpi4py.MPI.Comm
        All ranks.
    points, norb, every, domains, alone_domains : int
        See `Film`.
    layout : tuple of 3 int
        Ranks over domains, bands and planes.
    rounds : int
        How often, after two that warm up.
    """
    state = world.bcast(start(points, norb) if world.rank == 0 else None)
    counts: dict[tuple[str, int, int], int] = {}
    team = Team(*(CountingLine(line, counts) for line in split(world, layout[1], layout[2])))
    alone = Film(state, alone_domains, every, ALONE) if world.rank == 0 else None
    together = Film(state, domains, every, team)
    pairs = []
    for turn in range(WARM_UP + rounds):
        if turn == WARM_UP:
            counts.clear()
        one = _seconds(alone.step) if alone is not None else 0.0
        _wait_for_all(world)
        own = _seconds(together.step)
        _wait_for_all(world)
        pairs.append((one / every, max(world.allgather(own)) / every))
    counted = [(m.kind, m.calls, int(m.nbytes), m.ranks) for m in as_messages(counts, rounds * every)]
    one_by_one, all_by_all = zip(*pairs[WARM_UP:], strict=True)
    return RanksRun(
        points=points,
        norb=norb,
        every=every,
        domains=domains,
        layout=layout,
        alone_domains=alone_domains,
        alone=list(one_by_one),
        together=list(all_by_all),
        counted=counted,
    )


def measure_network(world: Any) -> NetworkRun:
    """Time the calls of the line of all ranks; a collective call."""
    return NetworkRun(ranks=world.size, samples=time_line(split(world, 1, 1).domains))


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _wait_for_all(world: Any) -> None:
    """A barrier that leaves the processors to those who still work."""
    request = world.Ibarrier()
    while not request.Test():
        time.sleep(PAUSE)
