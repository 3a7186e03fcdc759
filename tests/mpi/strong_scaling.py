"""Strong scaling of what a divided ground state shares out: one rank against all, in turn in one job.

    mpirun -n 2 python -m tests.mpi.strong_scaling [ITERATIONS INPUT.toml ...]

In each round rank 0 works alone while the others sleep, then all do the same work together: the Hartree potential of a
cube of 128 points per axis with its two parts, the V-cycles of a preconditioning and the differences, and the first
iterations of each input (6 of examples/h2_domains.toml). Each rank has one thread. Medians over rounds, and of the
ratios of the times.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mlmd.dcmesh.domains import GlobalHartree
from mlmd.dcmesh.errors import ConvergenceError
from mlmd.dcmesh.grid import Grid
from mlmd.dcmesh.parallel import ALONE, Line
from mlmd.dcmesh.parallel.team import split
from mlmd.domains.study import divided
from mlmd.problem import read_problem
from mlmd.sections import with_keys

from .weak_scaling import MPI, timed, wait_for_all

POINTS, ROUNDS = 128, 5
EXAMPLE = Path(__file__).parents[2] / "examples" / "h2_domains.toml"


def hartree(line: Line) -> dict[str, Callable[[], object]]:
    """The potential of two charges as wide as valence ones, from no start, and what its solver does."""
    grid = Grid((POINTS,) * 3, (0.5 * POINTS,) * 3)
    x, y, z = (axis - 0.25 * POINTS for axis in grid.points())
    density = np.exp(-(x**2 + y**2 + z**2) / 1.44) - 0.3 * np.exp(-(x**2 + y**2 + (z - 4.0) ** 2) / 2.0)
    solver = GlobalHartree(grid, 1, line)
    slab = density[line.block(POINTS)] - density.mean()

    def solve() -> None:
        solver._v[:] = 0.0
        solver(density)

    return {
        f"Hartree potential, {POINTS}^3": solve,
        "  V-cycles of a preconditioning": lambda: solver._precondition(slab),
        "  differences of 16th order": lambda: solver._minus_laplacian(slab),
    }


def ground_state(file: Path, iterations: int, line: Line) -> dict[str, Callable[[], object]]:
    """The first iterations of an input, with all that comes before them."""
    problem = read_problem(file)
    config = with_keys(problem.config, "ground_state", tolerance=1e-300, max_iterations=iterations)
    assert config.domains is not None
    cell = (config, config.domains, problem.atoms, problem.shape, config.domains.buffer, lambda *_: None, line)

    def solve() -> None:
        with contextlib.suppress(ConvergenceError):  # the tolerance is never reached
            divided(*cell)

    return {f"{file.stem}, {iterations} iterations": solve}


def main() -> None:
    """Print the times."""
    world = MPI.COMM_WORLD
    line = split(world, 1, 1).domains
    count, *files = sys.argv[1:] or ("6", EXAMPLE)
    for works in (hartree, *(partial(ground_state, Path(file), int(count)) for file in files)):
        alone, together = works(ALONE.domains) if world.rank == 0 else {}, works(line)
        for name, work in together.items():
            pairs = []
            for _ in range(ROUNDS + 1):
                one = timed(alone[name]) if name in alone else 0.0
                wait_for_all()
                everybody = timed(work)
                wait_for_all()
                pairs.append((one, max(world.allgather(everybody))))
            if world.rank == 0:
                one, everybody = np.median(pairs[1:], axis=0)
                ratios = [one / all_ for one, all_ in pairs[1:]]
                spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
                ratio = f"{np.median(ratios):.2f} ({spread})"
                print(f"{name}: {one:.3f} s, on {world.size} ranks {everybody:.3f} s: {ratio}")


if __name__ == "__main__":
    main()
