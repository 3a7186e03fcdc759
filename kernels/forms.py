"""Small sums over overlaps O = psi0^H psi of orbitals, on the host or on the device where the overlaps are."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from ..backends import Arrays, Device


def hermitian_form(arrays: Arrays, O: Any, M: Any) -> Any:
    """Re sum_kl conj(O_ks) M_kl O_ls for each orbital s.

    Parameters
    ----------
    arrays : Arrays
        Where O and M are.
    O : (rank, norb) complex128
    M : (rank, rank) complex128

    Returns
    -------
    (norb,) float64, an array of the backend

    Examples
    --------
    >>> from mlmd.backends import HOST
    >>> hermitian_form(HOST, np.array([[1.0 + 0j], [1j]]), np.diag([2.0 + 0j, 3.0])).tolist()
    [5.0]
    """
    if isinstance(arrays, Device):
        return _on_device("hermitian_form", arrays, O, M, out=(O.shape[1],))
    return np.real(np.sum(O.conj() * (M @ O), axis=0))


def weighted_squares(arrays: Arrays, O: Any, w: Any) -> Any:
    """sum_s w_s |O_ks|^2 for each k.

    Parameters
    ----------
    arrays : Arrays
        Where O and w are.
    O : (rank, norb) complex128
    w : (norb,) float64

    Returns
    -------
    (rank,) float64, an array of the backend

    Examples
    --------
    >>> from mlmd.backends import HOST
    >>> weighted_squares(HOST, np.array([[1.0 + 0j, 2j]]), np.array([2.0, 0.5])).tolist()
    [4.0]
    """
    if isinstance(arrays, Device):
        return _on_device("weighted_squares", arrays, O, w, out=(O.shape[0],))
    return np.abs(O) ** 2 @ w


def column_norms(arrays: Arrays, psi: Any, dv: float) -> Any:
    """<psi_s|psi_s> of each orbital, summed in double precision.

    Parameters
    ----------
    arrays : Arrays
        Where psi is.
    psi : (points, norb) complex64 or complex128
    dv : float
        Volume of a grid point, bohr^3.

    Returns
    -------
    (norb,) float64, an array of the backend

    Examples
    --------
    >>> from mlmd.backends import HOST
    >>> column_norms(HOST, np.array([[3.0, 1j], [4.0, 0.0]], np.complex64), 0.5).tolist()
    [12.5, 0.5]
    """
    if isinstance(arrays, Device):
        return _on_device("column_norms", arrays, psi, dv, out=(psi.shape[1],))
    wide = psi.astype(np.complex128)
    return np.sum(wide.real**2 + wide.imag**2, axis=0) * dv


def diagonal_phases(arrays: Arrays, S: Any, sigma: Any, a: Any, factor: float) -> None:
    """S <- diag(exp(-i factor a sigma)) - 1, in place.

    Parameters
    ----------
    arrays : Arrays
        Where the other arguments are.
    S : (rank, rank) complex128
        Zero outside its diagonal, and left so.
    sigma : (rank,) float64
    a : (1,) float64
    factor : float

    Examples
    --------
    >>> from mlmd.backends import HOST
    >>> S = np.zeros((1, 1), complex)
    >>> diagonal_phases(HOST, S, np.array([np.pi]), np.array([2.0]), 0.5)
    >>> S.round(12).tolist()
    [[(-2-0j)]]
    """
    if isinstance(arrays, Device):
        import_module("mlmd.kernels.device.nlp_middle").nlp_middle(arrays, S, sigma, a, factor)
    else:
        np.fill_diagonal(S, np.expm1(-1j * factor * a[0] * sigma))


def _on_device(name: str, device: Device, *arguments: Any, out: tuple[int, ...]) -> Any:
    made = device.empty(out, np.float64)
    getattr(import_module("mlmd.kernels.device.forms"), name)(device, *arguments, made)
    return made
