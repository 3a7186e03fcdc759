"""What the commands print when they are done: plain tables of figures."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table

from . import backends, units
from .compare import Comparison
from .dcmesh.precision import label

if TYPE_CHECKING:
    from .precision.planning import Report

_GIB = 2**30


def summary_table(summary: dict[str, Any], folder: Path) -> Table:
    """Return the main figures of a finished run.

    Parameters
    ----------
    summary : dict
        As in ``summary.json``.
    folder : Path
        The run folder.

    Returns
    -------
    rich.table.Table
        One figure in each row.
    """
    table = _facts()
    table.add_row("excited electrons", f"{summary['n_exc']:.6g} of {summary['electrons']}")
    table.add_row("energy absorbed", f"{summary['energy_absorbed_hartree']:.6g} Ha")
    table.add_row("norm deviation", f"{summary['norm_deviation']:.1e}")
    table.add_row("time simulated", f"{summary['time_fs']:.4g} fs in {summary['steps']} steps")
    for row in _light_rows(summary.get("light", {})):
        table.add_row(*row)
    if "budget" in (precision := summary["precision"]):
        held = "within" if precision["within_budget"] else "BEYOND"
        table.add_row(
            f"error in {precision['observable']}",
            f"{precision['estimated_error']:.1e} estimated, {held} the budget of {precision['budget']:g}; "
            f"{precision['checks']} sentinels, {len(precision['events'])} events",
        )
        table.add_row("precision", escape(label(precision["levels"])))
    table.add_row("speed", f"{summary['s_per_electron_step']:.2e} s/(electron*step)")
    table.add_row("results", escape(str(folder)))
    return table


def _light_rows(light: dict[str, Any]) -> list[tuple[str, str]]:
    """Return where the energy of the light is."""
    parts = [f"{100 * light[part]:.4g} % {part}" for part in ("reflected", "transmitted", "absorbed") if part in light]
    if not parts:
        return []
    return [("light", ", ".join(parts)), ("energy missing", f"{100 * light['imbalance']:+.3g} % of the light")]


def precision_table(report: Report) -> Table:
    """Return what each level does alone.

    Parameters
    ----------
    report : mlmd.precision.planning.Report
        A plan with all that led to it.

    Returns
    -------
    rich.table.Table
        One level in each row; the chosen ones are marked.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("subproblem", "level"):
        table.add_column(heading, no_wrap=True)
    for heading in ("step", "error in the window", "grows as", "error at the end", "amplification"):
        table.add_column(heading, justify="right")
    measured = {(one.subproblem, one.level): one for one in report.lowerings}
    for ladder in report.ladders:
        for level in ladder.levels:
            chosen = report.plan.levels[ladder.subproblem] == level.name
            cells = [ladder.subproblem, f"[bold green]{level.name} *[/]" if chosen else level.name]
            if one := measured.get((ladder.subproblem, level.name)):
                factor = report.amplification(one)
                cells += [
                    f"{100 * one.seconds / report.finest_seconds:+.1f} %",
                    f"{one.growth.error:.1e}",
                    f"n^{one.growth.power:.2f}",
                    f"{one.growth.after(report.steps):.1e}",
                    "" if factor is None else f"{factor:.1e}",
                ]
            table.add_row(*cells, end_section=level is ladder.levels[-1])
    return table


def plan_table(report: Report) -> Table:
    """Return what was chosen and how it was judged.

    Parameters
    ----------
    report : mlmd.precision.planning.Report
        A plan with all that led to it.

    Returns
    -------
    rich.table.Table
        One figure in each row.
    """
    plan, table = report.plan, _facts()
    table.add_row("chosen", escape(label(plan.levels)))
    table.add_row("error, predicted", f"{report.tried[-1].choice.error:.1e} at step {report.steps}")
    table.add_row("error, measured together", f"{plan.error:.1e} up to step {report.window.stop}")
    table.add_row("the same at the end", f"{plan.at_end:.1e}, budget {plan.budget:g} on {plan.observable}")
    table.add_row("step", f"{1e3 * plan.seconds:.3g} ms")
    table.add_row("all FP32 / chosen", f"{plan.fp32_seconds / plan.seconds:.2f}")
    table.add_row("all FP64 / chosen", f"{plan.default_seconds / plan.seconds:.2f}")
    return table


