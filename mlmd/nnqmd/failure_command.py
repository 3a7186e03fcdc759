"""``mlmd nn failure``: time to failure of models over system sizes and seeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..errors import InputError
from ..interrupt import Interrupted, StopSignals
from ..perf.cli import Guard
from .packages import require

if TYPE_CHECKING:
    import ase
    from ase.calculators.calculator import Calculator

    from .failure import Conditions, Lifetime, PowerLaw


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``failure`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def failure(
        models: Annotated[
            list[Path], typer.Argument(metavar="MODEL...", help="Models of 'mlmd nn train', or pto_ground.")
        ],
        structure: Annotated[Path, typer.Option(help="Structure to start from.", show_default=False)],
        out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("failure_out"),
        repeat: Annotated[str, typer.Option(help="Repeats of the structure, such as 1,2 or 2x2x1,3x3x1.")] = "1,2",
        seeds: Annotated[int, typer.Option(min=1, help="Runs of each size.")] = 10,
        temperature: Annotated[float, typer.Option(min=1.0, help="K.")] = 300.0,
        step: Annotated[float, typer.Option(min=0.01, help="Time step, fs.")] = 1.0,
        longest: Annotated[float, typer.Option(min=1.0, help="Longest time, fs.")] = 10_000.0,
        friction: Annotated[float, typer.Option(min=0.0, help="Of the thermostat, 1/fs.")] = 0.01,
        window: Annotated[
            tuple[float, float],
            typer.Option(help="Temperatures that are no failure, K.", show_default="2.5 times"),
        ] = (0.0, 0.0),
        force: Annotated[float, typer.Option(min=0.1, help="Largest force that is no failure, eV/Å.")] = 50.0,
    ) -> None:
        """Time to failure of molecular dynamics; a stopped command goes on where it was."""
        console = Console()
        with guard(Console(stderr=True)):
            require()
            import ase.io

            from .calculator import NeuralNetwork
            from .failure import Conditions
            from .shipped import find_model

            conditions = Conditions(temperature, step, friction, longest, window, force)
            starts = [ase.io.read(str(structure)).repeat(times) for times in repeats(repeat)]
            names = labels_of(models)
            calculators = {name: NeuralNetwork(find_model(file)) for name, file in zip(names, models, strict=True)}
            with StopSignals() as stop:
                study(console, out, calculators, starts, seeds, conditions, lambda: stop.requested)


def repeats(text: str) -> list[tuple[int, int, int]]:
    """Read repeats of a structure.

    Parameters
    ----------
    text : str
        Such as ``"1,2"`` or ``"2x2x1"``.

    Returns
    -------
    list of (int, int, int)

    Raises
    ------
    InputError
        A text that is no such list.

    Examples
    --------
    >>> repeats("1,2x2x1")
    [(1, 1, 1), (2, 2, 1)]
    """
    found = []
    for word in text.split(","):
        numbers = [int(part) for part in word.split("x") if part.strip().isdigit()]
        if len(numbers) != word.count("x") + 1 or len(numbers) not in (1, 3) or min(numbers) < 1:
            raise InputError("mlmd nn failure", "--repeat", f"'{word}' is no repeat", "write 2 or 2x2x1")
        found.append((numbers[0], numbers[0], numbers[0]) if len(numbers) == 1 else tuple(numbers))
    return found  # type: ignore[return-value]


def labels_of(files: list[Path]) -> list[str]:
    """Names of models that tell them apart: those of their files, else with their folders.

    Examples
    --------
    >>> labels_of([Path("adam/model.safetensors"), Path("sam/model.safetensors")])
    ['adam/model', 'sam/model']
    """
    stems = [file.stem for file in files]
    return stems if len(set(stems)) == len(stems) else [f"{file.parent.name}/{file.stem}" for file in files]


def study(
    console: Console,
    out: Path,
    calculators: dict[str, Calculator],
    starts: list[ase.Atoms],
    seeds: int,
    conditions: Conditions,
    stop: Callable[[], bool],
) -> None:
    """Run what is not in the folder yet, then write table, exponents and picture.

    Parameters
    ----------
    console : rich.console.Console
        For progress and tables.
    out : path
        Folder; ``lifetimes.jsonl`` in it holds one line a run.
    calculators : dict
        Name -> model.
    starts : list of ase.Atoms
        Structures, one a size.
    seeds : int
        Runs of each.
    conditions : Conditions
        Of the dynamics.
    stop : callable
        Tells when to stop.

    Raises
    ------
    InputError
        A folder with runs under other conditions.
    Interrupted
        When it was stopped.
    """
    from ..io.atomic import make_folder, write_bytes, write_text
    from .pictures import draw_lifetimes
    from .side_by_side import MOST_ATOMS, lifetimes

    make_folder(out)
    _same_conditions(out, conditions)
    file = out / "lifetimes.jsonl"
    done = read_lifetimes(file)
    with Progress(console=console) as progress:
        task = progress.add_task("runs", total=len(starts) * len(calculators) * seeds)
        for start, (name, calculator) in product(starts, calculators.items()):
            known = done.setdefault(name, [])
            there = {one.seed for one in known if one.atoms == len(start)}
            missing = [seed for seed in range(seeds) if seed not in there]
            progress.advance(task, seeds - len(missing))
            for some in groups(missing, MOST_ATOMS // len(start) if hasattr(calculator, "together") else 1):
                found = lifetimes(start, calculator, conditions, some, stop)
                if found is None:
                    raise Interrupted("stopped; the same command goes on")
                known += found
                lines = [json.dumps({"model": n, **asdict(one)}) + "\n" for n, all_ in done.items() for one in all_]
                write_text(file, "".join(lines))
                progress.advance(task, len(some))
    laws = _print(console, done)
    write_bytes(out / "lifetimes.png", draw_lifetimes(done, laws, conditions))
    write_text(out / "exponents.json", json.dumps({name: asdict(law) for name, law in laws.items()}, indent=1))
    console.print(f"written: {out}", soft_wrap=True, highlight=False)


def groups(seeds: list[int], most: int) -> list[list[int]]:
    """Share seeds out to groups of so many at most, and of one at least.

    Examples
    --------
    >>> groups([0, 1, 2, 3, 4], 2), groups([0, 1], 0)
    ([[0, 1], [2, 3], [4]], [[0], [1]])
    """
    size = max(1, most)
    return [seeds[k : k + size] for k in range(0, len(seeds), size)]


def _same_conditions(out: Path, conditions: Conditions) -> None:
    from ..io.atomic import write_text

    file, text = out / "conditions.json", json.dumps(asdict(conditions), indent=1)
    if file.exists() and file.read_text() != text:
        raise InputError(out, "", "holds runs under other conditions", "choose another folder with --out")
    write_text(file, text)


def read_lifetimes(file: Path) -> dict[str, list[Lifetime]]:
    """Read runs, by model; empty where there is no file."""
    from .failure import Lifetime

    found: dict[str, list[Lifetime]] = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        row = json.loads(line)
        found.setdefault(row.pop("model"), []).append(Lifetime(**row))
    return found


def _print(console: Console, done: dict[str, list[Lifetime]]) -> dict[str, PowerLaw]:
    table = Table()
    for column in ("model", "atoms", "runs", "failed", "median time (fs)"):
        table.add_column(column, justify="left" if column == "model" else "right")
    laws: dict[str, PowerLaw] = {}
    for name, lifetimes in done.items():
        for atoms in sorted({one.atoms for one in lifetimes}):
            here = sorted((one for one in lifetimes if one.atoms == atoms), key=lambda one: one.time)
            median = here[len(here) // 2]
            sign = "" if median.reason else "> "
            failed = sum(one.reason is not None for one in here)
            table.add_row(name, str(atoms), str(len(here)), str(failed), f"{sign}{median.time:.0f}")
    console.print(table)
    for name, lifetimes in done.items():
        if (law := print_law(console, name, lifetimes, "time to failure ~ ")) is not None:
            laws[name] = law
    return laws


def print_law(console: Console, name: str, lifetimes: list[Lifetime], what: str = "") -> PowerLaw | None:
    """Fit the power law of runs and print it; None, and why, where they tell none."""
    from ..errors import MlmdError
    from .failure import fit_power_law

    try:
        law = fit_power_law(lifetimes)
    except MlmdError as error:
        console.print(f"{name}: {error}", highlight=False, soft_wrap=True)
        return None
    exponent = f"N^({law.exponent:.3f} ± {law.exponent_error:.3f})"
    console.print(f"{name}: {what}{exponent}, shape {law.shape:.2f}", highlight=False)
    return law
