"""``mlmd nn align``: bring a data set to the scale of another (total energy alignment)."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..perf.cli import Guard

if TYPE_CHECKING:
    from .alignment import Alignment, Residual
    from .dataset import Frames



class By(str, Enum):
    """What the scale is fitted to."""

    energies = "energies"
    forces = "forces"


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``align`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def align(
        source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Data set to bring over.", show_default=False)],
        target: Annotated[Path, typer.Argument(metavar="TARGET", help="Data set to agree with.", show_default=False)],
        out: Annotated[Path, typer.Option(help="Aligned data set, extended XYZ.", show_default=False)],
        source_atoms: Annotated[
            Path | None, typer.Option(help="Isolated atoms of the source.", show_default="those in SOURCE")
        ] = None,
        target_atoms: Annotated[
            Path | None, typer.Option(help="Isolated atoms of the target.", show_default="those in TARGET")
        ] = None,
        scale_by: Annotated[By, typer.Option(help="What the scale is fitted to.")] = By.energies,
        union: Annotated[bool, typer.Option("--union", help="Write TARGET, and of SOURCE what it lacks.")] = False,
    ) -> None:
        """Align the energies of a data set with those of another method (total energy alignment).

        Energies of isolated atoms are exchanged, then a scale and a shift of the atomisation energy are fitted on
        the structures that both files hold; forces and stress are multiplied by the scale.
        """
        from .alignment import common_structures
        from .dataset import isolated_energies, read_frames, write_frames

        console = Console()
        with guard(Console(stderr=True)):
            low, high = read_frames(source), read_frames(target)
            isolated = [
                isolated_energies(read_frames(file) if file else frames)
                for file, frames in ((source_atoms, low), (target_atoms, high))
            ]
            low = [frame for frame in low if len(frame) > 1]
            pairs = common_structures(low, high)
            console.print(f"{len(pairs)} structures of {source.name} are in {target.name}, too", highlight=False)
            fitted = _fit(console, low, high, pairs, isolated, scale_by.value)
            aligned = [fitted.apply(frame) for frame in low]
            if union:
                doubles = {index for index, _ in pairs}
                aligned = high + [frame for index, frame in enumerate(aligned) if index not in doubles]
            write_frames(out, aligned)
            console.print(f"written: {out} ({len(aligned)} structures)", soft_wrap=True, highlight=False)


def _fit(
    console: Console,
    low: Frames,
    high: Frames,
    pairs: list[tuple[int, int]],
    isolated: list[dict[str, float]],
    by: str,
) -> Alignment:
    from . import alignment as tea

    elements = sorted({symbol for frame in low for symbol in frame.get_chemical_symbols()})
    a, b = [low[i] for i, _ in pairs], [high[j] for _, j in pairs]
    first = tea.inner_core(isolated[0], isolated[1], elements)
    fitted = tea.fit(first, a, b, by)  # type: ignore[arg-type]
    rows = [
        ("as they are", tea.residual(a, b)),
        ("isolated atoms exchanged", tea.residual([first.apply(frame) for frame in a], b)),
        ("scaled and shifted", tea.residual([fitted.apply(frame) for frame in a], b)),
    ]
    if len(pairs) > 3:
        rows.append(("the same, each structure left out of its fit", tea.left_out(first, a, b, by)))  # type: ignore[arg-type]
    _print(console, fitted, rows)
    return fitted


def _print(console: Console, fitted: Alignment, rows: list[tuple[str, Residual]]) -> None:
    table = Table()
    table.add_column("root-mean-square difference")
    for name in ("energy (meV/atom)", "forces (meV/Å)"):
        table.add_column(name, justify="right")
    for name, row in rows:
        table.add_row(name, f"{1e3 * row.energy:.4g}", "" if row.forces is None else f"{1e3 * row.forces:.4g}")
    console.print(table)
    console.print(
        f"scale {fitted.scale:.6g} ± {fitted.scale_error:.2g}, "
        f"shift {1e3 * fitted.shift:.5g} ± {1e3 * fitted.shift_error:.2g} meV/atom"
    )
