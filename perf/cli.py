"""The command ``mlmd bench``: a sub-command for each kernel, for the roofs, and for the paper's Table 3."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from ..backends import PlanError, default_threads
from ..tuning.cli import WisdomFile, use_wisdom

if TYPE_CHECKING:
    from .record import Record

KERNELS = ("kin_prop", "loc_prop", "nlp_prop", "density", "current", "hartree", "overlap")
TABLE_3_SHAPE = "70x70x72"
DEFAULT_ROUNDS = 7
WIDTH_OF_FILES = 110  # characters of a line when the output is no terminal

Shape = Annotated[str, typer.Option(help="Grid points, such as 70x70x72.")]
Orbitals = Annotated[int, typer.Option(help="Orbitals.", min=1)]
Dtype = Annotated[str, typer.Option(help="complex64 or complex128.")]
Threads = Annotated[
    int | None, typer.Option(help="Threads (default: OMP_NUM_THREADS, else all).", min=1, show_default=False)
]
Rounds = Annotated[int, typer.Option(help="Interleaved rounds.", min=5)]
Json = Annotated[
    Path | None,
    typer.Option("--json", help="Write the record there.", dir_okay=False, writable=True, show_default=False),
]
Guard = Callable[[Console], AbstractContextManager[None]]


class Benches(TyperGroup):
    """Names the nearest benchmark when one is asked for that is not there."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of that name, or exit code 2."""
        known = list(self.commands)
        if args and args[0] not in known and not args[0].startswith("-"):
            near = get_close_matches(args[0], known, n=1, cutoff=0.4)
            hint = f"did you mean '{near[0]}'? " if near else ""
            ctx.fail(f"there is no benchmark '{args[0]}'; {hint}known: {', '.join(known)}")
        return super().resolve_command(ctx, args)


def make_app(guard: Guard) -> typer.Typer:
    """The command ``bench``.

    Parameters
    ----------
    guard : callable
        Given a console, a context that turns errors into messages and exit codes.

    Returns
    -------
    typer.Typer
    """
    app = typer.Typer(cls=Benches, help="Time the kernels against roofs and peers.", no_args_is_help=True)
    for kernel in KERNELS:
        app.command(kernel, help=f"Time {kernel} on all backends beside its peers and its roof.")(
            _kernel_command(kernel, guard)
        )
    app.command("table3")(_table3_command(guard))
    app.command("roofs")(_roofs_command(guard))
    return app


def _kernel_command(kernel: str, guard: Guard) -> Callable[..., None]:
    def command(
        shape: Shape = TABLE_3_SHAPE,
        norb: Orbitals = 64,
        dtype: Dtype = "complex64",
        threads: Threads = None,
        rounds: Rounds = DEFAULT_ROUNDS,
        rank: Annotated[
            int | None, typer.Option(help="Columns of Q (default: as many as orbitals).", min=1, show_default=False)
        ] = None,
        wisdom: WisdomFile = None,
        json: Json = None,
    ) -> None:
        console = Console(stderr=True)
        with guard(console):
            calm_threads()
            use_wisdom(wisdom)
            from .cases import make_problem
            from .kernel_bench import time_kernel

            problem = make_problem(kernel, parse_shape(shape), norb, dtype, wanted_threads(threads), rank)
            line = command_line(kernel, shape=shape, norb=norb, dtype=dtype, threads=threads, rounds=rounds, rank=rank)
            report(time_kernel(problem, rounds, line, console), json)

    return command


def _table3_command(guard: Guard) -> Callable[..., None]:
    def command(
        shape: Shape = TABLE_3_SHAPE,
        norb: Orbitals = 64,
        dtype: Dtype = "complex64",
        threads: Threads = None,
        rounds: Rounds = DEFAULT_ROUNDS,
        json: Json = None,
    ) -> None:
        """Print the four forms of kin_prop that the paper's Table 3 compares, beside its speedups."""
        console = Console(stderr=True)
        with guard(console):
            from .cases import make_problem
            from .kernel_bench import time_table3

            problem = make_problem("kin_prop", parse_shape(shape), norb, dtype, wanted_threads(threads), None)
            line = command_line("table3", shape=shape, norb=norb, dtype=dtype, threads=threads, rounds=rounds)
            report(time_table3(problem, rounds, line, console), json)

    return command


def _roofs_command(guard: Guard) -> Callable[..., None]:
    def command(
        threads: Threads = None,
        mib: Annotated[float, typer.Option(help="Size of each array in MiB; best that of your problem.")] = 256.0,
    ) -> None:
        """Measure what the machine can do at most: bandwidths and arithmetic peaks."""
        with guard(Console(stderr=True)):
            from .render import roof_line
            from .roofs import measure

            if not mib > 0:
                raise PlanError(f"--mib is {mib}; give a size above zero")
            text = roof_line(measure(wanted_threads(threads), int(mib * 2**20)))
            Console().print(text, markup=False, highlight=False, soft_wrap=True)

    return command


def calm_threads() -> None:
    """Let MKL's threads sleep after a call, unless the user set it: by default they spin for 0.2 s beside the next.

    It takes effect where MKL is not loaded yet.
    """
    os.environ.setdefault("KMP_BLOCKTIME", "0")


def report(record: Record, json: Path | None) -> None:
    """Print a record, and write it where asked."""
    from .record import write
    from .render import shown

    console = Console()
    Console(width=None if console.is_terminal else WIDTH_OF_FILES).print(shown(record))
    if json is not None:
        write(json, record)


def parse_shape(text: str) -> tuple[int, int, int]:
    """Grid points from text.

    Raises
    ------
    PlanError
        If it is not three numbers.

    Examples
    --------
    >>> parse_shape("70x70x72")
    (70, 70, 72)
    """
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
        raise PlanError(f"--shape is '{text}'; give three numbers joined by x, such as {TABLE_3_SHAPE}")
    x, y, z = map(int, parts)
    return x, y, z


def wanted_threads(threads: int | None) -> int:
    """The threads asked for, else those that a plan would take."""
    return default_threads() if threads is None else threads


def command_line(bench: str, **options: Any) -> str:
    """How to repeat a benchmark.

    Examples
    --------
    >>> command_line("step", norb=64, threads=None)
    'mlmd bench step --norb 64'
    """
    given = [f"--{name} {value}" for name, value in options.items() if value is not None]
    return " ".join(["mlmd bench", bench, *given])
