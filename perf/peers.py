"""Published figures that reports stand beside: the paper's Table 3, and real-time steps of other codes.

The peers' steps were measured for this project: both codes built from source with -O3 for the processor, two MPI ranks
on two cores of an Intel Xeon with AMX, LDA, norm-conserving pseudopotentials, Gamma point, silicon in diamond cells
(a = 10.26 bohr); medians of a run on a shared machine.  Their steps are of higher order, in space (4th order stencils)
and in time (4th order Taylor in SALMON2, AETRS in Octopus), with all projectors: a fair comparison is the time to a
given simulated duration at a given error of the observable, and seconds per step are the raw figure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's Table 3: 64 orbitals on 70 x 70 x 72 points, one EPYC 7543P core or one A100.

    The seconds are as printed.  For the 1,000 steps that the text speaks of they are too short for the memory of one
    core (one pass over psi in 0.9 ms would be 190 GB/s or more), so only the speedups are compared.
    """

    seconds: float
    speedup: float
    target: str


@dataclass(frozen=True)
class PeerStep:
    """A real-time step of another code; seconds per step."""

    code: str
    work: str
    electrons: int
    orbitals: int
    grid: str
    seconds: float

    @property
    def per_electron(self) -> float:
        """Seconds per electron and step.

        Examples
        --------
        >>> PeerStep("X", "Si8", 32, 16, "16x16x16", 0.0064).per_electron
        0.0002
        """
        return self.seconds / self.electrons


TABLE3 = {
    "baseline": PaperRow(8.655, 1.0, "CPU"),
    "reordered": PaperRow(2.356, 3.67, "CPU"),
    "blocked": PaperRow(0.939, 9.22, "CPU"),
    "hierarchical": PaperRow(0.026, 338.0, "GPU"),
}

STEPS = (
    PeerStep("SALMON2", "Si64", 256, 128, "32x32x32", 0.516),
    PeerStep("Octopus", "Si64", 256, 128, "32x32x32", 0.631),
    PeerStep("SALMON2", "Si32", 128, 64, "70x70x72", 2.64),
    PeerStep("Octopus", "Si32", 128, 64, "70x70x72", 5.28),
    PeerStep("SALMON2", "Si8", 32, 16, "16x16x16", 0.0062),
    PeerStep("Octopus", "Si8", 32, 16, "16x16x16", 0.010),
    PeerStep("Octopus", "PbTiO3", 34, 20, "30x30x32", 0.196),
)
