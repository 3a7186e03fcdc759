"""Numbers as they are printed."""

from __future__ import annotations


def signless(value: float, digits: int = 2) -> str:
    """A number with so many decimals, and no minus sign before zeros.

    Examples
    --------
    >>> signless(-1.0), signless(-1e-9), signless(0.04, 1)
    ('-1.00', '0.00', '0.0')
    """
    return f"{round(value, digits) + 0.0:.{digits}f}"
