r"""Unitary operators that differ from the identity on a few directions only.

Given orthonormal blocks Y and X (n columns each, under dv), the operator

.. math:: C = 1 + D\,(D^\dagger Y)^{-1} D^\dagger, \qquad D = X - Y

maps Y onto X exactly, and it is exactly unitary: with :math:`T^{-1} = D^\dagger Y`, unitarity asks for
:math:`T^{-1} + T^{-\dagger} + D^\dagger D = 0`, which is :math:`X^\dagger X = Y^\dagger Y`.  It is the
finite-time form of the low-rank correction :math:`V_c = W M^{-1} W^\dagger`: for
:math:`X = Y - i\tau W` it tends to :math:`1 - i\tau V_c`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
NEGLIGIBLE = 1e-10  # directions of D below this norm are left out


class LowRank(NamedTuple):
    """C = 1 + Q S Q^H dv with Q (ngrid, rank) orthonormal under dv."""

    q: Complex
    s: Complex

    def adjoint(self) -> LowRank:
        """C^H."""
        return LowRank(self.q, self.s.conj().T.copy())

    def largest_phase(self) -> float:
        """Largest |phase| of the eigenvalues of C, rad."""
        return float(np.abs(np.angle(np.linalg.eigvals(self.s + np.eye(len(self.s))))).max(initial=0.0))

    def apply(self, psi: NDArray[Any], dv: float) -> NDArray[Any]:
        """C psi for flat psi (ngrid, n)."""
        return psi + self.q @ (self.s @ (self.q.conj().T @ psi * dv))


def orthonormalise(block: NDArray[Any], dv: float) -> NDArray[Any]:
    """Loewdin's symmetric orthonormalisation: the orthonormal block nearest to the given one."""
    weights, vectors = scipy.linalg.eigh(block.conj().T @ block * dv)
    return block @ (vectors / np.sqrt(weights)) @ vectors.conj().T


def mapping(y: NDArray[Any], x: NDArray[Any], dv: float) -> LowRank:
    """The unitary C = 1 + D (D^H Y)^-1 D^H that takes Y to X.

    Parameters
    ----------
    y, x
        (ngrid, n) orthonormal under dv.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y, x = (np.linalg.qr(rng.standard_normal((9, 3)) + 0j)[0] for _ in range(2))
    >>> c = mapping(y, x, dv=1.0)
    >>> bool(np.allclose(c.apply(y, 1.0), x)), c.q.shape
    (True, (9, 3))
    """
    d = x - y
    weights, vectors = scipy.linalg.eigh(d.conj().T @ d * dv)
    keep = weights > NEGLIGIBLE**2
    norms, vectors = np.sqrt(weights[keep]), vectors[:, keep]
    q = d @ (vectors / norms)
    pivot = q.conj().T @ y @ vectors * dv / norms
    return LowRank(q, _unitary(np.linalg.inv(pivot)))


def rotation(y: NDArray[Any], x: NDArray[Any], dv: float) -> LowRank:
    """The unitary that takes Y to X and leaves alone all that is orthogonal to both (direct rotation).

    Inside span(Y, X) the complement of Y goes to the complement of X by the nearest unitary.

    Parameters
    ----------
    y, x
        (ngrid, n) orthonormal under dv.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y, x = (np.linalg.qr(rng.standard_normal((9, 3)) + 0j)[0] for _ in range(2))
    >>> c = rotation(y, x, dv=1.0)
    >>> bool(np.allclose(c.apply(y, 1.0), x)), c.q.shape
    (True, (9, 6))
    """
    outside = x - y @ (y.conj().T @ x * dv)
    weights, vectors = scipy.linalg.eigh(outside.conj().T @ outside * dv)
    keep = weights > NEGLIGIBLE**2
    q = np.concatenate([y, outside @ (vectors[:, keep] / np.sqrt(weights[keep]))], axis=1)
    target = q.conj().T @ x * dv
    n, size = y.shape[1], q.shape[1]
    rest_y, rest_x = np.eye(size)[:, n:], scipy.linalg.null_space(target.conj().T, rcond=1e-8)
    u, _, vh = scipy.linalg.svd(rest_x.conj().T @ rest_y)
    whole = np.concatenate([target, rest_x @ u @ vh], axis=1)
    return LowRank(q, _unitary(whole.astype(np.complex128) - np.eye(size)))


def _unitary(s: Complex) -> Complex:
    """S such that 1 + S is the unitary matrix nearest to 1 + S (takes out the rounding of the inverse)."""
    u, _, vh = scipy.linalg.svd(s + np.eye(len(s)))
    return np.asarray(u @ vh - np.eye(len(s)))
