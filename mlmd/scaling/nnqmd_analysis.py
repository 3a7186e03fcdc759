"""From measurements of XS-NNQMD to a report: bricks of several sizes on one rank, fit, checks, projections."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..perf.scaling import published_nnqmd as published
from ..perf.scaling.machines import Machine
from ..perf.scaling.model import Load, Rates, Roofs, Sample, elsewhere, fit_rate, seconds
from ..perf.scaling.network import fit_network
from ..perf.scaling.report import MEASURED, PROJECTED, PUBLISHED, Check, Curve, Report, TimeToSolution
from ..perf.scaling.series import project
from .crystal import DENSITY
from .launch import mpirun, on_ranks
from .measure import measure_roofs
from .nnqmd import PAIR, Crystal, Network, strong_series, weak_series, work
from .records import BrickRun, NetworkRun, RoofsRun, Store

FITTED, HELD_OUT = (2, 3, 4), (5, 6)  # unit cells along a side of the brick
QUICK_FITTED, QUICK_HELD_OUT = (2, 3), (4,)
MIN_ROUNDS, LEAST_SECONDS = 7, 2.0
KERNELS = ("dense", "edges")  # their operations and bytes are counted; of the others they are estimated

NOTES = (
    "a step is velocity Verlet in FP64 with a list of neighbours, made anew each step, and one network; an excited "
    "state with weights between 0 and 1 takes two networks on the same list",
    "bricks have the ghosts that they would have in a large cell and are measured on one rank: exchange of ghosts, "
    "migration and uneven loads are not in what is measured; messages are projected from the counts of ghosts",
    "times of bricks and roofs are processor time of one thread",
)


class Measured(NamedTuple):
    """All of it; ``notes`` tell what could not be measured."""

    roofs: RoofsRun
    fitted: list[BrickRun]
    held_out: list[BrickRun]
    network: NetworkRun | None
    notes: list[str]


def measure(store: Store, model: str, quick: bool, most: int) -> Measured:
    """Measure what this machine can, or take what an earlier command left.

    Parameters
    ----------
    store : Store
        Keeps the measurements.
    model : str
        File of a model, or the name of one that comes along.
    quick : bool
        Fewer and smaller sizes.
    most : int
        Most ranks.
    """
    from ..nnqmd.shipped import find_model
    from .brick import measure_brick

    found = find_model(model)

    def run(cells: int) -> Callable[[], BrickRun]:
        return lambda: measure_brick(found, model, cells, MIN_ROUNDS, LEAST_SECONDS)

    sizes = (QUICK_FITTED, QUICK_HELD_OUT) if quick else (FITTED, HELD_OUT)
    roofs = store.get("roofs", RoofsRun, lambda: measure_roofs(time.thread_time))
    fitted, held = ([store.get(f"brick of {n}^3 cells", BrickRun, run(n)) for n in cells] for cells in sizes)
    if most == 1 or mpirun() is None:
        why = "one rank only" if most == 1 else "mpirun or mpi4py is not here (pip install 'mlmd[mpi]')"
        return Measured(roofs, fitted, held, None, [f"{why}: no message was measured"])
    network = store.get("messages of 2 ranks", NetworkRun, lambda: NetworkRun.model_validate_json(on_ranks(2, {})))
    return Measured(roofs, fitted, held, network, [])


def report(kind: str, measured: Measured, machine: Machine | None, ranks: Sequence[int]) -> Report:
    """Fit and project.

    Parameters
    ----------
    kind : str
        ``"weak"`` or ``"strong"``.
    measured : Measured
        All measurements.
    machine : Machine or None
        Where to project to; None leaves the projection out.
    ranks : sequence of int
        Numbers of ranks of the projection; empty takes the paper's.
    """
    roofs, largest = measured.roofs.roofs(), measured.held_out[-1]
    crystal, network = described(largest)
    rates = fit(measured.fitted, network, roofs)
    messages = fit_network(measured.network.samples, measured.network.ranks) if measured.network else None
    curves = []
    if machine:
        curves = _curves(kind, machine, rates, machine.handling(messages, roofs), crystal, network, ranks)
    return Report(
        kind=kind,
        workload="XS-NNQMD",
        quantity="atom",
        step="MD step",
        steps=1,
        here=measured.roofs.stamp,
        roofs=roofs,
        network=messages,
        rates=rates,
        checks=[
            Check(_label(run), held, run.seconds, seconds(work_of(run, network), rates, roofs))
            for held, runs in ((False, measured.fitted), (True, measured.held_out))
            for run in runs
        ],
        beside=[],
        machine=machine,
        kernels=[],
        curves=curves,
        solutions=[_here(run) for run in (*measured.fitted, *measured.held_out)]
        + [_there(curve, network, machine) for curve in curves if machine]
        + [
            TimeToSolution(
                peer.work, peer.machine, PUBLISHED, peer.atoms, peer.seconds / peer.atoms, peer.weights, peer.ranks
            )
            for peer in published.TABLE_2
        ],
        notes=[
            f"model: {network.label}, {network.weights:,} weights, cutoff {crystal.cutoff:g} Angstrom",
            *NOTES,
            *measured.notes,
            *(_notes(machine) if machine else []),
        ],
    )


def described(run: BrickRun) -> tuple[Crystal, Network]:
    """What a brick is made of, and what its model does for a pair of neighbours."""
    crystal = Crystal(DENSITY, run.cutoff, run.pairs / run.atoms)
    work = {name: (run.parts[name][2] / run.pairs, run.parts[name][1] / run.pairs) for name in KERNELS}
    return crystal, Network(run.size, run.weights, work | {"network": (0.0, float(PAIR))}, run.held / run.atoms)


def work_of(run: BrickRun, network: Network) -> Load:
    """Work of a brick with the pairs and ghosts that it has; `mlmd.scaling.nnqmd.load` takes them from the geometry."""
    return work(run.atoms, run.ghosts, run.pairs / run.atoms, network)


def fit(runs: Sequence[BrickRun], network: Network, roofs: Roofs) -> Rates:
    """Cost of each part."""
    loads = [work_of(run, network) for run in runs]
    return {
        name: fit_rate([Sample(load[name], run.parts[name][3]) for load, run in zip(loads, runs, strict=True)], roofs)
        for name in loads[0]
    }


def _label(run: BrickRun) -> str:
    return f"{run.atoms:,} atoms and {run.ghosts:,} ghosts"


def _curves(
    kind: str,
    machine: Machine,
    rates: Rates,
    handling: float,
    crystal: Crystal,
    network: Network,
    ranks: Sequence[int],
) -> list[Curve]:
    make = weak_series if kind == "weak" else strong_series
    counts = ranks or (published.WEAK_RANKS if kind == "weak" else published.STRONG_RANKS)
    there, roofs, line = elsewhere(rates), machine.roofs(), machine.network(handling)
    return [
        Curve(series, project(series, there, roofs, line), [case.memory for case in series.cases])
        for series in make(counts, crystal, network)
    ]


def _here(run: BrickRun) -> TimeToSolution:
    work = f"MLMD ({run.size}), {_label(run)}"
    return TimeToSolution(work, "this machine, one rank", MEASURED, run.atoms, run.seconds / run.atoms, run.weights, 1)


def _there(curve: Curve, network: Network, machine: Machine) -> TimeToSolution:
    last, work = curve.runs[-1], f"MLMD ({network.label}), {curve.series.label}"
    return TimeToSolution(
        work, machine.name, PROJECTED, last.quantity, last.time_to_solution, network.weights, last.ranks
    )


def _notes(machine: Machine) -> list[str]:
    return [
        "nothing in the projection is fitted to the paper: the cost of the parts is measured here, the rates of "
        f"{machine.name} are nominal, and each part gets the share of its roof that it gets here; there is no kernel "
        "of Allegro for its GPUs yet",
        "the paper prints neither the ranks that its efficiencies refer to nor the shape of its network of 690,000 "
        f"weights: {published.WEAK_RANKS[0]} and {published.STRONG_RANKS[0]:,} ranks are assumed, and seconds of a "
        "step are compared for each weight only",
    ]
