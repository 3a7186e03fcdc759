"""``mlmd nn serve``: a network as a client of i-PI, or of whatever speaks its protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import MlmdError
from ..interrupt import Interrupted
from ..perf.cli import Guard
from .md_command import MM, Border
from .packages import require

if TYPE_CHECKING:
    import ase


def add_command(app: typer.Typer, guard: Guard) -> None:
    """Add ``serve`` to a command line; ``guard`` turns errors into messages and exit codes."""

    @app.command()
    def serve(
        model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model of 'mlmd nn train', or pto_ground.")],
        structure: Annotated[
            Path, typer.Option(help="Elements in the driver's order; last frame.", show_default=False)
        ],
        excited: Annotated[
            Path | None, typer.Option(help="Model of the excited state; the weights are those of the structure.")
        ] = None,
        mm: MM = None,
        border: Border = 10.0,
        repeat: Annotated[str, typer.Option(help="Repeats of the structure, such as 2 or 2x2x1.")] = "1",
        host: Annotated[str, typer.Option(help="Where the driver waits.")] = "localhost",
        port: Annotated[int, typer.Option(min=1, max=65535, help="At which port.")] = 31415,
        unix: Annotated[
            str | None, typer.Option(help="Name of a socket on this machine, instead of host and port.")
        ] = None,
        memory: Annotated[str, typer.Option(help="What the network may take, such as 500MiB.")] = "2GiB",
        skin: Annotated[float, typer.Option(min=0.0, help="Of the list of neighbours, Å.")] = 0.7,
    ) -> None:
        """Energies, forces and virials for a driver such as i-PI, over a socket; ends when the driver does."""
        console = Console()
        with guard(Console(stderr=True)):
            require()
            from .md.interaction import make_interaction
            from .md_command import bytes_of, load_networks, read_start

            interaction = make_interaction(load_networks(model, excited, None), mm.value if mm else None)
            atoms = interaction.shared(read_start(structure, repeat, interaction.elements), border)
            atoms.calc = interaction.calculator(skin, bytes_of(memory))
            place = f"socket {unix}" if unix else f"{host}:{port}"
            count = answer(atoms, place, host, port, unix)
            console.print(f"{count} evaluations for the driver at {place}", highlight=False, soft_wrap=True)


def answer(atoms: ase.Atoms, place: str, host: str, port: int, unix: str | None) -> int:
    """Evaluate what a driver asks for until it ends.

    Parameters
    ----------
    atoms : ase.Atoms
        With its calculator.
    place : str
        Of the driver, for messages.
    host, port, unix
        Where it waits.

    Returns
    -------
    int
        Evaluations done.

    Raises
    ------
    MlmdError
        When nobody waits there.
    """
    from ase.calculators.socketio import SocketClient

    try:
        client = SocketClient(host=host, port=port, unixsocket=unix)
    except OSError as error:
        raise MlmdError(f"no driver waits at {place} ({error.strerror or error}); start i-PI first") from error
    count = 0
    try:
        for _ in client.irun(atoms):
            count += 1
    except ConnectionError as error:
        raise MlmdError(f"the driver at {place} went away after {count} evaluations ({error})") from error
    except KeyboardInterrupt:
        raise Interrupted(f"stopped after {count} evaluations") from None
    finally:
        client.close()
    return count
