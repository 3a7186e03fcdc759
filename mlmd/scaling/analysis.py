"""From measurements of DC-MESH to a report: fit, checks, projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..dcmesh.parallel import Layout
from ..perf.scaling import published
from ..perf.scaling.machines import Machine
from ..perf.scaling.model import Rates, Roofs, Sample, elsewhere, fit_rate, seconds
from ..perf.scaling.network import Message, Network, fit_network, message_seconds
from ..perf.scaling.report import MEASURED, PROJECTED, PUBLISHED, Beside, Check, Curve, Kernel, Report, TimeToSolution
from ..perf.scaling.series import project
from .dcmesh import ALONE, CYCLE, ELECTRONS_PER_ORBITAL, Shape, Task, load, messages, strong_series, weak_series
from .records import Measured, RanksRun, SizeRun

NOTES = (
    "a step is LFD under light along one axis, with its share of the observation and of the sum of the currents; "
    "ground state and nuclei are not in it",
    f"the paper counts {published.ORBITALS_PER_ELECTRON} orbitals for an electron (buffers), and so do the "
    "projections; what is measured here has no buffers and two electrons in each orbital",
)


def report(
    kind: str, measured: Measured, machine: Machine | None, mesh: Shape, every: int, ranks: Sequence[int]
) -> Report:
    """Fit and project.

    Parameters
    ----------
    kind : str
        ``"weak"`` or ``"strong"``.
    measured : Measured
        All measurements.
    machine : Machine or None
        Where to project to; None leaves the projection out.
    mesh : tuple of 3 int
        Grid points of a domain of 1,024 orbitals there.
    every : int
        QD steps between two sums of the currents.
    ranks : sequence of int
        Numbers of ranks of the projection; empty takes the paper's.
    """
    roofs = measured.roofs.roofs()
    rates, cycles = fit(measured.fitted, roofs)
    network = _network(measured)
    checks = [
        Check(_label(run), held, run.seconds, seconds(load(_task(run, cycles)), rates, roofs))
        for held, runs in ((False, measured.fitted), (True, measured.held_out))
        for run in runs
    ]
    base = Task(mesh, published.ORBITALS, every=every, cycles=cycles)
    curves = _curves(kind, machine, rates, machine.handling(network, roofs), base, ranks) if machine else []
    return Report(
        kind=kind,
        workload="DC-MESH",
        quantity="electron",
        step="QD step",
        steps=published.QD_STEPS,
        here=measured.roofs.stamp,
        roofs=roofs,
        network=network,
        rates=rates,
        checks=checks,
        beside=[_beside(run, rates, roofs, cycles, network) for run in measured.ranks],
        machine=machine,
        kernels=_kernels(machine, rates, base) if machine else [],
        curves=curves,
        solutions=[*_solutions(measured, curves, machine), *_peers()],
        notes=[*NOTES, *measured.notes, *(_notes(machine, curves, base) if machine else [])],
    )


def fit(runs: Sequence[SizeRun], roofs: Roofs) -> tuple[Rates, float]:
    """Cost of each part, and the multigrid cycles of a step."""
    cycles = float(np.mean([run.parts["hartree"][1] / (CYCLE * run.points**3) for run in runs]))
    samples: dict[str, list[Sample]] = {}
    for run in runs:
        timed = {name: part[3] for name, part in run.parts.items()}
        timed["fields"] = timed.pop("xc") + timed.pop("rest")
        for name, work in load(_task(run, cycles)).items():
            samples.setdefault(name, []).append(Sample(work, timed[name]))
    return {name: fit_rate(found, roofs) for name, found in samples.items()}, cycles


def _task(run: SizeRun, cycles: float) -> Task:
    return Task((run.points,) * 3, run.norb, every=run.every, cycles=cycles)


def _label(run: SizeRun | RanksRun) -> str:
    return f"{run.points}^3 points, {run.norb} orbitals"


def _network(measured: Measured) -> Network | None:
    run = measured.network
    return fit_network(run.samples, run.ranks) if run else None


def _beside(run: RanksRun, rates: Rates, roofs: Roofs, cycles: float, network: Network | None) -> Beside:
    layout = Layout(*run.layout)
    task = Task((run.points,) * 3, run.norb, run.domains, run.every, layout, cycles)
    alone = seconds(load(replace(task, domains=run.alone_domains, layout=ALONE)), rates, roofs)
    share = run.domains / run.alone_domains / task.ranks
    ratios = share * np.array(run.alone) / np.array(run.together)
    low, middle, high = (float(q) for q in np.percentile(ratios, [25, 50, 75]))
    predicted = None
    if network:
        predicted = seconds(load(task), rates, roofs) + sum(message_seconds(m, network) for m in messages(task))
    over = next((name for name, count in layout._asdict().items() if count > 1), "domains")
    return Beside(
        label=f"{run.domains} domain(s) of {_label(run)}, over {over}",
        ranks=task.ranks,
        measured=float(np.median(run.together)),
        predicted=predicted,
        efficiency=(low, middle, high),
        predicted_efficiency=share * alone / predicted if predicted else None,
        counted=[Message(*message) for message in run.counted],
        formula=messages(task),
    )


def _curves(
    kind: str, machine: Machine, rates: Rates, handling: float, base: Task, ranks: Sequence[int]
) -> list[Curve]:
    if kind == "weak":
        found = weak_series((256, published.ORBITALS), ranks or published.WEAK_RANKS, base)
    else:
        found = strong_series(ranks or published.STRONG_RANKS, base)
    there, roofs, network = elsewhere(rates), machine.roofs(), machine.network(handling)
    return [
        Curve(series, project(series, there, roofs, network), [case.memory for case in series.cases])
        for series in found
    ]


def _kernels(machine: Machine, rates: Rates, base: Task) -> list[Kernel]:
    """Of a domain of the paper."""
    there, work = elsewhere(rates), load(base)
    return [
        Kernel(part, work[part].flops / seconds({part: work[part]}, there, machine.roofs()), printed)
        for part, printed in published.TABLE_5.items()
    ]


def _solutions(measured: Measured, curves: Sequence[Curve], machine: Machine | None) -> list[TimeToSolution]:
    run = max((*measured.fitted, *measured.held_out), key=lambda run: run.norb * run.points**3)
    electrons = ELECTRONS_PER_ORBITAL * run.norb
    here = TimeToSolution(
        f"MLMD, {_label(run)}", "this machine, one rank", MEASURED, electrons, run.seconds / electrons
    )
    projected = [
        TimeToSolution(f"MLMD, {curve.series.label}", machine.name, PROJECTED, last.quantity, last.time_to_solution)
        for curve in curves
        for last in curve.runs[-1:]
        if machine
    ]
    return [here, *projected]


def _peers() -> list[TimeToSolution]:
    return [
        TimeToSolution(peer.work, peer.machine, PUBLISHED, peer.electrons, peer.seconds) for peer in published.TABLE_1
    ]


def _notes(machine: Machine, curves: Sequence[Curve], base: Task) -> list[str]:
    points = "x".join(map(str, base.shape))
    found = [
        "nothing in the projection is fitted to the paper: the cost of the parts is measured here, the rates of "
        f"{machine.name} are nominal, and each part gets the share of its roof that it gets here",
        f"the paper does not print the mesh of these runs; {points} points for {base.norb:,} orbitals are assumed "
        "(its Table 3), other domains at the same spacing; --mesh takes another",
    ]
    if full := [curve for curve in curves if max(curve.memory) > machine.memory]:
        most = max(max(curve.memory) for curve in full)
        found.append(
            f"a rank would hold up to {most / 1e9:.0f} GB, and there are {machine.memory / 1e9:.0f} GB: such runs "
            "do not fit there as LFD is now"
        )
    return found
