"""Kohn-Sham ground state of a periodic cell: the self-consistent field loop and its result."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConvergenceError, GridError
from ..grid import Grid
from . import eigensolver, kpoints, occupations, xc
from .cell import Ions, prepare
from .energy import band_energies, field_energies, hartree_potential
from .hamiltonian import Hamiltonian
from .mixing import AndersonMixer

if TYPE_CHECKING:
    import ase
    import h5py

Array = NDArray[np.float64]
Progress = Callable[[int, float, float], None]
EIGENSOLVER_TOLERANCE = 1e-5  # residual of the wanted bands at the end, Ha
OCCUPIED = 1e-10  # electrons in a state that counts as occupied
GUARD_BANDS = 4  # carried along so that the highest wanted band converges, then dropped


@dataclass
class GroundState:
    """Self-consistent Kohn-Sham ground state, atomic units.

    Attributes
    ----------
    ions
        Atoms, grid and pseudopotentials.
    xc
        Functional.
    kpoints, weights
        (nk, 3) fractional and (nk,).
    eigenvalues, occupations
        (nk, nb); occupations in 0..2.
    psi
        Per k-point (nx, ny, nz, nb), sum |psi|^2 dv = 1; real at Gamma.
    density, v_loc
        (nx, ny, nz): electrons/bohr^3; total local potential v_ion + v_H + v_xc in Ha.
    energy
        Terms in Ha: kinetic, local, nonlocal, hartree, exchange, correlation, ion_ion, entropy, total.
    cutoff
        Largest kinetic energy of the plane waves of ``psi`` in Ha, or None.
    """

    ions: Ions
    xc: str
    kpoints: Array
    weights: Array
    eigenvalues: Array
    occupations: Array
    psi: list[NDArray[Any]]
    density: Array
    v_loc: Array
    energy: dict[str, float]
    fermi_level: float
    smearing: float
    iterations: int
    history: list[tuple[float, float]] = field(default_factory=list)
    cutoff: float | None = None

    @property
    def grid(self) -> Grid:
        """The grid."""
        return self.ions.grid

    @property
    def atoms(self) -> ase.Atoms:
        """The structure."""
        return self.ions.atoms

    @property
    def electrons(self) -> int:
        """Valence electrons in the cell."""
        return self.ions.electrons

    @property
    def gap(self) -> float:
        """Lowest empty minus highest occupied eigenvalue, Ha; 0 with fractional occupation or no empty band."""
        return occupations.gap(self.eigenvalues, self.occupations)

    def momentum(self, k: int) -> Array:
        """Cartesian k-point in 1/bohr."""
        return 2 * np.pi * self.kpoints[k] / np.asarray(self.grid.lengths)

    def hamiltonian(self, k: int) -> Hamiltonian:
        """The converged Hamiltonian of a k-point."""
        h = Hamiltonian(self.grid, self.ions.projectors, _offset(self.momentum(k)), self.cutoff)
        h.v_loc = self.v_loc
        return h

    def unfolded(self) -> GroundState:
        """The same with k and -k apart, where time reversal has made them one: under light they differ.

        That holds on the border of the zone too: with an even number of points the plane waves of the grid are not
        symmetric about a k of 1/2, and that point alone would carry a current.
        """
        apart = self.kpoints.any(axis=1)
        mirrored = np.flatnonzero(apart)
        weights = np.where(apart, 0.5, 1.0) * self.weights
        return replace(
            self,
            kpoints=np.concatenate([self.kpoints, -self.kpoints[mirrored]]),
            weights=np.concatenate([weights, weights[mirrored]]),
            eigenvalues=np.concatenate([self.eigenvalues, self.eigenvalues[mirrored]]),
            occupations=np.concatenate([self.occupations, self.occupations[mirrored]]),
            psi=[*self.psi, *(self.psi[k].conj() for k in mirrored)],
        )

    def forces(self) -> Array:
        """Hellmann-Feynman forces (natoms, 3) in Ha/bohr."""
        total = self.ions.ion_ion[1] + self.ions.local_forces(self.density)
        for k, weight in enumerate(self.weights):
            offset = _offset(self.momentum(k))
            total = total + weight * self.ions.projectors.forces(self.psi[k], self.occupations[k], offset)
        return total

    def save(self, group: h5py.Group) -> None:
        """Write into an HDF5 group."""
        from .archive import save

        save(self, group)

    @classmethod
    def load(cls, group: h5py.Group) -> GroundState:
        """Read what `save` wrote."""
        from .archive import load

        return load(group)


def _offset(momentum: Array) -> Array | None:
    return momentum if np.any(momentum) else None


def ground_state(
    atoms: ase.Atoms,
    shape: tuple[int, int, int],
    xc: str = "lda",
    pseudo: Mapping[str, str] | None = None,
    extra_bands: int = 4,
    kpts: tuple[int, int, int] = (1, 1, 1),
    kpt_shift: tuple[float, float, float] = (0.0, 0.0, 0.0),
    smearing: float = 0.0,
    tol: float = 1e-8,
    max_iter: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
    start: GroundState | None = None,
    excited: float = 0.0,
    cutoff: float | None = None,
) -> GroundState:
    """Solve the Kohn-Sham equations self-consistently.

    Parameters
    ----------
    atoms
        Orthorhombic periodic structure (ASE, Angstrom).
    shape
        Grid points along x, y, z.
    xc
        "lda" (Slater + PW92) or "pbe".
    pseudo
        Element -> table name or file of its pseudopotential.
    extra_bands
        Empty bands above the occupied ones.
    kpts, kpt_shift
        Monkhorst-Pack divisions, and shift in units of a division; reduced by time reversal.
    smearing
        Fermi-Dirac width in Ha; 0 for an insulator.
    tol
        Largest density residual, integral |n_out - n_in| per electron.
    max_iter
        Most SCF iterations.
    seed
        Seed of the random starting orbitals.
    progress
        Called as progress(iteration, energy, residual).
    start
        A ground state of the same atoms, bands and number of grid points to start from; the atoms may have moved, the
        cell and the excitation may be others.
    excited
        Electrons in the bands that are empty in an insulator's ground state; these and the holes that they leave have a
        Fermi level each (constrained occupations, as after a pulse when both have thermalised).
    cutoff
        Largest kinetic energy of the orbitals' plane waves in Ha; None for all that the grid holds. With 2/3 of the
        largest wave number, (2/9) (pi/h)^2 for a spacing h, energies hardly depend on where atoms lie between points.

    Raises
    ------
    PseudopotentialError, OccupationError, GridError
        Bad input, before any work.
    ConvergenceError
        ``tol`` not reached within ``max_iter``.

    Examples
    --------
    >>> from ase import Atoms
    >>> h2 = Atoms("H2", [[1.5, 1.5, 1.13], [1.5, 1.5, 1.87]], cell=[3, 3, 3], pbc=True)
    >>> gs = ground_state(h2, (20, 20, 20), extra_bands=1, tol=1e-6)
    >>> gs.electrons, bool(-1.3 < gs.energy["total"] < -1.0)
    (2, True)
    """
    ions = prepare(atoms, shape, xc, pseudo)
    bands = occupations.required_bands(ions.electrons, smearing) + extra_bands
    k_list, weights = kpoints.monkhorst_pack(kpts, kpt_shift)
    loop = _SelfConsistentField(ions, xc, bands, k_list, weights, smearing, excited, cutoff)
    room = min(len(h.waves.kinetic) for h in loop.hamiltonians)
    if bands > room // 4:
        raise GridError(f"{bands} bands do not fit into {room} plane waves: refine the grid or raise the cutoff")
    loop.begin(np.random.default_rng(seed), start)
    return loop.iterate(tol, max_iter, progress)


def follow(
    start: GroundState,
    ions: Ions,
    occupations: Array | None = None,
    tol: float = 1e-8,
    max_iter: int = 100,
) -> GroundState:
    """Solve the Kohn-Sham equations anew from a state: for ions that moved, for electrons that were lifted, or both.

    Parameters
    ----------
    start
        Where to begin.
    ions
        The same atoms, perhaps elsewhere.
    occupations
        (nk, nb), 0..2, of the states of ``start``. They go along with the states that overlap most with those, so
        that the density belongs to these electrons (Delta-SCF). By default the lowest states are occupied.
    tol, max_iter
        As for `ground_state`.

    Returns
    -------
    GroundState
        Its states by rising eigenvalue, its occupations in that order.

    Raises
    ------
    ConvergenceError
        ``tol`` not reached within ``max_iter``.

    Examples
    --------
    >>> from ase import Atoms
    >>> h2 = Atoms("H2", [[1.5, 1.5, 1.13], [1.5, 1.5, 1.87]], cell=[3, 3, 3], pbc=True)
    >>> gs = ground_state(h2, (20, 20, 20), extra_bands=1, tol=1e-6)
    >>> lifted = follow(gs, gs.ions, np.array([[1.0, 1.0]]), tol=1e-6)
    >>> bool(lifted.energy["total"] > gs.energy["total"])
    True
    """
    loop = _SelfConsistentField(
        ions, start.xc, start.eigenvalues.shape[1], start.kpoints, start.weights, start.smearing, cutoff=start.cutoff
    )
    loop.begin(np.random.default_rng(0), start)
    if occupations is not None:
        loop.fixed = (start.psi, occupations)
    return loop.iterate(tol, max_iter, None)


class _SelfConsistentField:
    """The loop density -> potential -> orbitals -> density."""

    def __init__(
        self,
        ions: Ions,
        functional: str,
        bands: int,
        k_list: Array,
        weights: Array,
        smearing: float,
        excited: float = 0.0,
        cutoff: float | None = None,
    ) -> None:
        self.ions, self.functional, self.bands = ions, functional, bands
        self.k_list, self.weights, self.smearing, self.excited = k_list, weights, smearing, excited
        self.cutoff = cutoff
        edges = np.asarray(ions.grid.lengths)
        self.hamiltonians = [
            Hamiltonian(ions.grid, ions.projectors, _offset(2 * np.pi * k / edges), cutoff) for k in k_list
        ]
        self.psi: list[NDArray[Any]] = []
        self.fixed: tuple[list[NDArray[Any]], Array] | None = None  # states, and their occupations
        self.density: Array = np.zeros(ions.grid.shape)

    def begin(self, rng: np.random.Generator, start: GroundState | None) -> None:
        if start is None:
            self.density = self.ions.atomic_density()
            count = self.bands + GUARD_BANDS
            self.psi = [eigensolver.random_orbitals(h, count, rng) for h in self.hamiltonians]
            self._set_potential(self.density)
            for k, h in enumerate(self.hamiltonians):
                self.psi[k] = eigensolver.solve(h, self.psi[k], cycles=3).psi
        else:
            moved = self.ions.atomic_density() - start.ions.atomic_density()
            self.density = np.maximum(start.density + moved, 0.0)
            self.density *= self.ions.electrons / (self.density.sum() * self.ions.grid.dv)
            guards = [eigensolver.random_orbitals(h, GUARD_BANDS, rng) for h in self.hamiltonians]
            self.psi = [np.concatenate([p, g], axis=3) for p, g in zip(start.psi, guards, strict=True)]

    def iterate(self, tol: float, max_iter: int, progress: Progress | None) -> GroundState:
        mixer, history = AndersonMixer(self.ions.grid), []
        for iteration in range(1, max_iter + 1):
            self._set_potential(self.density)
            states = self._diagonalise(expansions=3)
            output = self._output_density()
            residual = float(np.sum(np.abs(output - self.density)) * self.ions.grid.dv) / self.ions.electrons
            energy = self._total_energy(output)
            history.append((energy, residual))
            if progress is not None:
                progress(iteration, energy, residual)
            if residual < tol:
                self._polish(states)
                return self._result(iteration, history)
            self.density = mixer.next(self.density, output - self.density)
        raise ConvergenceError(
            f"the ground state did not converge: density residual {residual:.1e} after {max_iter} iterations, "
            f"{tol:.1e} wanted; raise max_iterations, or give a smearing width if the gap is small"
        )

    def _set_potential(self, density: Array) -> None:
        self.v_loc = self.ions.v_ion + hartree_potential(density, self.ions.grid)
        self.v_loc += xc.evaluate(self.functional, density, self.ions.grid).potential
        for h in self.hamiltonians:
            h.v_loc = self.v_loc

    def _diagonalise(self, expansions: int) -> list[eigensolver.Eigenstates]:
        states = [
            eigensolver.solve(h, psi, expansions)
            for h, psi in zip(self.hamiltonians, self.psi, strict=True)
        ]
        self.psi = [s.psi for s in states]
        self.values = np.array([s.values[: self.bands] for s in states])
        if self.fixed is None:
            self.f, self.fermi_level, self.entropy = occupations.occupy(
                self.values, self.weights, self.ions.electrons, self.smearing, self.excited
            )
        else:
            self.f, self.entropy = self._followed(*self.fixed), 0.0
            self.fermi_level = float(self.values[self.f > OCCUPIED].max())
        return states

    def _followed(self, before: list[NDArray[Any]], f: Array) -> Array:
        """Occupations of other states, given to those here that they went over to."""
        result, dv = np.zeros_like(f), self.ions.grid.dv
        for k, (old, new) in enumerate(zip(before, self._wanted(), strict=True)):
            result[k, occupations.successors(occupations.overlaps(old, new, dv))] = f[k]
        return result

    def _polish(self, states: list[eigensolver.Eigenstates]) -> None:
        """Bring the empty bands, which the density does not feel, to the residual of the others."""
        for _ in range(30):
            worst = max(s.residuals[: self.bands].max() for s in states)
            if worst < EIGENSOLVER_TOLERANCE:
                return
            states = self._diagonalise(expansions=3)
        warnings.warn(
            f"the highest empty bands have a residual of {worst:.1e} Ha: raise extra_bands", stacklevel=4
        )

    def _output_density(self) -> Array:
        n = np.zeros(self.ions.grid.shape)
        for weight, f, psi in zip(self.weights, self.f, self.psi, strict=True):
            n += weight * (np.abs(psi[..., : self.bands]) ** 2 @ f)
        return n

    def _wanted(self) -> list[NDArray[Any]]:
        return [np.ascontiguousarray(psi[..., : self.bands]) for psi in self.psi]

    def _total_energy(self, density: Array) -> float:
        """The total of `_energy`, by the eigenvalues: less work."""
        bands = float(np.sum(self.weights[:, None] * self.f * self.values))
        bands -= float(np.sum(self.v_loc * density) * self.ions.grid.dv)
        return bands + sum(field_energies(self.ions, self.functional, density).values()) + self.entropy

    def _energy(self, density: Array) -> dict[str, float]:
        terms = band_energies(self.hamiltonians, self._wanted(), self.f, self.weights)
        terms |= field_energies(self.ions, self.functional, density)
        terms["entropy"] = self.entropy
        terms["total"] = sum(terms.values())
        return terms

    def _result(self, iterations: int, history: list[tuple[float, float]]) -> GroundState:
        density = self._output_density()
        self._set_potential(density)
        self._diagonalise(expansions=1)
        return GroundState(
            ions=self.ions,
            xc=self.functional,
            kpoints=self.k_list,
            weights=self.weights,
            eigenvalues=self.values,
            occupations=self.f,
            psi=self._wanted(),
            density=self._output_density(),
            v_loc=self.v_loc,
            energy=self._energy(self._output_density()),
            fermi_level=self.fermi_level,
            smearing=self.smearing,
            iterations=iterations,
            history=history,
            cutoff=self.cutoff,
        )

