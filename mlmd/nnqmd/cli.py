"""``mlmd nn``: data and models of neural-network quantum molecular dynamics."""

from __future__ import annotations

import typer

from ..perf.cli import Guard
from . import (
    align_command,
    failure_command,
    label_command,
    md_command,
    robustness_command,
    serve_command,
    train_command,
)


def make_app(guard: Guard) -> typer.Typer:
    """Return the group of commands; ``guard`` turns errors into messages and exit codes."""
    app = typer.Typer(name="nn", help="Neural-network quantum molecular dynamics.", no_args_is_help=True)
    label_command.add_command(app, guard)
    align_command.add_command(app, guard)
    train_command.add_command(app, guard)
    failure_command.add_command(app, guard)
    robustness_command.add_command(app, guard)
    md_command.add_command(app, guard)
    serve_command.add_command(app, guard)
    return app
