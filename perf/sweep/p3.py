"""Rows of a sweep in the form of the P3 analysis library (github.com/intel/p3-analysis-library), ``p3.csv``.

Its columns are problem, platform, application, fom and date; ``fom`` is the time of a call, lower is better, and empty
where a backend did not run.  ``arch eff`` is the fraction of the roof, at most 1, which that library takes as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..portability import Run
from .table import Row, line

COLUMNS = ("problem", "platform", "application", "fom", "date", "arch eff")


def problem_of(row: Row) -> str:
    """What is computed, and how accurately."""
    rank = f", rank {row.rank}" if row.rank not in (0, row.norb) else ""
    return f"{row.kernel} {row.mode} {row.size}{rank}"


def run_of(row: Row) -> Run:
    """A row as an application on a platform; the application is the backend without the number of its device."""
    return Run(problem_of(row), row.platform, row.backend.partition(":")[0], row.seconds, row.fraction)


def p3_table(rows: Iterable[Row]) -> str:
    """The text of ``p3.csv``."""
    lines = [line(COLUMNS)]
    for row in rows:
        efficiency = None if row.fraction is None else min(1.0, row.fraction)
        lines.append(line([*run_of(row)[:4], row.date, efficiency]))
    return "".join(lines)
