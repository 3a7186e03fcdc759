"""Coefficients of the pair rotations of ``kin_prop``, rounded so that the norm does not drift.

A rotation by the angle x = tau / 2 h^2 across a bond with the Peierls phase theta has the coefficients

    c = cos x,   beta = i sin x e^{i theta},   c^2 + |beta|^2 = 1.

Rounded to the type of psi they miss 1 by some delta, and since each step repeats the same rotation the norm would
drift by 1e-5 in a thousand steps of single precision.  The rounded numbers are known, hence so is delta, exactly:
c is carried as a sum of two numbers of the type, c + c_low with c_low = -delta / 2c, which costs one more
multiply-add and makes the rotation unitary far below the rounding of psi itself.
"""

from __future__ import annotations

import cmath
import math

import numpy as np

_SPLITTER = 134217729.0  # 2^27 + 1: cuts a double in two halves of 26 bits (Dekker)
_LARGEST = 0.25 * math.pi  # beyond this angle c is small and c_low would turn, not only scale


def norm_bias(c: float, beta: complex) -> float:
    """c^2 + |beta|^2 - 1 of the numbers as they are, without rounding error.

    Examples
    --------
    >>> norm_bias(0.6, 0.8j) == 0.6**2 + 0.8**2 - 1  # the plain sum loses it
    False
    """
    return math.fsum([*_square(c), *_square(beta.real), *_square(beta.imag), -1.0])


def rotations(angle: float, theta: float, single: bool) -> list[tuple[float, float, float, float]]:
    """Rounded coefficients (c, c_low, Re beta, Im beta) of equal rotations that make up one.

    Parameters
    ----------
    angle, theta : float
        Rotation angle and Peierls phase.
    single : bool
        Round to float32, not float64.

    Returns
    -------
    list of tuple
        One rotation for an angle up to pi/4, up to four for a larger one.

    Examples
    --------
    >>> [(c, low, re, im)] = rotations(0.125, 0.0, single=True)
    >>> abs(norm_bias(c, re + 1j * im)) > 1e-9 > 1e-14 > abs((c + low) ** 2 + re**2 + im**2 - 1)
    True
    """
    angle = math.remainder(angle, 2.0 * math.pi)
    parts = max(1, math.ceil(abs(angle) / _LARGEST))
    c, beta = math.cos(angle / parts), 1j * math.sin(angle / parts) * cmath.exp(1j * theta)
    if single:
        c, beta = float(np.float32(c)), complex(np.complex64(beta))
    low = -0.5 * norm_bias(c, beta) / c
    return [(c, float(np.float32(low)) if single else low, beta.real, beta.imag)] * parts


def split_phase(angle: float, single: bool) -> tuple[complex, complex]:
    """The phase e^{-i angle} as an unevaluated sum high + low of two numbers of the type of psi, of modulus 1.

    Examples
    --------
    >>> high, low = split_phase(0.3, single=True)
    >>> abs(abs(high + low) - 1.0) < 1e-14 < abs(abs(high) - 1.0)
    True
    """
    phase = cmath.exp(-1j * angle)
    high = complex(np.complex64(phase)) if single else phase
    low = (phase - high) - 0.5 * norm_bias(0.0, phase) * phase
    return high, complex(np.complex64(low)) if single else low


def _square(x: float) -> tuple[float, float]:
    """x^2 as an unevaluated sum of two doubles."""
    scaled = _SPLITTER * x
    head = scaled - (scaled - x)
    tail = x - head
    high = x * x
    return high, ((head * head - high) + 2.0 * head * tail) + tail * tail
