"""How many ranks share out what."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..errors import DecompositionError

NAMES = ("domains", "bands", "space")


class Work(NamedTuple):
    """What there is to share out: domains, and in each of them bands and pairs of planes of the grid along x.

    ``bands`` is the number of occupied bands. ``space`` is 1 where the planes cannot be shared out.
    """

    domains: int
    bands: int
    space: int


class Layout(NamedTuple):
    """Ranks for domains, bands and planes; their product is the number of all ranks."""

    domains: int
    bands: int
    space: int


def choose_layout(ranks: int, work: Work, domains: int | None, bands: int | None, space: int | None) -> Layout:
    """Share out ranks: over domains as far as they go, then over bands, then over planes.

    Parameters
    ----------
    ranks
        How many there are.
    work
        What there is to do.
    domains, bands, space
        What the input asks for; None leaves it open.

    Raises
    ------
    DecompositionError
        There are more ranks than work, or the numbers asked for do not multiply to that of the ranks.

    Examples
    --------
    >>> choose_layout(12, Work(domains=4, bands=16, space=10), None, None, None)
    Layout(domains=4, bands=3, space=1)
    >>> choose_layout(4, Work(domains=1, bands=16, space=10), None, None, 2)
    Layout(domains=1, bands=2, space=2)
    """
    wanted = (domains, bands, space)
    asked = [count for count in wanted if count is not None]
    product = math.prod(asked)
    if ranks % product or (len(asked) == len(wanted) and product != ranks):
        text = ", ".join(f"{name} = {count}" for name, count in zip(NAMES, wanted, strict=True) if count is not None)
        raise DecompositionError(
            f"{text} does not fit {ranks} ranks: the product of domains, bands and space must be the number of ranks; "
            f"change it or start another number of ranks"
        )
    for name, count, there in zip(NAMES, wanted, work, strict=True):
        if count is not None and count > there:
            raise DecompositionError(_too_many(f"{name} = {count}", work))
    left, counts = ranks // product, []
    for asked_for, there in zip(wanted, work, strict=True):
        counts.append(asked_for or _largest_divisor(left, there))
        left //= 1 if asked_for else counts[-1]
    if left > 1:
        raise DecompositionError(_too_many(f"{ranks} ranks", work))
    return Layout(*counts)


def _largest_divisor(number: int, limit: int) -> int:
    return next(count for count in range(min(number, limit), 0, -1) if number % count == 0)


def _too_many(what: str, work: Work) -> str:
    parts = f"{work.domains} domain(s), {work.bands} occupied band(s) and {work.space} part(s) of the grid in each"
    return (
        f"{what}: more ranks than work: there are {parts} to share out; start fewer ranks, in a number that is a "
        "product of divisors not above these"
    )