def front_table(report: Report) -> Table:
    """Return the Pareto front of the predicted assignments.

    Parameters
    ----------
    report : mlmd.precision.planning.Report
        A plan with all that led to it.

    Returns
    -------
    rich.table.Table
        One assignment in each row, the fastest last.
    """
    table = Table(*(ladder.subproblem for ladder in report.ladders), box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("step", "error at the end"):
        table.add_column(heading, justify="right")
    for choice in report.front:
        share = f"{100 * choice.seconds / report.finest_seconds:.0f} %"
        table.add_row(*choice.assignment.values(), share, f"{choice.error:.1e}")
    return table


def machine_table() -> Table:
    """Return what this machine has.

    Returns
    -------
    rich.table.Table
        One part of the machine in each row.
    """
    machine = backends.describe()
    threads = backends.default_threads()
    reason = "OMP_NUM_THREADS" if os.environ.get("OMP_NUM_THREADS") else "share of this process"
    used = "" if threads == machine.threads else f"; kernels use {threads} ({reason})"
    table = _facts()
    table.add_row("CPU", escape(machine.cpu))
    table.add_row("instruction sets", " ".join(machine.instruction_sets) or "none that matter here")
    table.add_row("threads", f"{machine.threads}{used}")
    table.add_row("memory", "unknown" if machine.memory is None else f"{machine.memory / _GIB:.1f} GiB")
    table.add_row("GPUs", escape("\n".join(machine.gpus)) or "none found")
    return table


def backend_table() -> Table:
    """Return the backends and whether they work, with the reason where they do not.

    Returns
    -------
    rich.table.Table
        One backend in each row.
    """
    table = Table("backend", "status", "what it is", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in backends.names():
        backend = backends.get(name)
        status = backend.status()
        word, reason = ("[green]works[/]", "") if status.works else ("[red]not here[/]", f"\n{escape(status.reason)}")
        table.add_row(name, word, escape(backend.summary) + reason)
        if status.works and isinstance(backend, backends.DeviceBackend):
            for index in range(backend.count()):
                table.add_row(f"  {name}:{index}", "", escape(backend.describe(index)))
    return table


def comparison_table(comparison: Comparison) -> Table:
    """Return the figures of two runs and how far A is from B.

    Parameters
    ----------
    comparison : Comparison
        The runs.

    Returns
    -------
    rich.table.Table
        One quantity in each row: of A, of B, and their difference.
    """
    c = comparison
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for letter, run in (("A", c.a), ("B", c.b)):
        table.add_column(escape(f"{letter}: {run.folder.name or run.folder}"), justify="right")
    table.add_column("difference", justify="right", no_wrap=True)
    table.add_row("run", *(escape(run.label.replace(", dt", "\ndt")) for run in (c.a, c.b)), "", end_section=True)
    end = units.from_atomic(float(c.time[-1]), "fs", "time")
    table.add_row(f"n_exc at {end:.4g} fs", f"{c.n_exc_a[-1]:.5g}", f"{c.n_exc_b[-1]:.5g}", _signed(c.final_n_exc))
    table.add_row("n_exc(t), largest", f"{c.n_exc_a.max():.5g}", f"{c.n_exc_b.max():.5g}", _at_most(c.largest_n_exc))
    sizes = [np.linalg.norm(J, axis=1) for J in (c.J_a, c.J_b)]
    table.add_row("J(t), largest (a.u.)", *(f"{size.max():.4g}" for size in sizes), _at_most(c.largest_current))
    means = (np.sqrt(np.mean(size**2)) for size in sizes)
    table.add_row("J(t), root mean square", *(f"{mean:.4g}" for mean in means), _percent(c.current))
    table.add_row("energy absorbed (Ha)", f"{c.absorbed_a:.5g}", f"{c.absorbed_b:.5g}", _signed(c.absorbed))
    table.add_row("norm deviation", *(f"{run.series['norm'].max():.1e}" for run in (c.a, c.b)), "")
    table.add_row("s/(electron*step)", f"{c.a.seconds:.2e}", f"{c.b.seconds:.2e}", _signed(c.seconds))
    return table


def _facts() -> Table:
    """Return an empty table of names and values."""
    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    return table


def _percent(ratio: float) -> str:
    """Return a ratio in percent."""
    return f"{100 * ratio:.3g} %" if math.isfinite(ratio) else "B is 0"


def _signed(ratio: float) -> str:
    return f"{'+' if ratio > 0 and math.isfinite(ratio) else ''}{_percent(ratio)}"


def _at_most(ratio: float) -> str:
    return f"at most {_percent(ratio)}" if math.isfinite(ratio) else _percent(ratio)
