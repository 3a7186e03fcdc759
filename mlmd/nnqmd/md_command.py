"""``mlmd nn md``: molecular dynamics with a network, on one rank or under mpirun."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..backends import launched_ranks, local_rank
from ..errors import InputError
from ..interrupt import StopSignals
from ..perf.cli import Guard
from .packages import require

if TYPE_CHECKING:
    import ase

    from .md.dynamics import Dynamics, Plan, Settings
    from .md.forces import Load
    from .md.interaction import Interaction
    from .md.network import Network
    from .md.record import Observables


class Ensemble(str, Enum):
    """What is kept constant."""

    nve = "nve"
    langevin = "langevin"
    nose_hoover = "nose-hoover"
    npt = "npt"
    npt_axes = "npt-axes"


class Crystal(str, Enum):
    """Surroundings that networks can be put into."""

    srtio3 = "srtio3"


MM = Annotated[
    Crystal | None,
    typer.Option("--mm", help="Cheaper potential of what the network does not know.", show_default=False),
]
Border = Annotated[float, typer.Option(min=1.0, help="Reach of the border to it, Å; the structure may bring shares.")]


class Digits(str, Enum):
    """Precision of the network."""

    float32 = "float32"
    float64 = "float64"


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``md`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def md(
        model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model of 'mlmd nn train', or pto_ground.")],
        structure: Annotated[Path, typer.Option(help="Structure to start from, its last frame.", show_default=False)],
        excited: Annotated[
            Path | None, typer.Option(help="Model of the excited state; the weights are those of the structure.")
        ] = None,
        mm: MM = None,
        border: Border = 10.0,
        repeat: Annotated[str, typer.Option(help="Repeats of the structure, such as 2 or 2x2x1.")] = "1",
        out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("md_out"),
        steps: Annotated[int, typer.Option(min=0, help="Steps of the whole run.")] = 1000,
        step: Annotated[float, typer.Option(min=1e-3, help="Time step, fs.")] = 1.0,
        ensemble: Annotated[
            Ensemble, typer.Option(help="npt-axes stretches x, y and z each on its own.")
        ] = Ensemble.nve,
        temperature: Annotated[
            float | None,
            typer.Option(
                min=0.0, help="K; velocities are drawn at it where the structure has none.", show_default=False
            ),
        ] = None,
        pressure: Annotated[float, typer.Option(help="GPa.")] = 0.0,
        friction: Annotated[float, typer.Option(min=0.0, help="Of langevin, 1/fs.")] = 0.01,
        thermostat: Annotated[float, typer.Option(min=1e-3, help="Period of the Nose-Hoover chain, fs.")] = 100.0,
        barostat: Annotated[float, typer.Option(min=1e-3, help="Period of the barostat, fs.")] = 1000.0,
        seed: Annotated[int, typer.Option(min=0, help="Of velocities and noise.")] = 0,
        rows: Annotated[int, typer.Option(min=1, help="Steps between two rows of observables.csv.")] = 10,
        frames: Annotated[int, typer.Option(min=1, help="Steps between two frames of trajectory.xyz.")] = 100,
        checkpoints: Annotated[int, typer.Option(min=1, help="Steps between two checkpoints.")] = 1000,
        memory: Annotated[str, typer.Option(help="What the network may take on a rank, such as 500MiB.")] = "2GiB",
        skin: Annotated[float, typer.Option(min=0.0, help="Of the list of neighbours, Å.")] = 0.7,
        precision: Annotated[
            Digits | None, typer.Option(help="Of the network (default: its own).", show_default=False)
        ] = None,
        force: Annotated[bool, typer.Option("--force", help="Forget what is in the folder.")] = False,
    ) -> None:
        """Molecular dynamics; a stopped command goes on where it was, with more --steps a finished one too.

        'mpirun -n 4 mlmd nn md ...' shares out the cell among 4 ranks.
        """
        with guard(Console(stderr=True, quiet=local_rank() > 0)):
            require()
            from .md.dynamics import Plan, Settings
            from .md.interaction import make_interaction

            kept: Any = ensemble.value
            settings = Settings(kept, temperature, pressure, step, friction, thermostat, barostat, seed)
            plan = Plan(steps, rows, frames, checkpoints)
            networks = load_networks(model, excited, precision.value if precision else None)
            interaction = make_interaction(networks, mm.value if mm else None)
            start = interaction.shared(read_start(structure, repeat, interaction.elements), border)
            _run(interaction, start, settings, plan, out, bytes_of(memory), skin, force)


def bytes_of(text: str) -> float:
    """Read an amount of memory.

    Parameters
    ----------
    text : str
        Such as ``2GiB``, ``500 MB``.

    Returns
    -------
    float
        Bytes.

    Raises
    ------
    InputError
        A text that is none.

    Examples
    --------
    >>> bytes_of("1.5GiB"), bytes_of("500 MB")
    (1610612736.0, 500000000.0)
    """
    units = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
    for unit, size in units.items():
        number = text.strip().removesuffix(unit)
        if number != text.strip() and number.strip().replace(".", "", 1).isdigit() and float(number) > 0:
            return float(number) * size
    raise InputError("mlmd nn md", "--memory", f"'{text}' is no amount of memory", "write 2GiB or 500MB")


def load_networks(model: Path, excited: Path | None, precision: str | None) -> list[Network]:
    """Networks of the ground state and, where given, of the excited one.

    Raises
    ------
    MlmdError
        Files that are no models, models that do not fit together.
    """
    from .excited import check_pair
    from .md.network import Network, share_processors
    from .shipped import find_model

    if launched_ranks() > 1:
        share_processors()
    models = [find_model(file) for file in (model, excited) if file is not None]
    if len(models) == 2:
        check_pair(*models)
    return [Network(one, precision) for one in models]


def read_start(file: Path, repeat: str, elements: Sequence[str]) -> ase.Atoms:
    """Structure to start from, checked.

    Raises
    ------
    InputError
        A file or repeat that is none, atoms that a model of these elements cannot take.
    """
    from .calculator import StructureError, check_atoms
    from .dataset import read_structures
    from .failure_command import repeats

    frames = read_structures(file)
    times = repeats(repeat)
    if len(times) > 1:
        raise InputError("mlmd nn md", "--repeat", f"'{repeat}' is more than one repeat", "write 2 or 2x2x1")
    try:
        check_atoms(frames[-1], elements)
    except StructureError as error:
        raise InputError(file, f"structure {len(frames)}", str(error)) from error
    return frames[-1].repeat(times[0])


def _run(
    interaction: Interaction,
    start: ase.Atoms,
    settings: Settings,
    plan: Plan,
    out: Path,
    memory: float,
    skin: float,
    force: bool,
) -> None:
    from .excited import weights_of
    from .md.bricks import heights
    from .md.dynamics import Dynamics, prepare
    from .md.particles import make_system
    from .md.ranks import ending_together, find_ranks
    from .md.record import Record

    ranks = find_ranks(heights(start.cell.complete().array), start.pbc)
    console = Console(quiet=ranks.rank > 0)
    with ending_together(ranks):
        moving = prepare(start, settings)
        weights = weights_of(start) if len(interaction.networks) == 2 else None
        record = Record(out, moving, physics_of(interaction, moving, settings, skin, plan))
        if force:
            ranks.lead(record.forget)
        system = make_system(moving, interaction.elements, ranks, weights, interaction.shares(start))
        dynamics = Dynamics(system, interaction.forces(skin, memory), settings, record)
        _move(console, dynamics, plan)
        print_load(console, ranks.collect(dynamics.load))
        console.print(f"written: {out}", soft_wrap=True, highlight=False)


def physics_of(
    interaction: Interaction, start: ase.Atoms, settings: Settings, skin: float, plan: Plan
) -> dict[str, Any]:
    """What fixes the numbers of a run, so that only the same command goes on with it."""
    from dataclasses import asdict

    from .md.record import digest

    arrays = [start.arrays[name] for name in sorted(start.arrays)] + [start.cell.array, start.pbc]
    return {
        "options": {**asdict(settings), "skin": skin, "rows": plan.rows, "frames": plan.frames},
        "files": {"structure": digest(*arrays), **interaction.files},
    }


def _move(console: Console, dynamics: Dynamics, plan: Plan) -> None:
    columns = (
        TextColumn("step"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with StopSignals() as stop, Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=plan.steps, completed=dynamics.system.step)

        def report(row: Observables) -> None:
            text = f"{row.temperature_K:.0f} K  {row.conserved_eV:.4f} eV  {row.pressure_GPa:.2f} GPa"
            progress.update(task, completed=row.step, description=text)

        dynamics.run(plan, report, lambda: stop.requested)
        progress.update(task, completed=dynamics.system.step)


def print_load(console: Console, loads: list[Load]) -> None:
    """Print what the ranks had to do: least, mean and most."""
    from dataclasses import fields

    names = {"potentials": "potentials (s)", "exchange": "exchange (s)", "listing": "lists (s)"}
    table = Table(title=f"{len(loads)} rank{'s' if len(loads) > 1 else ''}")
    for column in ("", "least", "mean", "most"):
        table.add_column(column, justify="right" if column else "left")
    for one in fields(loads[0]):
        values = [getattr(load, one.name) for load in loads]
        cells = (min(values), sum(values) / len(values), max(values))
        table.add_row(names.get(one.name, one.name), *(f"{value:.4g}" for value in cells))
    console.print(table)
