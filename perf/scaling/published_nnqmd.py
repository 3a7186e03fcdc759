"""What the MLMD paper (SC25) gives in numbers about XS-NNQMD on Aurora, and its Table 2."""

from __future__ import annotations

from typing import NamedTuple

from .series import Point


class Peer(NamedTuple):
    """A row of Table 2 with the run that section 7.3.2 or the introduction gives for it."""

    work: str
    machine: str
    atoms: int
    weights: int
    seconds: float  # of an MD step
    ranks: int | None  # None where it is not printed


WEAK_RANKS = (12, 120, 1_200, 12_000, 120_000)  # the paper prints the last one only; 12 to a node
WEAK = {
    160_000: (Point(120_000, 0.957),),
    640_000: (Point(120_000, 0.964),),
    10_240_000: (Point(120_000, 0.997),),
}  # atoms for each rank, Fig. 5a
STRONG_RANKS = (9_225, 18_450, 36_900, 73_800)  # the last one is printed; the reference is not
STRONG = {221_400_000: (Point(73_800, 0.440),), 984_000_000: (Point(73_800, 0.773),)}  # Fig. 5b
TABLE_2 = (
    Peer("Linker et al. (2022)", "Theta", 1_007_271_936_000, 440, 3_142.66, None),
    Peer("MLMD, the paper (2025)", "Aurora", 1_228_800_000_000, 690_000, 1_590.31, 120_000),
)
