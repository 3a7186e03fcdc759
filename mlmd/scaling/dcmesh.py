"""What one rank of DC-MESH does and sends in a QD step, counted.

A rank propagates its domains in shadow mode under light along one axis; after every few QD steps (one step of the wave)
each domain is observed and the currents of all domains are summed. Operations and bytes are those that the plans of the
kernels give; `tests/scaling` compares these counts with those of real runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..backends import PlanError
from ..dcmesh.parallel import PAIR, Layout
from ..kernels import Current, Density, KinProp, LocProp, NlpProp, Overlap
from ..kernels.plan import Plan
from ..perf.scaling import published
from ..perf.scaling.model import Load, Work
from ..perf.scaling.network import EXCHANGE, SUM, Message
from ..perf.scaling.series import Case, Series

Shape = tuple[int, int, int]
ELECTRONS_PER_ORBITAL = 2
ALONE = Layout(1, 1, 1)
SPACING, DT = 0.4, 0.02  # a.u.; no count depends on them
# Columns of each Q for each orbital: both corrections, and the velocity correction of an axis.
CORRECTION, VELOCITY = 1, 2
OBSERVED = (CORRECTION, VELOCITY, VELOCITY, VELOCITY, CORRECTION)  # energy, current along three axes, occupations
CYCLE = 8 * 18  # bytes of a multigrid cycle for each point, as `Hartree.bytes` counts them
FIELD = 8  # bytes of a field for each point
NUMBERS = 5  # kinetic energy, correction energy, current


@dataclass(frozen=True)
class Task:
    """Domains, all alike, and how ranks share them out.

    Attributes
    ----------
    shape, norb : tuple of 3 int, int
        Grid points and orbitals of a domain.
    domains : int
        How many there are.
    every : int
        QD steps between two sums of the currents.
    layout : Layout
        Ranks over domains, bands and planes.
    cycles : float
        Multigrid cycles of a QD step, a measured number.
    """

    shape: Shape
    norb: int
    domains: int = 1
    every: int = 4
    layout: Layout = ALONE
    cycles: float = 1.0

    @property
    def ranks(self) -> int:
        """All of them."""
        return math.prod(self.layout)

    @property
    def own(self) -> int:
        """Domains of the busiest rank."""
        return -(-self.domains // self.layout.domains)

    @property
    def bands(self) -> int:
        """Bands of the busiest rank."""
        return -(-self.norb // self.layout.bands)

    @property
    def slab(self) -> Shape:
        """Points of the busiest rank."""
        nx, ny, nz = self.shape
        if self.layout.space == 1:
            return self.shape
        return PAIR * -(-(nx // PAIR) // self.layout.space), ny, nz

    @property
    def widened(self) -> Shape:
        """The same with the planes of the neighbours."""
        nx, ny, nz = self.slab
        return (nx, ny, nz) if self.layout.space == 1 else (nx + 2 * PAIR, ny, nz)


def load(task: Task) -> Load:
    """Work of the busiest rank in a QD step, by part, observation included.

    Examples
    --------
    >>> work = load(Task((16, 16, 16), 32))
    >>> work["kin"].calls, work["kin"].nbytes == 2 * 2 * 8 * 32 * 16**3
    (2, True)
    """
    n, k, wide, dtype = task.bands, task.norb, task.widened, np.complex64
    points, often = math.prod(task.shape), 1.0 / task.every
    low_rank = [
        NlpProp(task.slab, n, rank * k, SPACING**3, dtype, backend="reference")
        for rank in (CORRECTION, VELOCITY, CORRECTION)
    ]
    overlaps = [Overlap(task.slab, n, rank * k, SPACING**3, dtype, "reference") for rank in OBSERVED]
    kinetic = _all([KinProp(wide, n, SPACING, DT, dtype, "reference")])
    steps = {
        # Both halves of the step read and write psi.
        "kin": Work(2, kinetic.flops, 2 * kinetic.nbytes),
        "loc": _times(1 + often, _all([LocProp(task.slab, n, DT, dtype, "reference")])),
        "nlp": _all(low_rank),
        "density": _all([Density(task.slab, n, dtype, "reference")]),
        "current": _times(often, _all([Current(task.slab, n, SPACING, dtype, "reference")])),
        "overlap": _times(often, _all(overlaps)),
        # Each rank solves for the potential of the whole domain.
        "hartree": Work(1, 0.0, task.cycles * CYCLE * points),
        "fields": Work(1, 0.0, FIELD * points),
    }
    return {name: _times(task.own, work) for name, work in steps.items()}


def _all(plans: Sequence[Plan]) -> Work:
    return Work(len(plans), sum(plan.flops() for plan in plans), sum(plan.bytes() for plan in plans))


def _times(factor: float, work: Work) -> Work:
    return Work(*(factor * number for number in work))


def messages(task: Task) -> list[Message]:
    """Messages of a rank in a QD step.

    Examples
    --------
    >>> messages(Task((16, 16, 16), 32, domains=2, layout=Layout(2, 1, 1)))
    [Message(kind='sum', calls=0.25, nbytes=48, ranks=2)]
    """
    n, k, often = task.bands, task.norb, 1.0 / task.every
    domains, bands, space = task.layout
    matrix, plane = 16 * k * n, 8 * n * PAIR * task.shape[1] * task.shape[2]
    inside = [
        Message(SUM, 1 + often, FIELD * math.prod(task.shape), bands * space),  # density
        Message(SUM, often, 8 * NUMBERS, bands),
        Message(SUM, 2 * often, 8 * k, bands),  # occupations and norms
        Message(EXCHANGE, 1 + often, plane, space),
        Message(SUM, 2, CORRECTION * matrix, space),
        Message(SUM, 1, VELOCITY * matrix, space),
        Message(SUM, often, 4 * 16, space),  # bonds
        Message(SUM, 2 * often, CORRECTION * matrix, space),
        Message(SUM, 3 * often, VELOCITY * matrix, space),
        Message(SUM, often, 8 * n, space),  # norms
    ]
    between = Message(SUM, often, 3 * 8 * task.domains, domains)  # currents
    return [
        *(kind._replace(calls=task.own * kind.calls) for kind in inside if kind.ranks > 1),
        *([between] if domains > 1 else []),
    ]


def memory(task: Task) -> float:
    """Bytes of the orbitals of a rank and of what they are multiplied with: most of what it holds."""
    points, columns = math.prod(task.slab), 2 * CORRECTION + 3 * VELOCITY
    fixed = points * task.norb * columns * (8 + 16)  # in the steps in FP32, in the observations in FP64
    return task.own * (fixed + 8.0 * math.prod(task.widened) * task.bands)


def case(task: Task, electrons: float) -> Case:
    """The task as a run of a series; ``electrons`` are those of a domain, without buffers."""
    return Case(task.ranks, electrons * task.domains, load(task), messages(task), memory(task))


def weak_series(norbs: Sequence[int], ranks: Sequence[int], base: Task) -> list[Series]:
    """Figure 4a: a domain for each rank, of some sizes.

    Parameters
    ----------
    norbs : sequence of int
        Orbitals of a domain; the points go with them, ``base`` has those of the largest.
    ranks : sequence of int
        Numbers of ranks.
    base : Task
        Mesh, orbitals, steps.
    """
    found = []
    for norb in norbs:
        electrons = norb / published.ORBITALS_PER_ELECTRON
        size = replace(base, norb=norb, shape=_mesh(base.shape, norb / base.norb))
        tasks = [replace(size, domains=count, layout=Layout(count, 1, 1)) for count in ranks]
        points = published.WEAK if norb == published.ORBITALS else ()
        found.append(Series(f"{electrons:g} electrons a rank", [case(t, electrons) for t in tasks], points))
    return found


def strong_series(ranks: Sequence[int], base: Task) -> list[Series]:
    """Figure 4b: as many domains as its electrons fill, shared out whole; besides, fewer domains shared by their bands.

    Parameters
    ----------
    ranks : sequence of int
        Numbers of ranks.
    base : Task
        Mesh, orbitals, steps.

    Raises
    ------
    PlanError
        For ranks that would have nothing to do.
    """
    electrons = base.norb / published.ORBITALS_PER_ELECTRON
    most, least = round(published.STRONG_ELECTRONS / electrons), min(ranks)
    if idle := [count for count in ranks if count > most]:
        raise PlanError(f"{idle[0]:,} ranks have less than one of {most:,} domains each; project to {most:,} at most")
    whole = [replace(base, domains=most, layout=Layout(count, 1, 1)) for count in ranks]
    shared = [
        replace(base, domains=least, layout=Layout(least, count // least, 1)) for count in ranks if count % least == 0
    ]
    return [
        Series(f"{most:,} domains, shared out whole", [case(t, electrons) for t in whole], published.STRONG),
        Series(f"{least:,} domains, their bands shared out", [case(t, electrons) for t in shared]),
    ]


def _mesh(shape: Shape, volume: float) -> Shape:
    """A mesh of the same spacing in a domain of another volume."""
    x, y, z = (max(4, round(points * volume ** (1 / 3))) for points in shape)
    return x, y, z
