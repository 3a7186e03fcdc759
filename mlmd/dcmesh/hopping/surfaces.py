"""Adiabatic states along trajectories: energies, their gradients and the couplings between them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Surfaces(NamedTuple):
    """What a model tells of its states at some geometries, atomic units.

    Attributes
    ----------
    energies : (geometries, states)
    gradients : (geometries, states, coordinates)
        Of the energies.
    couplings : (geometries, states, states, coordinates)
        d_ij = <i| d/dx j>, real and antisymmetric in the states.
    vectors : (geometries, states, states)
        The states as columns in a basis that does not depend on the geometry: what fixes their signs.
    """

    energies: Array
    gradients: Array
    couplings: Array
    vectors: Array


class Diabatic(Protocol):
    """A model given by its matrix in a fixed basis."""

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """The matrix (geometries, states, states), real, and its gradient (geometries, coordinates, states, states)."""


def adiabatic(model: Diabatic, x: Array, before: Array | None = None) -> Surfaces:
    """The eigenstates of a diabatic model.

    Parameters
    ----------
    model : Diabatic
    x : (geometries, coordinates) float64
    before : (geometries, states, states) float64, optional
        The states of the step before, whose signs are kept.

    Returns
    -------
    Surfaces

    Examples
    --------
    >>> from mlmd.dcmesh.hopping.tully import simple_crossing
    >>> found = adiabatic(simple_crossing, np.zeros((1, 1)))
    >>> found.energies.round(6).tolist()
    [[-0.005, 0.005]]
    """
    matrix, slope = model(x)
    energies, vectors = np.linalg.eigh(matrix)
    if before is not None:
        overlap = np.einsum("bai,bai->bi", before, vectors)
        vectors = vectors * np.where(overlap < 0.0, -1.0, 1.0)[:, None, :]
    moved = np.einsum("bai,bxac,bcj->bijx", vectors, slope, vectors)
    gradients = np.einsum("biix->bix", moved)
    gaps = energies[:, None, :] - energies[:, :, None]
    np.einsum("bii->bi", gaps)[...] = np.inf
    return Surfaces(energies, gradients.copy(), moved / gaps[..., None], vectors)
