r"""Exchange and correlation, spin-unpolarised: LDA (Slater + PW92) and PBE.

Sources: J. P. Perdew, Y. Wang, Phys. Rev. B 45, 13244 (1992);
J. P. Perdew, K. Burke, M. Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import fourier
from ..grid import Grid

Array = NDArray[np.float64]
FUNCTIONALS = ("lda", "pbe")
DENSITY_FLOOR = 1e-14

KAPPA, MU, BETA = 0.804, 0.2195149727645171, 0.06672455060314922
GAMMA = (1 - np.log(2)) / np.pi**2
PW92_A, PW92_ALPHA = 0.0310907, 0.21370
PW92_BETA = (7.5957, 3.5876, 1.6382, 0.49294)


@dataclass(frozen=True)
class XC:
    """Exchange-correlation of one density: energies in Ha, potential in Ha."""

    exchange: float
    correlation: float
    potential: Array


def evaluate(name: str, n: Array, grid: Grid) -> XC:
    """Energy and potential of a density.

    Parameters
    ----------
    name
        "lda" or "pbe".
    n
        Density on the grid, electrons/bohr^3; values below 1e-14 count as vacuum.
    grid
        The grid of ``n``.
    """
    if name == "lda":
        return _lda(n, grid.dv)
    if name == "pbe":
        return _pbe(n, grid)
    raise ValueError(f"functional '{name}' is not known: use one of {', '.join(FUNCTIONALS)}")


def lda_potential(n: Array) -> Array:
    """Exchange-correlation potential v_xc = d(n e_xc)/dn of LDA, Ha."""
    rs = _rs(np.maximum(n, DENSITY_FLOOR))
    ec, dec = pw92(rs)
    return np.where(n > DENSITY_FLOOR, 4 / 3 * _slater(rs) + ec - rs / 3 * dec, 0.0)


def _lda(n: Array, dv: float) -> XC:
    safe = np.maximum(n, DENSITY_FLOOR)
    rs = _rs(safe)
    inside = np.where(n > DENSITY_FLOOR, n, 0.0)
    exchange = float(np.sum(inside * _slater(rs)) * dv)
    correlation = float(np.sum(inside * pw92(rs)[0]) * dv)
    return XC(exchange, correlation, lda_potential(n))


def _rs(n: Any) -> Any:
    return (3 / (4 * np.pi * n)) ** (1 / 3)


def _slater(rs: Any) -> Any:
    """Exchange energy per electron -(3/4)(9/4 pi^2)^(1/3)/rs."""
    return -0.75 * (9 / (4 * np.pi**2)) ** (1 / 3) / rs


def pw92(rs: Any) -> tuple[Any, Any]:
    """Correlation energy per electron of the unpolarised gas and its derivative by rs (PW92, eq. 10).

    Examples
    --------
    The published value at rs = 2 is -0.0448 Ha:

    >>> round(float(pw92(np.array(2.0))[0]), 4)
    -0.0448
    """
    b1, b2, b3, b4 = PW92_BETA
    root = np.sqrt(rs)
    q0 = -2 * PW92_A * (1 + PW92_ALPHA * rs)
    q1 = 2 * PW92_A * (b1 * root + b2 * rs + b3 * rs * root + b4 * rs**2)
    dq1 = PW92_A * (b1 / root + 2 * b2 + 3 * b3 * root + 4 * b4 * rs)
    log = np.log(1 + 1 / q1)
    return q0 * log, -2 * PW92_A * PW92_ALPHA * log - q0 * dq1 / (q1**2 + q1)


def _pbe_exchange(n: Any, sigma: Any) -> Any:
    """Exchange energy density n e_x F_x(s)."""
    kf = (3 * np.pi**2 * n) ** (1 / 3)
    s2 = sigma / (2 * kf * n) ** 2
    enhancement = 1 + KAPPA - KAPPA / (1 + MU * s2 / KAPPA)
    return n * _slater(_rs(n)) * enhancement


def _pbe_correlation(n: Any, sigma: Any) -> Any:
    """Correlation energy density n (e_c + H)."""
    ec, _ = pw92(_rs(n))
    ks2 = 4 * (3 * n / np.pi) ** (1 / 3)
    t2 = sigma / (4 * ks2 * n**2)
    a = BETA / GAMMA / np.expm1(-ec / GAMMA)
    ratio = (1 + a * t2) / (1 + a * t2 + (a * t2) ** 2)
    return n * (ec + GAMMA * np.log1p(BETA / GAMMA * t2 * ratio))


def _pbe(n: Array, grid: Grid) -> XC:
    gradient = _gradient(n, grid)
    sigma = sum(g**2 for g in gradient)
    mask = n > DENSITY_FLOOR
    safe_n, safe_sigma = np.where(mask, n, 1.0), np.where(mask, sigma, 0.0)
    ex, vx_n, vx_s = _derivatives(_pbe_exchange, safe_n, safe_sigma)
    ec, vc_n, vc_s = _derivatives(_pbe_correlation, safe_n, safe_sigma)
    flux = np.where(mask, 2 * (vx_s + vc_s), 0.0)
    potential = np.where(mask, vx_n + vc_n, 0.0) - _divergence([flux * g for g in gradient], grid)
    return XC(float(ex[mask].sum() * grid.dv), float(ec[mask].sum() * grid.dv), potential)


def _derivatives(energy: Any, n: Array, sigma: Array) -> tuple[Array, Array, Array]:
    """Value and first derivatives by complex step, exact to rounding."""
    step_n, step_s = 1e-30 * n, 1e-30 * (sigma + n**2)
    by_n = energy(n + 1j * step_n, sigma).imag / step_n
    by_sigma = energy(n, sigma + 1j * step_s).imag / step_s
    return energy(n, sigma), by_n, by_sigma


def _gradient(field: Array, grid: Grid) -> list[Array]:
    spectrum = fourier.forward(field)
    return [
        fourier.backward(1j * g * spectrum, grid.shape, real=True) for g in grid.gradient_vectors(half=True)
    ]


def _divergence(fields: list[Array], grid: Grid) -> Array:
    total = sum(
        1j * g * fourier.forward(f) for g, f in zip(grid.gradient_vectors(half=True), fields, strict=True)
    )
    return fourier.backward(total, grid.shape, real=True)
