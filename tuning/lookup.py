"""What wisdom says about a problem: the entry of its key, else of the nearest size, else nothing, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..kernels.knobs import THREADS, Value
from .key import CONDITIONS, SAME, Key, differences
from .wisdom import Entry

FARTHEST = math.log(8.0)  # of a size that still counts as near


@dataclass(frozen=True)
class Found:
    """An answer.

    Attributes
    ----------
    entry : Entry or None
        What to go by; None if there is nothing.
    how : str
        ``"exact"``, ``"nearest"`` or ``"none"``.
    reason : str
        Why this and not another.
    """

    entry: Entry | None
    how: str
    reason: str

    @property
    def tuning(self) -> dict[str, Value]:
        """The knobs to take: of another size not its threads, which depend on the size most of all."""
        if self.entry is None:
            return {}
        return {k: v for k, v in self.entry.tuning.items() if self.how == "exact" or k != THREADS.name}


def look_up(key: Key, entries: Iterable[Entry]) -> Found:
    """The entry of the key, else that of the nearest size under the same conditions.

    Parameters
    ----------
    key : Key
        The problem at hand.
    entries : iterable of Entry
        What is known.

    Returns
    -------
    Found

    Examples
    --------
    >>> from mlmd.tuning.wisdom import new_entry
    >>> key = Key("density", "cpu", "EPYC", "1", 2, "complex64", "", 8, 8, 8, 4, 0)
    >>> look_up(key, [new_entry(key, {"block": 4}, 1.0, 2.0, 9)]).how
    'exact'
    >>> look_up(key, []).reason
    'no wisdom about density on cpu, complex64'
    """
    known = [entry for entry in entries if all(getattr(entry.key, name) == getattr(key, name) for name in SAME)]
    live = [entry for entry in known if not _stale(key, entry)]
    for entry in live:
        if entry.key == key:
            return Found(entry, "exact", f"tuned on {entry.date}")
    near = min(live, key=lambda entry: distance(key, entry.key), default=None)
    if near is not None and distance(key, near.key) <= FARTHEST:
        return Found(near, "nearest", f"no entry for {grid(key)}; that of {grid(near.key)} is nearest")
    if near is not None:
        return Found(None, "none", f"no entry near {grid(key)}; the nearest is {grid(near.key)}")
    if known:
        return Found(None, "none", _why_stale(key, min(known, key=lambda entry: distance(key, entry.key))))
    about = ", ".join(filter(None, (key.dtype, key.mode)))
    return Found(None, "none", f"no wisdom about {key.kernel} on {key.backend}, {about}")


def distance(a: Key, b: Key) -> float:
    """|ln| of the ratio of points plus that of the ratio of orbitals; ranks count as orbitals do.

    Examples
    --------
    >>> a = Key("density", "cpu", "EPYC", "1", 2, "complex64", "", 8, 8, 8, 4, 0)
    >>> b = Key("density", "cpu", "EPYC", "1", 2, "complex64", "", 8, 8, 16, 4, 0)
    >>> round(distance(a, b) / math.log(2), 6)
    1.0
    """
    sizes = zip((a.nx * a.ny * a.nz, a.norb, a.rank), (b.nx * b.ny * b.nz, b.norb, b.rank), strict=True)
    return sum(abs(math.log(max(m, 1) / max(n, 1))) for m, n in sizes)


def grid(key: Key) -> str:
    """The size in words.

    Examples
    --------
    >>> grid(Key("nlp_prop", "cpu", "EPYC", "1", 2, "complex64", "fp32", 8, 8, 8, 4, 2))
    '8x8x8, 4 orbitals, rank 2'
    """
    orbitals = f", {key.norb} orbitals" if key.norb else ""
    return f"{key.nx}x{key.ny}x{key.nz}{orbitals}" + (f", rank {key.rank}" if key.rank else "")


def _stale(key: Key, entry: Entry) -> bool:
    return any(getattr(entry.key, name) != getattr(key, name) for name in CONDITIONS)


def _why_stale(key: Key, entry: Entry) -> str:
    changed = [
        f"{name} is {here}, there {there}"
        for name, (here, there) in differences(key, entry.key).items()
        if name in CONDITIONS
    ]
    return f"the entry of {entry.date} for {grid(entry.key)} is stale: {'; '.join(changed)}"
