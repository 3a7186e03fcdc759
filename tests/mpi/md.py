"""Molecular dynamics on all ranks; rank 0 prints forces at the start, and atoms and energies along the way, as JSON.

Arguments: repeats of a crystal, ensemble, folder of the record, steps. FAIL in the environment: the rank that fails.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mlmd.nnqmd.md.bricks import heights
from mlmd.nnqmd.md.dynamics import Dynamics, Plan, Settings
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.particles import gathered, make_system
from mlmd.nnqmd.md.potential import Edges
from mlmd.nnqmd.md.ranks import ending_together, find_ranks
from mlmd.nnqmd.md.record import Record

from ..nnqmd.md_potential import SYMBOLS, Gupta, alloy


class Strong(Gupta):
    """The excited state."""

    strength = 1.2


class Around(Gupta):
    """The surroundings, which reach further."""

    cutoff, strength = 6.0, 0.9


class Failing(Gupta):
    """Meets what nobody foresaw after ten evaluations."""

    left = 10

    def __call__(self, edges: Edges) -> tuple[np.ndarray, np.ndarray]:
        self.left -= 1
        if self.left < 0:
            raise ZeroDivisionError("what nobody foresaw")
        return super().__call__(edges)


def main() -> None:
    """Run, and print."""
    repeat, ensemble, folder = (int(n) for n in sys.argv[1].split("x")), sys.argv[2], Path(sys.argv[3])
    atoms = alloy(tuple(repeat), kelvin=1200)  # type: ignore[arg-type]
    settings: Any = Settings(ensemble, 1200, step=3.0, thermostat=30, barostat=100, friction=0.02)  # type: ignore[arg-type]
    ranks = find_ranks(heights(atoms.cell.array), atoms.pbc)
    fails = os.environ.get("FAIL") == str(ranks.rank)
    with ending_together(ranks):
        shares = np.clip(np.linspace(-0.2, 1.2, len(atoms)), 0, 1)
        system = make_system(atoms, SYMBOLS, ranks, weights=np.linspace(0, 0.5, len(atoms)), shares=shares)
        forces = Forces([Failing() if fails else Gupta(), Strong()], blocks=2, surroundings=Around())
        running = Dynamics(system, forces, settings, Record(folder, atoms, {"options": vars(settings)}))
        start = gathered(system).forces.tolist()
        running.run(Plan(steps=int(sys.argv[4]), rows=5, frames=20, checkpoints=20))
        counts = ranks.collect((len(system.particles), forces.load.ghosts, forces.load.lists))
        if ranks.rank == 0:
            print(json.dumps({"forces": start, "counts": counts, "grid": ranks.grid}))


if __name__ == "__main__":
    main()
