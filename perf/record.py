"""The record of one benchmark: machine, problem, roofs and a row for each rival; JSON in and out."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from ..backends import MlmdError, describe
from ..tuning.timing import Timing, ratio
from .roofs import Roofs

FORMAT = 1
_PACKAGES = ("mlmd", "numpy", "scipy", "numba", "mkl", "mkl_fft", "pyfftw")
_DEVICE_PACKAGES = ("dpctl", "dpnp", "intel-opencl-rt", "cupy-cuda13x", "cupy-cuda12x")
_ENVIRONMENT = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OMP_PROC_BIND", "KMP_BLOCKTIME", "MLMD_ISA")


@dataclass(frozen=True)
class Row:
    """One rival.

    Attributes
    ----------
    name : str
        What was called.
    seconds : tuple of float
        Seconds per call, one for each round.
    median, low, high : float
        Their median and quartiles.
    gflops, gbytes : float or None
        Operations and least traffic per second, in 1e9; None for a roof or where they are not defined.
    roof : str
        The roof that is nearest: ``"in place"``, ``"read"``, ``"fp32"``, ...
    fraction : float or None
        Part of that roof that was reached.
    ratio, ratio_low, ratio_high : float
        Time relative to the baseline, with its bootstrap interval.
    """

    name: str
    seconds: tuple[float, ...]
    median: float
    low: float
    high: float
    gflops: float | None
    gbytes: float | None
    roof: str
    fraction: float | None
    ratio: float
    ratio_low: float
    ratio_high: float


@dataclass(frozen=True)
class Record:
    """One benchmark.

    Attributes
    ----------
    bench : str
        Its name: a kernel, ``"table3"`` or ``"step"``.
    command : str
        How to repeat it.
    problem : dict
        Shape, orbitals, dtype, threads and the like.
    baseline : str
        The row that the ratios refer to.
    rows : list of Row
        The rivals.
    roofs : Roofs or None
        Roofs of the same run.
    notes : list of str
        What was left out, and why.
    extra : dict
        Further tables of this benchmark.
    machine, versions, environment, date
        Where and when.
    """

    bench: str
    command: str
    problem: dict[str, Any]
    baseline: str
    rows: list[Row]
    roofs: Roofs | None = None
    notes: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=lambda: asdict(describe()) | {"system": platform.system()})
    versions: dict[str, str] = field(default_factory=lambda: versions())
    environment: dict[str, str] = field(default_factory=lambda: environment())
    date: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    format: int = FORMAT


def make_row(
    timing: Timing,
    baseline: Timing,
    flops: float | None = None,
    nbytes: float | None = None,
    roofs: dict[str, tuple[float, float]] | None = None,
) -> Row:
    """The row of a rival.

    Parameters
    ----------
    timing, baseline : Timing
        Its times and those of the baseline.
    flops, nbytes : float, optional
        Operations and least traffic of a call.
    roofs : dict, optional
        Roof -> (amount of a call, amount per second that the roof allows); the one that takes longest is the nearest.

    Examples
    --------
    >>> times = Timing("a", (2.0,) * 5)
    >>> row = make_row(times, times, flops=4e9, nbytes=2e9, roofs={"read": (2e9, 4e9)})
    >>> row.gflops, row.roof, row.fraction, row.ratio
    (2.0, 'read', 0.25, 1.0)
    """
    name, fraction = "", None
    if roofs:
        name, (amount, rate) = max(roofs.items(), key=lambda item: item[1][0] / item[1][1])
        fraction = amount / rate / timing.median
    r = ratio(timing, baseline)
    return Row(
        timing.name,
        timing.seconds,
        timing.median,
        *timing.quartiles,
        gflops=None if flops is None else flops / timing.median / 1e9,
        gbytes=None if nbytes is None else nbytes / timing.median / 1e9,
        roof=name,
        fraction=fraction,
        ratio=r.value,
        ratio_low=r.low,
        ratio_high=r.high,
    )


def versions() -> dict[str, str]:
    """Versions of the packages that take part, where installed."""
    installed = {package: _version(package) for package in (*_PACKAGES, *_DEVICE_PACKAGES)}
    return {"python": platform.python_version()} | {name: version for name, version in installed.items() if version}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def environment() -> dict[str, str]:
    """Variables of the environment that change how threads and kernels work."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def to_json(record: Record) -> str:
    """The record as text."""
    return json.dumps(asdict(record), indent=1) + "\n"


def from_json(text: str) -> Record:
    """The record in a text that `to_json` made.

    Raises
    ------
    MlmdError
        If the text is none, or of another version.
    """
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise MlmdError(f"the record has format {data['format']}, this version reads {FORMAT}: run the bench again")
        rows = [Row(**row | {"seconds": tuple(row["seconds"])}) for row in data.pop("rows")]
        data["machine"] = {key: tuple(v) if isinstance(v, list) else v for key, v in data["machine"].items()}
        roofs = data.pop("roofs")
        return Record(**data, rows=rows, roofs=Roofs(**roofs) if roofs else None)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise MlmdError(f"this is no record of a benchmark ({error!r}): make one with mlmd bench ... --json") from error


def write(path: Path, record: Record) -> None:
    """Write the record into a file.

    Raises
    ------
    MlmdError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(record))
    except OSError as error:
        raise MlmdError(
            f"--json: {path} cannot be written ({error.strerror}); name a file in a folder of yours"
        ) from None


def fastest(rows: Sequence[Row], starting_with: str) -> Row | None:
    """The fastest row whose name starts so; None if there is none."""
    return min((row for row in rows if row.name.startswith(starting_with)), key=lambda row: row.median, default=None)
