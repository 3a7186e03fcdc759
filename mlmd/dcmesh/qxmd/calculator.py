"""QXMD as an ASE calculator: energies in eV, lengths in Angstrom, as everywhere in ASE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.units import Bohr, Hartree

from .ground_state import GroundState, Progress, ground_state


class QXMD(Calculator):
    """Kohn-Sham ground state for ASE.

    Parameters
    ----------
    shape
        Grid points along x, y, z.
    xc
        "lda" or "pbe".
    pseudo
        Element -> pseudopotential name or file.
    extra_bands
        Empty bands.
    kpts, kpt_shift
        Monkhorst-Pack divisions and shift.
    smearing
        Fermi-Dirac width, eV.
    excited
        Electrons lifted across the gap, see :func:`ground_state`.
    cutoff
        Largest kinetic energy of plane waves, eV; None for all of the grid, see :func:`ground_state`.
    tol, max_iter
        Convergence of the density, per electron, and most iterations.
    progress
        Called as progress(iteration, energy in Ha, residual).

    Examples
    --------
    >>> atoms = Atoms("H2", [[1.5, 1.5, 1.13], [1.5, 1.5, 1.87]], cell=[3, 3, 3], pbc=True)
    >>> atoms.calc = QXMD(shape=(20, 20, 20), extra_bands=1, tol=1e-6)
    >>> bool(-36 < atoms.get_potential_energy() < -25), atoms.get_forces().shape
    (True, (2, 3))
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces"]

    def __init__(
        self,
        shape: tuple[int, int, int],
        xc: str = "lda",
        pseudo: Mapping[str, str] | None = None,
        extra_bands: int = 4,
        kpts: tuple[int, int, int] = (1, 1, 1),
        kpt_shift: tuple[float, float, float] = (0.0, 0.0, 0.0),
        smearing: float = 0.0,
        excited: float = 0.0,
        tol: float = 1e-8,
        max_iter: int = 100,
        progress: Progress | None = None,
        cutoff: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.settings: dict[str, Any] = {
            "shape": shape,
            "xc": xc,
            "pseudo": pseudo,
            "extra_bands": extra_bands,
            "kpts": kpts,
            "kpt_shift": kpt_shift,
            "smearing": smearing / Hartree,
            "excited": excited,
            "tol": tol,
            "max_iter": max_iter,
            "progress": progress,
            "cutoff": None if cutoff is None else cutoff / Hartree,
        }
        self.ground_state: GroundState | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Solve for the atoms; starts from the last ground state if these are still the same atoms."""
        super().calculate(atoms, list(properties), list(system_changes))
        same_atoms = self.ground_state is not None and set(system_changes) <= {"positions", "cell"}
        start = self.ground_state if same_atoms else None
        self.ground_state = ground_state(self.atoms, start=start, **self.settings)
        terms = self.ground_state.energy
        self.results = {
            # "energy" is the zero-width extrapolation, "free_energy" belongs to the forces.
            "energy": (terms["total"] - 0.5 * terms["entropy"]) * Hartree,
            "free_energy": terms["total"] * Hartree,
            "forces": self.ground_state.forces() * Hartree / Bohr,
        }
