r"""Kohn-Sham ground state by divide and conquer: global density and potential, local orbitals.

.. math:: n = \sum_\alpha p_\alpha \sum_s f(\epsilon_{\alpha s} - \mu)\,|\psi_{\alpha s}|^2, \qquad \int n = N

with one chemical potential mu for all domains. W. Yang, Phys. Rev. Lett. 66, 1438 (1991); F. Shimojo et al.,
J. Chem. Phys. 140, 18A529 (2014). Kinetic and nonlocal energy are sums of densities over the cores; all other terms
belong to the global density. Domains see one another through the density alone, so that the work of an iteration is
proportional to their number. Ranks may share them out: then each has the density and the potential of the whole, and
solves for the orbitals of its own domains and for its slab of the Hartree potential.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, xlogy

from ..errors import ConvergenceError, DecompositionError, OccupationError, PartitionError
from ..parallel import ALONE, Line
from ..qxmd import xc as functionals
from ..qxmd.cell import Ions, prepare
from ..qxmd.mixing import AndersonMixer
from ..qxmd.occupations import required_bands
from .domain import Domain, ions_of
from .partition import Box, partition, recombine
from .poisson import GlobalHartree

if TYPE_CHECKING:
    import ase

Array = NDArray[np.float64]
Progress = Callable[[int, float, float], None]
FIRST_CYCLES = 3  # of the eigensolver on the random orbitals of the start
FULL = 1e-3  # electrons in the highest bands, from which on there are too few bands


@dataclass
class DividedState:
    """Self-consistent divided ground state, atomic units.

    Attributes
    ----------
    ions
        Ions of the whole cell.
    boxes
        Where all domains lie.
    domains
        Boxes and orbitals of those that are this rank's.
    occupations
        (nb,) of each of these, 0..2.
    density, v_loc
        (nx, ny, nz): electrons/bohr^3; v_ion + v_H + v_xc in Ha.
    energy
        Terms in Ha with their total, as in `mlmd.dcmesh.qxmd.GroundState`.
    fermi_level
        The one chemical potential, Ha.
    iterations
        That were needed.
    xc, smearing
        Functional, and Fermi-Dirac width in Ha.
    line
        The ranks that share out the domains.
    """

    ions: Ions
    boxes: list[Box]
    domains: list[Domain]
    occupations: list[Array]
    density: Array
    v_loc: Array
    energy: dict[str, float]
    fermi_level: float
    iterations: int
    xc: str
    smearing: float
    line: Line = ALONE.domains

    def forces(self) -> Array:
        """Forces (natoms, 3) in Ha/bohr: v_nl from the domains with their shares, all else by the global density.

        Called on all ranks alike, it gives the same on each.
        """
        total = self.ions.ion_ion[1] + self.ions.local_forces(self.density)
        own = zip(self.domains, self.occupations, strict=True)
        for atoms, force in self.line.collect([(domain.atoms, domain.nonlocal_forces(f)) for domain, f in own]):
            total[atoms] += force
        return total


def divided_ground_state(
    atoms: ase.Atoms,
    shape: tuple[int, int, int],
    divisions: Sequence[int],
    buffer: float,
    xc: str = "lda",
    pseudo: Mapping[str, str] | None = None,
    extra_bands: int = 4,
    smearing: float = 0.005,
    tol: float = 1e-6,
    max_iter: int = 100,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    line: Line = ALONE.domains,
) -> DividedState:
    """Solve the Kohn-Sham equations domain by domain, self-consistently with the potential of the whole.

    Parameters
    ----------
    atoms, shape, xc, pseudo, max_iter, seed, progress
        As for `mlmd.dcmesh.qxmd.ground_state`; Gamma only.
    divisions, buffer
        Number of domains along each axis, and thickness of the buffers in bohr.
    extra_bands
        Bands of each domain beyond those that its atoms fill.
    smearing
        Fermi-Dirac width in Ha, above 0: the electrons of a core are no whole number.
    tol
        Largest density residual, integral |n_out - n_in| per electron.
    threads
        Threads of the multigrid solver.
    line
        Ranks that share out the domains: they make the same call, each with its ``progress``. The orbitals start from
        the same random numbers on any number of ranks.

    Raises
    ------
    PartitionError
        Divisions and buffer that do not fit the grid, see `partition`; a box without atoms or with too few points.
    DecompositionError
        There are more ranks than domains.
    OccupationError
        No smearing; too few bands.
    PseudopotentialError, ConvergenceError
        As for `mlmd.dcmesh.qxmd.ground_state`.

    Examples
    --------
    >>> from ase import Atoms
    >>> row = Atoms("H4", [[1.5, 1.5, z] for z in (0.63, 1.37, 3.63, 4.37)], cell=[3, 3, 6], pbc=True)
    >>> state = divided_ground_state(row, (16, 16, 32), (1, 1, 2), buffer=2.8, extra_bands=2, tol=1e-4)
    >>> len(state.domains), round(float(state.density.sum() * state.ions.grid.dv), 6)
    (2, 4.0)
    """
    if not smearing > 0.0:
        raise OccupationError("domains share their electrons by a chemical potential: give a smearing width above 0")
    ions = prepare(atoms, shape, xc, pseudo)
    boxes = partition(ions.grid, divisions, buffer)
    if len(boxes) < line.size:
        raise DecompositionError(f"{len(boxes)} domains cannot be shared out among {line.size} ranks; start fewer")
    bands = [_bands(box, ions, extra_bands, smearing) for box in boxes]
    domains = _own_domains(boxes, ions, bands, np.random.default_rng(seed), line)
    return _Loop(ions, xc, boxes, domains, smearing, threads, line).iterate(tol, max_iter, progress)


def _bands(box: Box, cell: Ions, extra_bands: int, smearing: float) -> int:
    """Bands of a domain."""
    if not box.holds(cell.positions).any():
        raise PartitionError(f"the domain at {box.origin.round(2).tolist()} bohr has no atoms: divide less")
    bands = required_bands(ions_of(box, cell).electrons, smearing) + extra_bands
    if bands > box.grid.size // 4:
        raise PartitionError(f"{bands} bands do not fit on a box of {box.grid.size} points: divide less")
    return bands


def _own_domains(boxes: list[Box], cell: Ions, bands: list[int], rng: np.random.Generator, line: Line) -> list[Domain]:
    """The domains of a rank, with the random numbers that they have where one rank has all."""
    domains, own = [], range(len(boxes))[line.block(len(boxes))]
    for place, (box, count) in enumerate(zip(boxes[: own.stop], bands, strict=False)):
        if place in own:
            domains.append(Domain(box, cell, count, rng))
        else:
            rng.standard_normal((*box.grid.shape, count))
    return domains


class _Loop:
    """density -> potential -> orbitals of each domain -> chemical potential -> density."""

    def __init__(
        self,
        ions: Ions,
        functional: str,
        boxes: list[Box],
        domains: list[Domain],
        smearing: float,
        threads: int | None,
        line: Line,
    ) -> None:
        self.ions, self.functional, self.boxes, self.domains = ions, functional, boxes, domains
        self.smearing, self.line = smearing, line
        self.hartree = GlobalHartree(ions.grid, threads, line)
        self.density = ions.atomic_density()

    def iterate(self, tol: float, max_iter: int, progress: Progress | None) -> DividedState:
        mixer, dv = AndersonMixer(self.ions.grid), self.ions.grid.dv
        for iteration in range(1, max_iter + 1):
            v_loc = self._potential(self.density)
            for domain in self.domains:
                domain.solve(v_loc, FIRST_CYCLES if iteration == 1 else 1)
            f, level, entropy_term = occupy(self.domains, self.ions.electrons, self.smearing, self.line)
            output = self._recombined(f)
            residual = float(np.abs(output - self.density).sum() * dv) / self.ions.electrons
            energy = self._energy(output, f) | {"entropy": entropy_term}
            energy["total"] = sum(energy.values())
            if progress is not None:
                progress(iteration, energy["total"], residual)
            if residual < tol:
                _check_bands(self.domains, f, self.line)
                return DividedState(
                    ions=self.ions,
                    boxes=self.boxes,
                    domains=self.domains,
                    occupations=f,
                    density=output,
                    v_loc=v_loc,
                    energy=energy,
                    fermi_level=level,
                    iterations=iteration,
                    xc=self.functional,
                    smearing=self.smearing,
                    line=self.line,
                )
            self.density = np.maximum(mixer.next(self.density, output - self.density), 0.0)
        raise ConvergenceError(
            f"the divided ground state did not converge: density residual {residual:.1e} after {max_iter} iterations, "
            f"{tol:.1e} wanted; raise max_iterations, extra_bands or the smearing width"
        )

    def _potential(self, density: Array) -> Array:
        v_xc = functionals.evaluate(self.functional, density, self.ions.grid).potential
        return self.ions.v_ion + self.hartree(density) + v_xc

    def _recombined(self, f: list[Array]) -> Array:
        densities = [domain.density(g) for domain, g in zip(self.domains, f, strict=True)]
        return self.line.sum(recombine([domain.box for domain in self.domains], densities))

    def _energy(self, density: Array, f: list[Array]) -> dict[str, float]:
        parts = self.line.collect([domain.energies(g) for domain, g in zip(self.domains, f, strict=True)])
        terms = {name: sum(part[name] for part in parts) for name in parts[0]}
        ions, dv = self.ions, self.ions.grid.dv
        xc = functionals.evaluate(self.functional, density, ions.grid)
        return terms | {
            "local": float(np.sum(ions.v_ion * density) * dv),
            "hartree": 0.5 * float(np.sum(self.hartree(density) * density) * dv),
            "exchange": xc.exchange,
            "correlation": xc.correlation,
            "ion_ion": ions.ion_ion[0],
        }


def occupy(
    domains: Sequence[Domain], electrons: int, smearing: float, line: Line = ALONE.domains
) -> tuple[list[Array], float, float]:
    """Occupations at the chemical potential that puts all electrons of the cell into the cores of all ranks.

    Returns
    -------
    occupations, fermi_level, entropy_term
        (nb,) of each of this rank's domains in 0..2, Ha, and -T S of the cores in Ha.

    Raises
    ------
    OccupationError
        The bands cannot hold the electrons.
    """
    spectra = line.collect([(domain.values, domain.shares) for domain in domains])
    values, shares = (np.concatenate(parts) for parts in zip(*spectra, strict=True))

    def surplus(level: float) -> float:
        return float(2 * shares @ expit((level - values) / smearing)) - electrons

    width = 40 * smearing + 1.0
    if surplus(values.max() + width) < 0:
        raise OccupationError(f"the bands of the domains cannot hold {electrons} electrons: raise extra_bands")
    level = float(brentq(surplus, values.min() - width, values.max() + width, xtol=1e-14))
    f = 2 * expit((level - values) / smearing)
    ends = np.cumsum([len(part) for part, _ in spectra])[:-1]
    return np.split(f, ends)[line.block(len(spectra))], level, entropy(shares, f, smearing)


def entropy(shares: Array, f: Array, smearing: float) -> float:
    """-T S in Ha of orbitals with occupations f (nb,) of which ``shares`` (nb,) lie in a core."""
    x = 0.5 * f
    return 2 * smearing * float(shares @ (xlogy(x, x) + xlogy(1 - x, 1 - x)))


def _check_bands(domains: Sequence[Domain], f: Sequence[Array], line: Line) -> None:
    worst = max(line.collect([float(g[-1] * domain.shares[-1]) for domain, g in zip(domains, f, strict=True)]))
    if worst > FULL:
        raise OccupationError(f"the highest band of a domain holds {worst:.1e} electrons: raise extra_bands")
