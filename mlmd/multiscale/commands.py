"""``mlmd texture``: a crystal with a polar texture; ``mlmd topology``: polarisation and charge of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from ..errors import InputError
from ..perf.cli import Guard
from .numbers import signless

if TYPE_CHECKING:
    from .history import Observation
    from .textures import Texture

MICROCOULOMB = 100.0  # microcoulomb/cm^2 of C/m^2


class Kind(str, Enum):
    """Textures; see `mlmd.multiscale.textures`."""

    uniform = "uniform"
    skyrmion = "skyrmion"
    skyrmionium = "skyrmionium"
    vortex = "vortex"
    meron = "meron"
    stripes = "stripes"
    ising = "ising"


class Crystal(str, Enum):
    """Constants and displacements; see `mlmd.multiscale.crystal`."""

    tetragonal = "tetragonal"
    cubic = "cubic"


class ChargeSet(str, Enum):
    """Effective charges; see `mlmd.multiscale.polarisation`."""

    born = "born"
    wannier = "wannier"


def add_commands(app: typer.Typer, guard: Guard) -> None:
    """Add ``texture`` and ``topology`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command("texture")
    def texture_command(
        kind: Annotated[Kind, typer.Argument(help="What the polarisation looks like.", show_default=False)],
        out: Annotated[Path, typer.Option(help="Structure, extended XYZ.", show_default=False)],
        cells: Annotated[str, typer.Option(help="Unit cells along x, y, z.")] = "16x16x2",
        lattice: Annotated[str, typer.Option(help="Skyrmions, or periods, along x and y.")] = "1x1",
        triangular: Annotated[bool, typer.Option("--triangular", help="One more between each four.")] = False,
        radius: Annotated[float, typer.Option(help="Of a skyrmion, in cells.")] = 4.0,
        width: Annotated[float, typer.Option(help="Of walls, in cells.")] = 1.5,
        inner: Annotated[
            float | None, typer.Option(help="Core of a skyrmionium, in cells.", show_default="half the radius")
        ] = None,
        helicity: Annotated[float, typer.Option(help="0 is Néel, 90 is Bloch, degrees.")] = 0.0,
        winding: Annotated[int, typer.Option(help="Of a skyrmion; -1 is an antiskyrmion.")] = 1,
        polarity: Annotated[int, typer.Option(help="Of the core: -1 down, 1 up.")] = -1,
        strontium: Annotated[int, typer.Option(min=0, help="Layers of SrTiO3 on top.")] = 0,
        crystal: Annotated[
            Crystal, typer.Option(help="Constants and displacements, those of pto_ground.")
        ] = Crystal.tetragonal,
        constants: Annotated[
            tuple[float, float] | None,
            typer.Option(help="Other a and c of PbTiO3, Å.", show_default="those of --crystal"),
        ] = None,
    ) -> None:
        """Build PbTiO3, or a superlattice with SrTiO3, whose ions follow a polar texture."""
        with guard(Console(stderr=True)):
            texture = texture_of(
                kind=kind.value,
                lattice=counts("texture", "--lattice", lattice, 2),
                arrangement="triangular" if triangular else "square",
                radius=radius,
                width=width,
                inner=inner,
                helicity=helicity,
                winding=winding,
                polarity=polarity,
            )
            _build(texture, counts("texture", "--cells", cells, 3), crystal.value, constants, strontium, out)

    @app.command()
    def topology(
        trajectory: Annotated[Path, typer.Argument(metavar="TRAJECTORY", help="Any file that ASE reads.")],
        reference: Annotated[
            Path | None,
            typer.Option(help="Structure that tells neighbours, its first frame (default: of TRAJECTORY)."),
        ] = None,
        charges: Annotated[ChargeSet, typer.Option(help="Effective charges of the ions.")] = ChargeSet.born,
        every: Annotated[int, typer.Option(min=1, help="Frames from one to the next that is taken.")] = 1,
        average: Annotated[int, typer.Option(min=1, help="Frames of which each row is the mean.")] = 1,
        film: Annotated[bool, typer.Option("--film", help="Write film.gif, too.")] = False,
        export: Annotated[bool, typer.Option("--export", help="Write files for ParaView and OVITO, too.")] = False,
        out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("topology_out"),
    ) -> None:
        """Polarisation of each cell and topological charge, frame by frame.

        The folder receives topology.csv, the charge over the frames, and maps of the first and the last frame.
        """
        with guard(Console(stderr=True)):
            from .following import follow, write_exports, write_results

            found = follow(trajectory, reference or trajectory, charges.value, every, average, keep=film or export)
            write_results(out, found, trajectory.stem, film)
            if export:
                write_exports(out, found, trajectory, every)
            Console().print(_table(found.rows))
            _print(f"written: {out} ({', '.join(sorted(file.name for file in out.iterdir()))})")


def counts(command: str, option: str, text: str, number: int) -> tuple[int, ...]:
    """Read so many counts.

    Raises
    ------
    InputError
        A text that holds something else.

    Examples
    --------
    >>> counts("texture", "--cells", "16x16x2", 3)
    (16, 16, 2)
    """
    words = text.split("x")
    if len(words) != number or not all(word.isdecimal() and int(word) > 0 for word in words):
        example = "x".join(["16", "16", "2"][:number])
        raise InputError(f"mlmd {command}", option, f"'{text}' is not {number} counts", f"write such as {example}")
    return tuple(int(word) for word in words)


def texture_of(**options: Any) -> Texture:
    """Texture of options of the command line.

    Raises
    ------
    InputError
        Options that make none.
    """
    from pydantic import ValidationError

    from ..io.input import explain
    from .textures import Texture

    try:
        return Texture.model_validate(options)
    except ValidationError as error:
        key, problem = explain(error, options, Texture)
        raise InputError("mlmd texture", f"--{key}", problem) from error


def _build(
    texture: Texture,
    cells: tuple[int, ...],
    kind: str,
    constants: tuple[float, float] | None,
    strontium: int,
    out: Path,
) -> None:
    from .cells import Cells
    from .crystal import CRYSTALS, superlattice
    from .files import write_structures
    from .history import observe

    nx, ny, nz = cells
    own, mode = CRYSTALS[kind]
    crystal = superlattice(texture, (nx, ny, nz), constants or own, strontium, mode)
    known = Cells(crystal)
    row, P = observe(known, crystal)
    if abs(row.charge - texture.charge) > 0.5:
        problem = (
            f"the charge would be {row.charge:.2f}, not {texture.charge}: the cells are too coarse for the texture"
        )
        raise InputError("mlmd texture", "--cells", problem, "give more of them, or change --radius and --width")
    crystal.set_array("polarisation", P[tuple(known.of_atoms.T)])
    write_structures(out, [crystal])
    lengths = " x ".join(f"{length:.2f}" for length in crystal.cell.lengths())
    _print(f"{crystal.get_chemical_formula()}: {nx} x {ny} x {nz} cells, {lengths} Å")
    _print(
        f"topological charge {signless(row.charge, 6)}, "
        f"polarisation {MICROCOULOMB * row.length:.1f} µC/cm² (mean length)"
    )
    _print(f"written: {out}")


def _table(rows: Sequence[Observation]) -> Table:
    """First and last frame, least and largest charge."""
    table = Table("", "frame", "time (fs)", "Q", "P (µC/cm²)", "mean length", box=box.SIMPLE)
    charges = [row.charge for row in rows]
    chosen = {"first": rows[0]}
    if len(rows) > 1:
        chosen |= {"last": rows[-1], "least Q": rows[charges.index(min(charges))]}
        chosen["largest Q"] = rows[charges.index(max(charges))]
    for name, row in chosen.items():
        mean = ", ".join(signless(MICROCOULOMB * x, 1) for x in row.mean)
        length = f"{MICROCOULOMB * row.length:.1f}"
        table.add_row(name, str(row.frame), f"{row.time_fs:g}", signless(row.charge, 3), mean, length)
    return table


def _print(line: str) -> None:
    Console().print(line, markup=False, highlight=False, soft_wrap=True)
