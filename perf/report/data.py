"""What a page is made of: the rows of one or more sweeps, and the efficiencies that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...backends import MlmdError
from ..portability import (
    Efficiencies,
    Run,
    application_efficiency,
    architectural_efficiency,
    over_problems,
    portability,
    with_library,
)
from ..sweep.folder import Folder
from ..sweep.p3 import run_of
from ..sweep.table import OK, Row, read

LIBRARY = "mlmd (best)"
BACKENDS = ("cpu", "cuda", "sycl", "numba", "reference")  # in the order of their colours


@dataclass(frozen=True)
class Source:
    """One sweep of a page: its folder, its machine, its rows."""

    name: str
    machine: dict[str, Any]
    rows: list[Row]


@dataclass(frozen=True)
class Portable:
    """One line of the table of portability: an application on a problem over all platforms."""

    problem: str
    application: str
    best: float
    application_pp: float
    architectural_pp: float | None


def load(folders: Sequence[Folder]) -> list[Source]:
    """Read sweeps.

    Raises
    ------
    MlmdError
        If a folder holds no sweep, or no row of one.
    """
    found = []
    for folder in folders:
        machine = folder.read_machine()
        if machine is None or not folder.table.exists():
            raise MlmdError(f"{folder.path} holds no sweep: give a folder that mlmd sweep has written")
        rows = read(folder.table)
        if not rows:
            raise MlmdError(f"{folder.path} has no row yet: let mlmd sweep go on first")
        found.append(Source(str(folder.path), machine, rows))
    return _distinct(found)


def _distinct(sources: list[Source]) -> list[Source]:
    """Platforms of the same name in two sweeps get the folder's name beside theirs."""
    owners: dict[str, set[str]] = {}
    for source in sources:
        for row in source.rows:
            owners.setdefault(row.platform, set()).add(source.name)
    shared = {platform for platform, names in owners.items() if len(names) > 1}
    return [replace(source, rows=[_renamed(row, source.name, shared) for row in source.rows]) for source in sources]


def _renamed(row: Row, folder: str, shared: set[str]) -> Row:
    return replace(row, platform=f"{row.platform} [{folder}]") if row.platform in shared else row


def base(row: Row) -> str:
    """The backend without the number of its device."""
    return row.backend.partition(":")[0]


def timed(rows: Iterable[Row]) -> list[Row]:
    """The rows that have a time."""
    return [row for row in rows if row.status == OK]


def platforms(runs: Iterable[Run]) -> list[str]:
    """Platforms on which something ran."""
    return list(dict.fromkeys(run.platform for run in runs if run.seconds is not None))


def common_runs(rows: Iterable[Row], kernel: str | None = None) -> list[Run]:
    """Runs of problems that were tried on every platform: only these can be compared over the platforms."""
    runs = [run_of(row) for row in rows if kernel in (None, row.kernel)]
    there = platforms(runs)
    tried: dict[str, set[str]] = {}
    for run in runs:
        tried.setdefault(run.problem, set()).add(run.platform)
    return [run for run in runs if run.platform in there and tried[run.problem] >= set(there)]


def efficiencies(runs: list[Run]) -> tuple[Efficiencies, Efficiencies]:
    """Application and architectural efficiency; the library as a whole has its fastest backend everywhere."""
    return application_efficiency(runs), architectural_efficiency(with_library(runs, LIBRARY))


def portable(rows: Iterable[Row]) -> list[Portable]:
    """PP of each backend, and of the library, on each problem that was tried on all platforms."""
    runs = common_runs(rows)
    there = platforms(runs)
    of_time, of_roof = efficiencies(runs)
    library = {key: {platform: 1.0 for platform in there} for key in of_roof if key[0] == LIBRARY}
    found = []
    for (application, problem), values in sorted((of_time | library).items(), key=lambda item: item[0][::-1]):
        roofs = of_roof.get((application, problem))
        known = None if roofs is None else portability(roofs, there)
        found.append(Portable(problem, application, max(values.values()), portability(values, there), known))
    return found


def over_kernel(rows: Iterable[Row], kernel: str) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Efficiency of each application on each platform over all problems of a kernel: by time, and by roof."""
    runs = common_runs(rows, kernel)
    there = platforms(runs)
    of_time, of_roof = efficiencies(runs)
    return over_problems(of_time, there), over_problems(of_roof, there)
