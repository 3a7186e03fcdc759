"""What a backend reaches, for choices that must not be timed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """What a backend reaches.

    Attributes
    ----------
    launch : float
        Seconds of a call that does next to nothing.
    read, scale : float
        Bytes per second: read, and read and written.
    fp32, fp64 : float
        Operations per second of matrix products.

    Examples
    --------
    >>> from mlmd.backends import get
    >>> get("cpu").nominal.read > get("reference").nominal.read
    True
    """

    launch: float
    read: float
    scale: float
    fp32: float
    fp64: float
