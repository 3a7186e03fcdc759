"""Time of a fixed number of iterations against the number of domains, in rows of copies of one cell.

It is processor time of all threads, which other work on the machine hardly moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from ..dcmesh.domains import divided_ground_state
from ..dcmesh.errors import ConvergenceError

if TYPE_CHECKING:
    import ase

    from ..config import Config, DomainSettings

ITERATIONS = 6
COPIES = (1, 2, 4, 8)


@dataclass(frozen=True)
class Scaling:
    """Measured cost.

    Attributes
    ----------
    domains
        Number of domains of each row of copies.
    samples
        Processor seconds of ``ITERATIONS`` iterations with all that comes before them, a row per number of domains.
    """

    domains: list[int]
    samples: list[list[float]]

    @property
    def seconds(self) -> list[float]:
        """Median of each row."""
        return [float(np.median(row)) for row in self.samples]

    @property
    def exponent(self) -> float:
        """Slope of log(seconds) over log(domains) by least squares.

        Examples
        --------
        >>> round(Scaling([2, 4, 8], [[1.0], [2.0], [4.0]]).exponent, 12)
        1.0
        """
        return float(np.polyfit(np.log(self.domains), np.log(self.seconds), 1)[0])


def measure_scaling(
    config: Config,
    domains: DomainSettings,
    atoms: ase.Atoms,
    shape: tuple[int, int, int],
    rounds: int,
    note: Callable[[str], None],
    copies: Sequence[int] = COPIES,
) -> Scaling:
    """Time rows of copies of a cell along its most divided axis, each copy with the domains of the cell.

    Rounds go over all rows in turn, so that a slow minute of the machine falls on all of them.

    Raises
    ------
    PartitionError, OccupationError, PseudopotentialError
        As `divided_ground_state`.
    """
    axis = int(np.argmax(domains.divisions))
    samples: list[list[float]] = [[] for _ in copies]
    for turn in range(rounds):
        for row, count in zip(samples, copies, strict=True):
            row.append(_seconds(config, domains, atoms, shape, axis, count))
            note(f"round {turn + 1} of {rounds}: {count} copies, {row[-1]:.2f} s")
    return Scaling([int(np.prod(domains.divisions)) * count for count in copies], samples)


def _seconds(
    config: Config, domains: DomainSettings, atoms: ase.Atoms, shape: tuple[int, int, int], axis: int, count: int
) -> float:
    along = [count if i == axis else 1 for i in range(3)]
    settings, done = config.ground_state, 0

    def heard(iteration: int, *_: float) -> None:
        nonlocal done
        done = iteration

    nx, ny, nz = (n * m for n, m in zip(shape, along, strict=True))
    start = process_time()
    try:
        divided_ground_state(
            atoms.repeat(along),
            (nx, ny, nz),
            [d * m for d, m in zip(domains.divisions, along, strict=True)],
            domains.buffer,
            **settings.arguments() | {"tol": 0.0, "max_iter": ITERATIONS},
            seed=config.run.seed,
            threads=config.dynamics.threads,
            progress=heard,
        )
    except ConvergenceError:  # a tolerance of 0 is never reached
        if done < ITERATIONS:
            raise
    return process_time() - start
