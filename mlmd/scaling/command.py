"""The command ``mlmd scaling``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import InputError
from ..perf.cli import Guard

if TYPE_CHECKING:
    from ..perf.scaling.machines import Machine
    from ..perf.scaling.report import Report

WIDTH_OF_FILES = 150  # characters of a line when the output is no terminal


class Workload(str, Enum):
    """What scales."""

    dcmesh = "dcmesh"
    nnqmd = "nnqmd"


@dataclass(frozen=True)
class Wanted:
    """What was asked for: ``there`` are the ranks of the projection, empty for those of the paper."""

    workload: str
    model: str
    kind: str
    quick: bool
    ranks: int | None
    machine: Machine | None
    there: list[int]
    mesh: str
    every: int
    out: Path
    force: bool


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``scaling`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def scaling(
        weak: Annotated[bool, typer.Option("--weak", help="As much for each rank (Figures 4a, 5a).")] = False,
        strong: Annotated[bool, typer.Option("--strong", help="The same on more ranks (Figures 4b, 5b).")] = False,
        workload: Annotated[Workload, typer.Option(help="DC-MESH, or neural-network dynamics.")] = Workload.dcmesh,
        model: Annotated[str, typer.Option(help="Of nnqmd: a file, or pto_ground.")] = "pto_ground",
        quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller sizes, less than two minutes.")] = False,
        measured_only: Annotated[bool, typer.Option("--measured-only", help="No projection.")] = False,
        ranks: Annotated[
            int | None,
            typer.Option(help="Most ranks to run here (default: processors).", min=1, show_default=False),
        ] = None,
        machine: Annotated[
            str, typer.Option(help="Where to project to: aurora, or a TOML file with its rates.")
        ] = "aurora",
        project: Annotated[
            str | None,
            typer.Option(help="Ranks there, such as 1000,2000 (default: the paper's).", show_default=False),
        ] = None,
        mesh: Annotated[str, typer.Option(help="Points of a domain of 1,024 orbitals there.")] = "70x70x72",
        every: Annotated[int, typer.Option(help="QD steps between two sums of the currents.", min=1)] = 4,
        out: Annotated[Path, typer.Option(help="Folder of measurements and results.")] = Path("scaling_out"),
        force: Annotated[bool, typer.Option("--force", help="Measure anew what is in the folder.")] = False,
    ) -> None:
        """Scaling of DC-MESH or XS-NNQMD: measured here, and projected to a large machine beside the paper's points.

        Times domains, or bricks of atoms, of several sizes on one rank and, where there is MPI, on several; fits a cost
        model, tells how well it predicts what it was not fitted to, and projects. A stopped command goes on where it
        was.
        """
        console = Console(stderr=True)
        with guard(console):
            if weak == strong:
                raise InputError("mlmd scaling", "--weak, --strong", "give one of the two")
            there = None if measured_only else _machine(machine)
            kind, runs = "weak" if weak else "strong", _counts(project)
            wanted = Wanted(workload.value, model, kind, quick, ranks, there, runs, mesh, every, out, force)
            _scale(wanted, console)


def _scale(wanted: Wanted, console: Console) -> None:
    from ..io.atomic import write_bytes, write_text
    from ..perf.scaling.report import as_json
    from ..perf.scaling.tables import tables
    from .picture import draw_scaling

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    found = (_dcmesh if wanted.workload == Workload.dcmesh else _nnqmd)(wanted, say)
    prefix = "" if wanted.workload == Workload.dcmesh else f"{wanted.workload}_"
    files = [wanted.out / f"{prefix}{wanted.kind}.{kind}" for kind in ("json", "png")]
    write_text(files[0], json.dumps(as_json(found), indent=1))
    write_bytes(files[1], draw_scaling(found))
    shown = Console()
    shown = Console(width=None if shown.is_terminal else WIDTH_OF_FILES)
    for item in tables(found):
        shown.print(item, markup=False, highlight=False)
    shown.print(f"written: {files[0]}, {files[1]}", markup=False, highlight=False, soft_wrap=True)


def _dcmesh(wanted: Wanted, say: Callable[[str], None]) -> Report:
    from ..perf.cli import parse_shape
    from .analysis import report
    from .campaign import measure
    from .records import Store

    shape, most, every = parse_shape(wanted.mesh), _ranks(wanted.ranks), wanted.every
    store = Store(wanted.out / f"measured_every_{every}", wanted.force, say)
    measured = measure(store, wanted.kind, wanted.quick, most, every)
    return report(wanted.kind, measured, wanted.machine, shape, every, wanted.there)


def _nnqmd(wanted: Wanted, say: Callable[[str], None]) -> Report:
    from ..nnqmd.packages import require
    from .nnqmd_analysis import measure, report
    from .records import Store

    require()
    most = _ranks(wanted.ranks)
    store = Store(wanted.out / f"measured_{Path(wanted.model).stem}", wanted.force, say)
    measured = measure(store, wanted.model, wanted.quick, most)
    return report(wanted.kind, measured, wanted.machine, wanted.there)


def _ranks(wanted: int | None) -> int:
    """Most ranks to run here."""
    from ..backends import describe, launched_ranks

    if launched_ranks() > 1:
        raise InputError("mlmd scaling", "", "was started by mpirun", "start it alone; it calls mpirun itself")
    there = describe().threads
    if wanted is not None and wanted > there:
        raise InputError("mlmd scaling", "--ranks", f"is {wanted}, and there are {there} processors", "give fewer")
    return wanted or there


def _counts(text: str | None) -> list[int]:
    """Numbers of ranks from text, ascending."""
    if text is None:
        return []
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise InputError("mlmd scaling", "--project", f"is '{text}'", "give numbers such as 1000,2000")
    return sorted({int(part) for part in parts})


def _machine(name: str) -> Machine:
    """A known machine, or that of a file."""
    from ..io.input import parse, read_text
    from ..perf.scaling.machines import MACHINES, Machine

    if name in MACHINES:
        return MACHINES[name]
    path = Path(name)
    if path.suffix != ".toml":
        raise InputError(
            "mlmd scaling", "--machine", f"'{name}' is not known", f"use {', '.join(MACHINES)} or a TOML file"
        )
    return parse(Machine, read_text(path), path)
