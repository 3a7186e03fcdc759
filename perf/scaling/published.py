"""What the MLMD paper (SC25) gives in numbers about DC-MESH on Aurora, and its Table 1."""

from __future__ import annotations

from typing import NamedTuple

from .series import Point

QD_STEPS = 1000  # in an MD step
ORBITALS = 1024  # of a domain
ORBITALS_PER_ELECTRON = 8  # buffers half as thick as the core: (1 + 2/2)^3, section 7.1.1
MESH = (70, 70, 72)  # of Table 3, the only mesh that is printed


class Peer(NamedTuple):
    """A row of Table 1."""

    work: str
    machine: str
    electrons: int
    seconds: float  # per electron and step


WEAK_RANKS = (6_144, 12_288, 24_576, 49_152, 98_304, 120_000)
WEAK = (Point(6_144, 1.0), Point(120_000, 1.0, 1.705))  # 128 electrons for each rank, Fig. 4a
STRONG_RANKS = (24_576, 49_152, 98_304)
STRONG_ELECTRONS = 12_582_912
STRONG = (Point(24_576, 1.0), Point(98_304, 0.843))  # Fig. 4b
TABLE_5 = {"nlp": 16.02e12, "kin": 3.51e12}  # operations per second on a tile, 1,024 orbitals, FP32
TABLE_1 = (
    Peer("Qb@ll (2016)", "BlueGene/Q", 59_400, 8.96e-4),
    Peer("PWDFT (2020)", "Summit", 3_072, 8.49e-4),
    Peer("SALMON (2022)", "Fugaku", 71_040, 1.69e-5),
    Peer("MLMD, the paper (2025)", "Aurora", 15_360_000, 1.11e-7),
)
