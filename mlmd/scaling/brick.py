"""The bricks that are measured: PbTiO3 with its ghosts, evaluated as a rank does, without neighbours to send to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matscipy.neighbours import neighbour_list
from nequip.data import AtomicDataDict, from_dict

from ..errors import MlmdError
from ..kernels import Dense
from ..kernels.edge_form import EdgeForm
from ..nnqmd.calculator import placed
from ..nnqmd.model_file import Model
from ..perf.parts import Part, PartClock
from .crystal import SYMBOLS, brick_with_ghosts
from .records import BrickRun

STEP = 1e-3  # any small number: what a step of the integration costs does not depend on it


class Rank:
    """A brick in motion.

    Parameters
    ----------
    model : Model
        Knows Pb, Ti and O.
    cells : int
        Unit cells along a side.

    Raises
    ------
    MlmdError
        For a model of other elements.
    """

    def __init__(self, model: Model, cells: int) -> None:
        architecture = model.architecture
        if missing := sorted(set(SYMBOLS) - set(architecture.elements)):
            raise MlmdError(f"the model does not know {missing[0]}; what is measured is PbTiO3")
        self.cutoff = architecture.shape.cutoff
        self.atoms, self.own = brick_with_ghosts(cells, self.cutoff)
        self.types = torch.tensor([architecture.elements.index(symbol) for symbol in self.atoms.symbols])
        self.dtype = torch.float64  # positions; the network turns to its own
        self.network = placed(model, "cpu")
        self.positions, self.velocities = self.atoms.positions.copy(), np.zeros((len(self.atoms), 3))
        self.forces = np.zeros_like(self.positions)
        self.pairs = 0

    def step(self, clock: PartClock) -> None:
        """Half a kick, a drift, neighbours, forces, half a kick."""
        clock.timed("atoms", self._move)()
        edges = clock.timed("neighbours", self._neighbours)()
        self.forces = clock.timed("network", self._forces)(edges)

    def _move(self) -> None:
        self.velocities += STEP * self.forces
        self.positions += STEP * self.velocities
        self.positions -= STEP * self.velocities  # back again: the rounds are alike
        self.velocities -= STEP * self.forces

    def _neighbours(self) -> torch.Tensor:
        centre, other = neighbour_list(
            "ij", cutoff=self.cutoff, positions=self.positions, cell=_box(self.positions), pbc=np.zeros(3, bool)
        )
        mine = centre < self.own
        self.pairs = int(mine.sum())
        return torch.from_numpy(np.stack([centre[mine], other[mine]]).astype(np.int64))

    def _forces(self, edges: torch.Tensor) -> np.ndarray:
        data = {
            AtomicDataDict.POSITIONS_KEY: torch.tensor(self.positions, dtype=self.dtype),
            AtomicDataDict.ATOM_TYPE_KEY: self.types,
            AtomicDataDict.EDGE_INDEX_KEY: edges,
        }
        return self.network(from_dict(data))["forces"].detach().numpy()


def _box(positions: np.ndarray) -> np.ndarray:
    return np.diag(np.ptp(positions, axis=0) + 1.0)


@contextmanager
def counted(clock: PartClock) -> Iterator[None]:
    """Count and time the calls of all kernels of Allegro while the block lasts."""
    kept: list[tuple[type, str, Callable[..., Any]]] = [
        (EdgeForm, "__call__", EdgeForm.__call__),
        (Dense, "forth", Dense.forth),
        (Dense, "back", Dense.back),
    ]

    def size_of(plan: Any, arguments: tuple[Any, ...]) -> tuple[int, ...]:
        """What the counts of a plan depend on: rows, or atoms and pairs."""
        if isinstance(plan, Dense):
            return (len(arguments[0][0]),)
        begin = arguments[1]
        return len(begin) - 1, int(begin[-1])

    def wrapped(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(plan: Any, *arguments: Any, **named: Any) -> Any:
            start = clock.now()
            result = method(plan, *arguments, **named)
            part, size = clock.parts.setdefault(name, Part()), size_of(plan, arguments)
            part.seconds += clock.now() - start
            part.calls += 1
            part.flops += plan.flops(*size)
            part.nbytes += plan.bytes(*size)
            return result

        return call

    try:
        for kind, method, call in kept:
            setattr(kind, method, wrapped("dense" if kind is Dense else "edges", call))
        yield
    finally:
        for kind, method, call in kept:
            setattr(kind, method, call)


def measure_brick(model: Model, name: str, cells: int, rounds: int, least: float) -> BrickRun:
    """Time a step part by part, in processor time of its thread; of the whole and of each part the best round counts.

    Parameters
    ----------
    model : Model
        The network.
    name : str
        What it is called.
    cells : int
        Unit cells along a side of the brick.
    rounds, least : int, float
        Rounds after one that warms up, and seconds that they last at least.
    """
    torch.set_num_threads(1)
    rank, clock = Rank(model, cells), PartClock(now=time.thread_time)  # others use the machine too
    taken: list[dict[str, Part]] = []
    with counted(clock):
        held = _held(lambda: rank.step(clock))
        clock.take()
        end = time.perf_counter() + least
        while len(taken) < rounds or time.perf_counter() < end:
            rank.step(clock)
            parts = clock.take()
            parts["network"].seconds -= parts["dense"].seconds + parts["edges"].seconds
            taken.append(parts)
    best = {part: min((parts[part] for parts in taken), key=lambda one: one.seconds) for part in taken[0]}
    shape = model.architecture.shape
    return BrickRun(
        model=name,
        size=f"l_max {shape.l_max}, {shape.layers} layers, {shape.scalars}/{shape.tensors}",
        weights=model.weights,
        cutoff=shape.cutoff,
        cells=cells,
        atoms=rank.own,
        ghosts=len(rank.atoms) - rank.own,
        pairs=rank.pairs,
        seconds=min(sum(part.seconds for part in parts.values()) for parts in taken),
        parts={part: (one.calls, one.nbytes, one.flops, one.seconds) for part, one in best.items()},
        held=held,
    )


def _held(call: Callable[[], Any]) -> float:
    """By how many bytes a call raises the memory of this process for a while; 0 where the system does not tell."""
    status, forget = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not forget.exists():
        call()
        return 0.0

    def size(key: str) -> float:
        return next(1024.0 * float(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(key))

    before = size("VmRSS")
    forget.write_text("5")  # the peak so far
    call()
    return max(0.0, size("VmHWM") - before)
