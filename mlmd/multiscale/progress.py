"""A bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

LINE_INTERVAL = 10.0  # seconds


@contextmanager
def bar(console: Console, name: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Show steps that are done while the block lasts.

    Parameters
    ----------
    console : Console
        Where.
    name : str
        Of what is done.
    total : int
        Steps in all.

    Yields
    ------
    callable
        To be told the step and a few words.

    Examples
    --------
    >>> import io
    >>> text = io.StringIO()
    >>> with bar(Console(file=text), "relax", 10) as show:
    ...     show(10, "done")
    >>> text.getvalue()
    'relax: step 10 of 10  done\\n'
    """
    columns = (
        TextColumn(f"  {name}"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    last = [0.0]
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=total)

        def show(step: int, text: str) -> None:
            bars.update(task, completed=step, description=text)
            if not console.is_terminal and (step == total or time.monotonic() - last[0] > LINE_INTERVAL):
                last[0] = time.monotonic()
                console.print(f"{name}: step {step} of {total}  {text}", markup=False, highlight=False, soft_wrap=True)

        yield show
