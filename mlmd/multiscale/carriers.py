r"""Lifted electrons in the crystal: how many there are, the weight of the excited state, the heat that they leave.

The electrons n of a formula unit fall back at one rate, and the share h of the energy q that an atom took from the
light becomes heat as they do; a sample that takes heat away at a rate, too, keeps

.. math:: n(t) = n_0 e^{-t/\tau}, \qquad
          3 k_B \dot T = h q \frac{e^{-t/\tau}}{\tau} - 3 k_B \frac{T - T_0}{\tau_{loss}},

where 3 k_B is the heat capacity of a classical atom. The weight of the excited network follows from n by
:func:`weight`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ase.units import kB

from .topology import Array

SHARPNESS = 8  # of the bend at w = 1
GONE = 0.01  # fraction of the electrons below which they are taken as gone


def weight(electrons: Array | float, full: float) -> Array:
    """Weight of the excited state, w(x) = x / (1 + x^8)^(1/8) with x = n / n_XS.

    Linear as long as less than half of n_XS is lifted (to 5e-4), never above 1, differentiable everywhere.

    Parameters
    ----------
    electrons : array
        Lifted electrons n >= 0 of a formula unit.
    full : float
        n_XS, of the structures that the excited network was trained on.

    Returns
    -------
    array of the same shape

    Examples
    --------
    >>> weight(np.array([0.0, 0.06, 0.3, 6.0]), 0.6).round(4).tolist()
    [0.0, 0.1, 0.4998, 1.0]
    """
    x = np.asarray(electrons, dtype=float) / full
    return x / (1 + x**SHARPNESS) ** (1 / SHARPNESS)


@dataclass(frozen=True)
class Course:
    """The electrons of a crystal after the light, in time; times in fs, the light comes at 0.

    Parameters
    ----------
    lifetime : float
        tau, of the electrons.
    bath : float
        T_0 in K.
    heat : float
        h q, in eV per atom.
    heat_loss : float
        tau_loss.

    Examples
    --------
    >>> course = Course(lifetime=500.0, bath=50.0, heat=0.01, heat_loss=1000.0)
    >>> course.fraction(0.0), round(course.fraction(500.0), 4), course.fraction(2500.0)
    (1.0, 0.3679, 0.0)
    >>> course.temperature(0.0), round(course.temperature(1000.0), 1)
    (50.0, 68.0)
    """

    lifetime: float
    bath: float
    heat: float = 0.0
    heat_loss: float = 1e4

    def fraction(self, time: float) -> float:
        """Fraction of the electrons that are still there; 0 below one in a hundred."""
        left = math.exp(-time / self.lifetime)
        return left if left >= GONE else 0.0

    def temperature(self, time: float) -> float:
        """Of the lattice in K."""
        slow, fast = 1 / self.heat_loss, 1 / self.lifetime
        rise = self.heat / (3 * kB)
        if math.isclose(slow, fast, rel_tol=1e-9):
            return self.bath + rise * fast * time * math.exp(-fast * time)
        return self.bath + rise * fast * (math.exp(-slow * time) - math.exp(-fast * time)) / (fast - slow)
