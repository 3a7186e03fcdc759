"""The table of a sweep, ``sweep.csv``: one line for each row, appended and flushed to the disk as soon as it is known.

A process that is killed leaves at most its last line cut off; whoever goes on removes that line and does the row again.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from ...backends import MlmdError
from ...backends.atomic import replace_file
from .config import Job

OK = "ok"


class Key(NamedTuple):
    """What tells the rows of a table apart."""

    kernel: str
    mode: str
    nx: int
    ny: int
    nz: int
    norb: int
    rank: int
    threads: int
    backend: str


@dataclass(frozen=True)
class Row:
    """One backend on one problem in one mode.

    Attributes
    ----------
    kernel, backend, platform, device, mode, dtype
        What ran where; ``platform`` is the hardware, ``device`` what the backend calls it.
    nx, ny, nz, norb, rank, threads
        The problem; ``norb`` is 0 for hartree, ``rank`` for kernels without a low-rank operator.
    status : str
        ``ok``, else what became of it: ``unavailable``, ``unsupported``, ``wrong``, ``slow``, ``memory``, ``timeout``,
        ``crash`` or ``error``.
    reason : str
        Why it is not ok.
    seconds, low, high : float or None
        Median and quartiles of a call.
    rounds : int
        Samples.
    gflops, gbytes : float or None
        Operations and least memory traffic per second, in 1e9, at the median.
    roof, fraction
        The nearest roof and the part of it that was reached.
    pass_gbytes : float or None
        What the pass over memory reached in the same rounds, GB/s.
    error : float or None
        Relative to the reference.
    checked : str
        The grid on which that was compared.
    samples : str
        Seconds per call in each round.
    tuning : str
        Knobs of the plan that differ from the default, JSON.
    build, date : str
        Which code, and when.
    """

    kernel: str
    backend: str
    platform: str
    device: str
    mode: str
    dtype: str
    nx: int
    ny: int
    nz: int
    norb: int
    rank: int
    threads: int
    status: str
    reason: str = ""
    seconds: float | None = None
    low: float | None = None
    high: float | None = None
    rounds: int = 0
    gflops: float | None = None
    gbytes: float | None = None
    roof: str = ""
    fraction: float | None = None
    pass_gbytes: float | None = None
    error: float | None = None
    checked: str = ""
    samples: str = ""
    tuning: str = "{}"
    build: str = ""
    date: str = ""

    @property
    def key(self) -> Key:
        """What tells it from other rows."""
        size = (self.nx, self.ny, self.nz, self.norb, self.rank, self.threads)
        return Key(self.kernel, self.mode, *size, self.backend)

    @property
    def work(self) -> int:
        """Grid points times orbitals; for hartree grid points."""
        return self.nx * self.ny * self.nz * max(1, self.norb)

    @property
    def size(self) -> str:
        """Grid and orbitals as people write them."""
        grid = f"{self.nx}x{self.ny}x{self.nz}"
        return f"{grid} x {self.norb}" if self.norb else grid


COLUMNS = tuple(field.name for field in fields(Row))
_KINDS = {field.name: str(field.type) for field in fields(Row)}


def key_of(job: Job, backend: str) -> Key:
    """The key of the row of a job on a backend."""
    p = job.problem
    return Key(p.kernel, job.mode, *p.shape, p.norb, p.rank, p.threads, backend)


def line(values: Iterable[Any]) -> str:
    """One line of the table; numbers are written so that they are read back as they were.

    Examples
    --------
    >>> line(["kin_prop", 0.1, None])
    'kin_prop,0.1,\\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(["" if value is None else value for value in values])
    return text.getvalue()


def read(path: Path) -> list[Row]:
    """The rows of a table; a last line that was cut off does not count.

    Raises
    ------
    MlmdError
        If the file cannot be read, is no such table, or holds a line that is none of its rows.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise MlmdError(f"{path} cannot be read ({error}): give a folder that mlmd sweep has written") from None
    whole = text[: text.rfind("\n") + 1]
    head, *lines = whole.splitlines() or [""]
    if head + "\n" != line(COLUMNS):
        raise MlmdError(f"{path}, line 1: not the columns of this version's table: start again with --force")
    return [_row(path, number, text) for number, text in enumerate(lines, 2)]


def _row(path: Path, number: int, text: str) -> Row:
    (cells,) = csv.reader([text])
    try:
        if len(cells) != len(COLUMNS):
            raise ValueError(f"{len(cells)} cells, not {len(COLUMNS)}")
        values = {name: _value(_KINDS[name], cell) for name, cell in zip(COLUMNS, cells, strict=True)}
    except ValueError as error:
        raise MlmdError(f"{path}, line {number}: {error}; remove that line, and the sweep does it again") from None
    return Row(**values)


def _value(kind: str, cell: str) -> Any:
    if kind == "str":
        return cell
    if kind == "int":
        return int(cell)
    return float(cell) if cell else None


class Table:
    """The table while a sweep writes it.

    Parameters
    ----------
    path : Path
        The file; one that is not there is begun.
    drop : callable, optional
        Rows to forget.

    Raises
    ------
    MlmdError
        If it cannot be read or written.
    """

    def __init__(self, path: Path, drop: Any = None) -> None:
        self.path = path
        try:
            if not path.exists():
                replace_file(path, line(COLUMNS).encode())
            self.rows = read(path)
            if drop is not None and any(map(drop, self.rows)):
                self.rows = [row for row in self.rows if not drop(row)]
                replace_file(path, "".join(map(line, [COLUMNS, *map(astuple, self.rows)])).encode())
            self._file = path.open("r+b")
            text = self._file.read()
            self.torn = not text.endswith(b"\n")
            self._file.truncate(text.rfind(b"\n") + 1)
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise MlmdError(f"{path} cannot be written ({error.strerror}); choose another folder with --out") from None

    def append(self, rows: list[Row]) -> None:
        """Add rows and wait until they are on the disk.

        Raises
        ------
        MlmdError
            If they cannot be written.
        """
        try:
            self._file.write("".join(line(astuple(row)) for row in rows).encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise MlmdError(
                f"{self.path} cannot be written ({error.strerror}); make room, and the same command goes on"
            ) from None
        self.rows += rows

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
