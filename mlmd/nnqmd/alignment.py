"""Total energy alignment: data sets of several fidelities on one scale.

Energies of two methods differ by an energy per atom of each element, which holds the inner electrons and the zero of
the pseudopotentials and is as large as it is meaningless, and by what the methods make of a bond. The first is removed
by the energies of isolated atoms (inner-core alignment), the second by an affine map of the atomisation energy,
fitted on structures that both data sets hold:

    D = E - sum_i N_i e_i                                 (atomisation energy, per method)
    E' = sum_i N_i e_i(target) + s D(source) + b N        (N atoms; forces and stress are multiplied by s)

The idea is that of Shiota et al., arXiv:2412.13088.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import ase
import numpy as np
from scipy.spatial import cKDTree

from ..errors import MlmdError
from .dataset import Frames, composition, labelled, labels
from .evaluation import rms

Fit = Literal["energies", "forces"]
SAME_PLACE = 1e-3  # Angstrom: what a file with few digits leaves of equal positions


class AlignmentError(MlmdError):
    """Two data sets that cannot be aligned."""


@dataclass(frozen=True)
class Alignment:
    """Affine map of a source's energies, forces and stress onto those of a target.

    Parameters
    ----------
    source, target : dict
        Energies of the isolated atoms by the two methods, symbol -> eV.
    scale : float
        Factor `s` of atomisation energies, forces and stress.
    shift : float
        `b` in eV per atom.
    scale_error, shift_error : float
        Their standard errors.

    Examples
    --------
    >>> alignment = Alignment({"H": -13.6}, {"H": -13.0}, scale=0.9, shift=0.01)
    >>> molecule = labelled(ase.Atoms("H2", [[0, 0, 0], [0, 0, 0.8]]), energy=-31.7, forces=[[0, 0, -1], [0, 0, 1]])
    >>> aligned = alignment.apply(molecule)
    >>> print(round(aligned.get_potential_energy(), 3), aligned.get_forces()[1, 2])
    -30.03 0.9
    """

    source: dict[str, float]
    target: dict[str, float]
    scale: float = 1.0
    shift: float = 0.0
    scale_error: float = 0.0
    shift_error: float = 0.0

    def apply(self, frame: ase.Atoms) -> ase.Atoms:
        """Copy of a structure of the source with labels on the scale of the target.

        Parameters
        ----------
        frame : ase.Atoms
            Structure with labels of the source.

        Returns
        -------
        ase.Atoms
            With labels of the target.

        Raises
        ------
        AlignmentError
            An element whose isolated-atom energies are not known.
        """
        results = labels(frame)
        atomisation = atomisation_energies([frame], self.source)[0]
        atoms = float(composition([frame], list(self.target))[0] @ np.array(list(self.target.values())))
        results["energy"] = atoms + self.scale * atomisation + self.shift * len(frame)
        for name in ("forces", "stress"):
            if name in results:
                results[name] = self.scale * np.asarray(results[name])
        return labelled(frame, **results)


def inner_core(source: dict[str, float], target: dict[str, float], elements: Sequence[str]) -> Alignment:
    """Alignment by the energies of isolated atoms alone: scale 1, shift 0.

    Parameters
    ----------
    source, target : dict
        Energies of isolated atoms, symbol -> eV.
    elements : sequence of str
        Those that are needed.

    Returns
    -------
    Alignment

    Raises
    ------
    AlignmentError
        An element that is missing.

    Examples
    --------
    >>> inner_core({"H": -13.6}, {}, ["H"])
    Traceback (most recent call last):
        ...
    mlmd.nnqmd.alignment.AlignmentError: the target has no energy of an isolated H atom; add one of each element
    """
    for name, energies in (("source", source), ("target", target)):
        missing = [symbol for symbol in elements if symbol not in energies]
        if missing:
            raise AlignmentError(f"the {name} has no energy of an isolated {missing[0]} atom; add one of each element")
    return Alignment({s: source[s] for s in elements}, {s: target[s] for s in elements})


def atomisation_energies(frames: Sequence[ase.Atoms], isolated: dict[str, float]) -> np.ndarray:
    """Energies less those of the isolated atoms.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Labelled structures.
    isolated : dict
        Symbol -> eV.

    Returns
    -------
    ndarray of float64, (frames,)
        In eV, negative where the atoms are bound.

    Raises
    ------
    AlignmentError
        An element that ``isolated`` lacks.

    Examples
    --------
    >>> float(atomisation_energies([labelled(ase.Atoms("H2"), energy=-31.7)], {"H": -13.6})[0].round(3))
    -4.5
    """
    unknown = {symbol for frame in frames for symbol in frame.get_chemical_symbols()} - set(isolated)
    if unknown:
        raise AlignmentError(f"no energy of an isolated {sorted(unknown)[0]} atom is known")
    energies = np.array([labels(frame)["energy"] for frame in frames], dtype=float)
    return energies - composition(frames, list(isolated)) @ np.array(list(isolated.values()))


def common_structures(source: Frames, target: Frames, tolerance: float = SAME_PLACE) -> list[tuple[int, int]]:
    """Pairs of structures that both data sets hold: same atoms in the same order, places and cell.

    Parameters
    ----------
    source, target : list of ase.Atoms
        Structures; single atoms are no common structures.
    tolerance : float
        Largest distance of an atom, in Angstrom.

    Returns
    -------
    list of (int, int)
        Indices in the source and in the target, in the order of the source.

    Examples
    --------
    >>> water, hydrogen = ase.Atoms("H2O", [[0, 0, 0], [1.5, 0, 0], [0.7, 0.6, 0]]), ase.Atoms("H2")
    >>> common_structures([hydrogen, water], [water])
    [(1, 0)]
    """
    pairs = []
    for key, places in _by_atoms(target).items():
        candidates = _by_atoms(source).get(key, [])
        if not candidates or len(key) == 1:
            continue
        tree = cKDTree([_coordinates(target[j]) for j in places])
        distances, nearest = tree.query([_coordinates(source[i]) for i in candidates], p=np.inf)
        pairs += [(i, places[j]) for i, j, d in zip(candidates, nearest, distances, strict=True) if d <= tolerance]
    return sorted(pairs)


def _by_atoms(frames: Frames) -> dict[tuple[int, ...], list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, frame in enumerate(frames):
        groups.setdefault(tuple(frame.numbers), []).append(index)
    return groups


def _coordinates(frame: ase.Atoms) -> np.ndarray:
    return np.concatenate([frame.positions.ravel(), frame.cell.array.ravel()])


def fit(
    aligned: Alignment, source: Sequence[ase.Atoms], target: Sequence[ase.Atoms], by: Fit = "energies"
) -> Alignment:
    """Fit scale and shift on common structures.

    Least squares of the atomisation energies per atom, D(target)/N = s D(source)/N + b; with ``by="forces"`` the
    scale is that of the forces, s = sum F(source).F(target) / sum F(source)^2, and only b that of the energies.

    Parameters
    ----------
    aligned : Alignment
        The inner-core alignment (:func:`inner_core`).
    source, target : sequence of ase.Atoms
        The common structures, pair by pair.
    by : {"energies", "forces"}
        What the scale is fitted to.

    Returns
    -------
    Alignment
        With standard errors.

    Raises
    ------
    AlignmentError
        Fewer than three pairs, energies too alike to tell a scale, missing forces.

    Examples
    --------
    >>> isolated = inner_core({"H": 0.0}, {"H": 1.0}, ["H"])
    >>> low = [labelled(ase.Atoms("H2"), energy=e) for e in (-4.0, -3.0, -1.0)]
    >>> high = [labelled(ase.Atoms("H2"), energy=2 + 0.9 * e + 0.2) for e in (-4.0, -3.0, -1.0)]
    >>> found = fit(isolated, low, high)
    >>> round(found.scale, 6), round(found.shift, 6)
    (0.9, 0.1)
    """
    if len(source) < 3:
        raise AlignmentError(
            f"the data sets have {len(source)} structures in common; compute at least 3 of one with the other method"
        )
    size = np.array([len(frame) for frame in source], dtype=float)
    x = atomisation_energies(source, aligned.source) / size
    y = atomisation_energies(target, aligned.target) / size
    if by == "forces":
        scale, scale_error = _scale_of_forces(source, target)
        rest = y - scale * x
        shift, shift_error = (
            float(rest.mean()),
            float(np.hypot(rest.std(ddof=1) / len(x) ** 0.5, x.mean() * scale_error)),
        )
    else:
        if np.ptp(x) < 1e-9 * max(1.0, np.abs(x).max()):
            raise AlignmentError("the common structures all have one energy; add others, or scale by forces")
        (scale, shift), covariance = np.polyfit(x, y, 1, cov="unscaled")
        spread = float(np.sum((y - scale * x - shift) ** 2)) / (len(x) - 2)
        scale_error, shift_error = (float(e) for e in np.sqrt(np.diag(covariance) * spread))
    return Alignment(aligned.source, aligned.target, float(scale), float(shift), scale_error, shift_error)


def _scale_of_forces(source: Sequence[ase.Atoms], target: Sequence[ase.Atoms]) -> tuple[float, float]:
    if any("forces" not in labels(frame) for frame in (*source, *target)):
        raise AlignmentError("a common structure has no forces; fit the scale to the energies")
    x, y = (np.concatenate([np.ravel(labels(frame)["forces"]) for frame in frames]) for frames in (source, target))
    square = float(x @ x)
    if square == 0:
        raise AlignmentError("the forces of the common structures are all zero; fit the scale to the energies")
    scale = float(x @ y) / square
    return scale, float(np.sqrt(np.sum((y - scale * x) ** 2) / (len(x) - 1) / square))


@dataclass(frozen=True)
class Residual:
    """How far two sets of labels lie apart: root mean squares, energies in eV/atom, forces in eV/Angstrom or None."""

    energy: float
    forces: float | None


def residual(frames: Sequence[ase.Atoms], target: Sequence[ase.Atoms]) -> Residual:
    """Root-mean-square differences of the labels of the same structures.

    Parameters
    ----------
    frames, target : sequence of ase.Atoms
        Pair by pair.

    Returns
    -------
    Residual

    Examples
    --------
    >>> a, b = labelled(ase.Atoms("H2"), energy=-31.0), labelled(ase.Atoms("H2"), energy=-31.2)
    >>> round(residual([a], [b]).energy, 3)
    0.1
    """
    first, second = ([labels(frame) for frame in set_] for set_ in (frames, target))
    energy = [(a["energy"] - b["energy"]) / len(f) for a, b, f in zip(first, second, frames, strict=True)]
    if any("forces" not in results for results in (*first, *second)):
        return Residual(rms(np.array(energy)), None)
    forces = [np.ravel(a["forces"] - b["forces"]) for a, b in zip(first, second, strict=True)]
    return Residual(rms(np.array(energy)), rms(np.concatenate(forces)))


def left_out(aligned: Alignment, source: Sequence[ase.Atoms], target: Sequence[ase.Atoms], by: Fit) -> Residual:
    """Residual of each common structure under the fit to all others (leave one out).

    Parameters
    ----------
    aligned, source, target, by
        As of :func:`fit`; at least four pairs.

    Returns
    -------
    Residual
        What to expect on structures that are not common.

    Examples
    --------
    >>> isolated = inner_core({"H": 0.0}, {"H": 1.0}, ["H"])
    >>> low = [labelled(ase.Atoms("H2"), energy=e) for e in (-4.0, -3.0, -2.0, -1.0)]
    >>> high = [labelled(ase.Atoms("H2"), energy=2 + 0.9 * e) for e in (-4.0, -3.0, -2.0, -1.0)]
    >>> round(left_out(isolated, low, high, "energies").energy, 9)
    0.0
    """
    found = []
    for k, frame in enumerate(source):
        others = [index for index in range(len(source)) if index != k]
        map_ = fit(aligned, [source[i] for i in others], [target[i] for i in others], by)
        found.append(residual([map_.apply(frame)], [target[k]]))
    forces = [r.forces for r in found if r.forces is not None]
    return Residual(rms(np.array([r.energy for r in found])), rms(np.array(forces)) if forces else None)
