"""The work of ``mlmd bench step``: real time on the problem of an input file, handed to ``perf`` as a callable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console

from .backends import Device, default_threads
from .dcmesh.lfd import LFD
from .dcmesh.lfd.potential import Potential
from .dcmesh.qxmd import GroundState, ground_state
from .dcmesh.qxmd.cell import prepare
from .engine import light
from .perf.parts import PartClock, instrument
from .perf.step import StepWork
from .precision.plan import levels_of
from .problem import Problem
from .progress import Progress

# The cost of a step does not depend on how good the orbitals are.
GROUND_STATE_TOLERANCE = 1e-2
PARTS = {
    "KinProp": "kin",
    "LocProp": "loc",
    "NlpProp": "nlp",
    "Density": "density",
    "Current": "current",
    "Hartree": "hartree",
}


def step_work(problem: Problem, norb: int | None, threads: int | None, steps: int, console: Console) -> StepWork:
    """The step of a problem, its plans timed from outside.

    Parameters
    ----------
    problem : Problem
        Its ground state is solved loosely, with bands enough for ``norb``.
    norb : int, optional
        Orbitals to propagate, with two electrons each.
    threads : int, optional
        Threads of each kernel.
    steps : int
        Steps in one call.
    console : rich.console.Console
        Where the progress of the ground state is shown.
    """
    dynamics = problem.config.dynamics
    threads = threads or dynamics.threads or default_threads()
    start = _ground_state(problem, norb, console)
    lfd = LFD(
        start,
        dt=dynamics.dt,
        laser=light(problem.config.laser),
        mode=dynamics.mode,
        precision=levels_of(problem),
        backend=dynamics.backend,
        hartree=dynamics.hartree,
        threads=threads,
    )
    # The light is on from the first step that is timed.
    lfd.step_count = int(0.5 * lfd.laser.duration / dynamics.dt)
    clock = PartClock(finish=lfd.arrays.synchronize) if isinstance(lfd.arrays, Device) else PartClock()
    plans = instrument(lfd, clock, "mlmd.dcmesh.lfd", PARTS)
    if isinstance(lfd.potential, Potential):
        lfd.potential._v_xc = clock.timed("xc", lfd.potential._v_xc)  # type: ignore[method-assign]
    described: dict[str, Any] = {
        "work": problem.path.stem,
        "shape": list(problem.shape),
        "norb": sum(psi.shape[3] for psi in lfd.psi),
        "dtype": str(lfd.options.dtype),
        "threads": threads,
        "mode": dynamics.mode,
        "hartree": dynamics.hartree,
    }
    electrons = float(sum(f.sum() for f in lfd.weights))
    return StepWork(lambda: lfd.advance(steps), steps, clock, plans, electrons, described)


def _ground_state(problem: Problem, norb: int | None, console: Console) -> GroundState:
    """A ground state that is good enough to be timed; with ``norb`` its lowest orbitals are full, the others empty."""
    settings = problem.config.ground_state
    full = prepare(problem.atoms, problem.shape, settings.xc, settings.pseudopotentials or None).electrons // 2
    wanted = max(norb or full, full)
    with problem.blame(), Progress(console).ground_state(settings.max_iterations) as show:
        start = ground_state(
            problem.atoms,
            problem.shape,
            **settings.arguments()
            | {"extra_bands": settings.extra_bands + wanted - full, "tol": GROUND_STATE_TOLERANCE},
            seed=problem.config.run.seed,
            progress=show,
        )
    if norb is None:
        return start
    return replace(start, occupations=np.where(np.arange(start.occupations.shape[1]) < norb, 2.0, 0.0)[None])
