"""Occupation of Kohn-Sham states: fixed (insulator) or Fermi-Dirac."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, linear_sum_assignment
from scipy.special import expit, xlogy

from ..errors import OccupationError

Array = NDArray[np.float64]


def required_bands(electrons: int, smearing: float) -> int:
    """Number of bands that hold the electrons, two in each.

    Raises
    ------
    OccupationError
        An odd number of electrons without smearing.
    """
    if electrons % 2 and smearing <= 0.0:
        raise OccupationError(
            f"{electrons} electrons are an odd number: a spin-paired insulator needs an even one; "
            "give a smearing width (for example smearing = \"0.1 eV\")"
        )
    return (electrons + 1) // 2


def occupy(
    values: Array, weights: Array, electrons: int, smearing: float, excited: float = 0.0
) -> tuple[Array, float, float]:
    """Occupations for eigenvalues.

    Parameters
    ----------
    values
        (nk, nb) eigenvalues, Ha.
    weights
        (nk,) k-point weights, sum 1.
    electrons
        Electrons in the cell.
    smearing
        Fermi-Dirac width in Ha; 0 fills the lowest bands of each k-point.
    excited
        Electrons lifted from the ``electrons / 2`` lowest bands into the others, each group in equilibrium with a Fermi
        level of its own.

    Returns
    -------
    occupations, fermi_level, entropy_term
        (nk, nb) in 0..2, Ha (of the holes, where electrons are lifted), and -T S in Ha.

    Raises
    ------
    OccupationError
        Too few bands, or lifted electrons without smearing, of an odd number, or more than there are.
    """
    filled = electrons // 2
    if excited:
        _check_excited(electrons, smearing, excited)
        lower = _fermi_dirac(values[:, :filled], weights, electrons - excited, smearing)
        upper = _fermi_dirac(values[:, filled:], weights, excited, smearing)
        return np.concatenate([lower[0], upper[0]], axis=1), lower[1], lower[2] + upper[2]
    if smearing <= 0.0:
        occupations = np.zeros_like(values)
        occupations[:, :filled] = 2.0
        return occupations, float(values[:, :filled].max()), 0.0
    return _fermi_dirac(values, weights, electrons, smearing)


def _check_excited(electrons: int, smearing: float, excited: float) -> None:
    if electrons % 2 or not 0 < excited < electrons:
        raise OccupationError(f"{excited:g} of {electrons} electrons cannot be lifted: give fewer, of an even number")
    if smearing <= 0:
        raise OccupationError('lifted electrons need a smearing width (for example smearing = "0.1 eV")')


def _fermi_dirac(values: Array, weights: Array, electrons: float, smearing: float) -> tuple[Array, float, float]:
    """Occupations, level and -T S of electrons in equilibrium among some bands."""

    def surplus(level: float) -> float:
        return float(np.sum(weights[:, None] * 2 * expit((level - values) / smearing)) - electrons)

    if 2 * values.shape[1] < electrons:
        raise OccupationError(f"{values.shape[1]} bands cannot hold {electrons:g} electrons: raise extra_bands")
    width = 40 * smearing + 1.0
    level = brentq(surplus, values.min() - width, values.max() + width, xtol=1e-14)
    f = expit((level - values) / smearing)
    entropy = 2 * smearing * float(np.sum(weights[:, None] * (xlogy(f, f) + xlogy(1 - f, 1 - f))))
    return 2 * f, float(level), entropy


def gap(values: Array, occupations: Array) -> float:
    """Lowest empty minus highest occupied eigenvalue, Ha; 0 where they overlap or no band is empty.

    Examples
    --------
    >>> gap(np.array([[-0.5, 0.25]]), np.array([[2.0, 0.0]]))
    0.75
    """
    filled, empty = occupations > 1.0, occupations < 1.0
    return max(0.0, float(values[empty].min() - values[filled].max())) if empty.any() else 0.0


def overlaps(before: NDArray[Any], after: NDArray[Any], dv: float) -> NDArray[Any]:
    """<before_i|after_j>, (n, m), of orbitals (nx, ny, nz, n) and (nx, ny, nz, m)."""
    size = before.shape[0] * before.shape[1] * before.shape[2]
    return np.asarray(before.reshape(size, -1).conj().T @ after.reshape(size, -1) * dv)


def successors(overlap: NDArray[Any]) -> NDArray[np.intp]:
    """Which state each one became: the pairing of the largest sum of squared overlaps.

    Parameters
    ----------
    overlap
        (n, n) <before_i|after_j>.

    Returns
    -------
    (n,) int
        Index j for each i.

    Examples
    --------
    Two states that crossed:

    >>> successors(np.array([[0.1, 0.99, 0.0], [-0.99, 0.1, 0.0], [0.0, 0.0, 1.0]])).tolist()
    [1, 0, 2]
    """
    return np.asarray(linear_sum_assignment(np.abs(overlap) ** 2, maximize=True)[1])
