"""What was measured, in files: each measurement is kept as soon as it is there, so that a stopped command goes on."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .. import __version__
from ..backends import describe
from ..io.atomic import write_text
from ..perf.scaling.model import Roofs


class Record(BaseModel):
    """Base of the measurements; ``stamp`` says which MLMD on which machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    stamp: str = ""


class SizeRun(Record):
    """A domain on one rank.

    ``parts`` has per QD step (calls, bytes, operations, seconds) of each part, ``seconds`` those of the whole QD step
    with its share of the observation.
    """

    points: int
    norb: int
    every: int
    seconds: float
    parts: dict[str, tuple[float, float, float, float]]


class RanksRun(Record):
    """Several ranks beside one of them alone, in turn, seconds of a QD step in each round.

    ``counted`` has the messages of a QD step: (kind, calls, bytes, ranks).
    """

    points: int
    norb: int
    every: int
    domains: int
    layout: tuple[int, int, int]
    alone_domains: int
    alone: list[float]
    together: list[float]
    counted: list[tuple[str, float, int, int]]


class BrickRun(Record):
    """A brick of XS-NNQMD with its ghosts on one rank.

    ``parts`` as in `SizeRun`, of an MD step; ``held`` bytes more are in memory while it is evaluated.
    """

    model: str
    size: str
    weights: int
    cutoff: float
    cells: int
    atoms: int
    ghosts: int
    pairs: int
    seconds: float
    parts: dict[str, tuple[float, float, float, float]]
    held: float


class NetworkRun(Record):
    """Calls of a line of ranks: (kind, bytes, seconds)."""

    ranks: int
    samples: list[tuple[str, float, float]]


class RoofsRun(Record):
    """What one thread of this machine can do: operations in FP32 and bytes per second, on arrays of so many bytes."""

    flops: float
    bandwidth: float
    nbytes: int

    def roofs(self) -> Roofs:
        """As the model takes them."""
        return Roofs(self.flops, self.bandwidth)


class Measured(NamedTuple):
    """All of it; ``held_out`` are sizes that the fit does not see, ``notes`` tell what could not be measured."""

    roofs: RoofsRun
    fitted: list[SizeRun]
    held_out: list[SizeRun]
    network: NetworkRun | None
    ranks: list[RanksRun]
    notes: list[str]


Kind = TypeVar("Kind", bound=Record)


def stamp() -> str:
    """Which MLMD on which machine."""
    machine = describe()
    return f"mlmd {__version__}, {machine.cpu}, {machine.threads} threads, {platform.node()}"


class Store:
    """A folder of measurements.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    force : bool
        Measure anew what is there.
    say : callable
        Told what is done.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(Path(tempfile.mkdtemp()), False, print)
    >>> make = lambda: NetworkRun(ranks=2, samples=[])
    >>> store.get("network", NetworkRun, make) == store.get("network", NetworkRun, make)
    measuring network
    network: was measured before
    True
    """

    def __init__(self, folder: Path, force: bool, say: Callable[[str], None]) -> None:
        self._folder, self._force, self._say, self._stamp = folder, force, say, stamp()

    def get(self, name: str, kind: type[Kind], measure: Callable[[], Kind]) -> Kind:
        """A measurement: that of an earlier command on this machine, or a new one."""
        path = self._folder / f"{name.replace(' ', '_')}.json"
        known = None if self._force else self._read(path, kind)
        if known is not None:
            self._say(f"{name}: was measured before")
            return known
        self._say(f"measuring {name}")
        found = measure().model_copy(update={"stamp": self._stamp})
        self._folder.mkdir(parents=True, exist_ok=True)
        write_text(path, found.model_dump_json(indent=1))
        return found

    def _read(self, path: Path, kind: type[Kind]) -> Kind | None:
        if not path.exists():
            return None
        try:
            found = kind.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError:
            self._say(f"{path.name}: of another version, measured anew")
            return None
        if found.stamp != self._stamp:
            self._say(f"{path.name}: of another machine or version, measured anew")
            return None
        return found
