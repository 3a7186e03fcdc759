"""Cells of the wave that are filled with electrons: in each one domain of LFD, driven by the A of its cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...backends import PlanError
from ..errors import DecompositionError
from ..lfd import LFD
from ..parallel import ALONE, Line
from .wave import Array


class CellField:
    """The vector potential of one cell as the light of its domain: a parabola through three steps of the wave.

    Parameters
    ----------
    frequency : float
        Carrier frequency of the pulse that comes in, hartree; domains judge their time step by it.

    Examples
    --------
    >>> light = CellField(0.1)
    >>> light.follow(1.0, 0.5, np.array([0.0, 0, 1]), np.array([0.0, 0, 4]), np.array([0.0, 0, 9]))
    >>> light.A(1.25).tolist()
    [0.0, 0.0, 6.25]
    """

    duration = np.inf

    def __init__(self, frequency: float) -> None:
        self.frequency = frequency
        self._start, self._step = 0.0, 1.0
        self._value, self._slope, self._bend = np.zeros(3), np.zeros(3), np.zeros(3)

    def follow(self, time: float, step: float, before: Array, now: Array, after: Array) -> None:
        """Take the values at ``time - step``, ``time`` and ``time + step``."""
        self._start, self._step = time, step
        self._value, self._slope, self._bend = now, 0.5 * (after - before), 0.5 * (after - 2.0 * now + before)

    def A(self, t: float) -> Array:
        """Vector potential at time t."""
        x = (t - self._start) / self._step
        return self._value + x * (self._slope + x * self._bend)


class Domains:
    """A medium of domains that know of each other through the light alone.

    Parameters
    ----------
    make : callable
        ``make(light)`` gives an `LFD` under that light; called once for each cell.
    cells : int
    steps : int
        Steps of LFD in one of the wave.
    frequency : float
        Carrier frequency of the pulse, hartree.
    line : Line
        The ranks that share out the domains; all methods are then called on all of them alike.

    Raises
    ------
    PlanError
        If there is nothing to make, or LFD would not step.
    DecompositionError
        If there are more ranks than domains.
    """

    def __init__(
        self,
        make: Callable[[CellField], LFD],
        cells: int,
        steps: int,
        frequency: float,
        line: Line = ALONE.domains,
    ) -> None:
        if cells < 1 or steps < 1:
            raise PlanError(f"cells is {cells} and steps {steps}; give 1 or more of each")
        self.steps = steps
        if cells < line.size:
            raise DecompositionError(f"{cells} domains cannot be shared out among {line.size} ranks; start fewer")
        self._cells, self._line, self._own = cells, line, line.block(cells)
        self.light = [CellField(frequency) for _ in range(cells)[self._own]]
        self.domains: Sequence[LFD] = [make(light) for light in self.light]

    @property
    def cells(self) -> int:
        """How many there are on all ranks."""
        return self._cells

    @property
    def dt(self) -> float:
        """The step of the wave that fits, a.u."""
        return self.steps * self.domains[0].dt

    def current(self) -> Array:
        """Charge current densities now: electrons carry -1."""
        return -self._gathered([domain.observe()["J"] for domain in self.domains], (3,))

    def advance(self, before: Array, now: Array, after: Array) -> None:
        """Let each domain take its steps under the A of its cell."""
        for cell, light, domain in zip(range(self._cells)[self._own], self.light, self.domains, strict=True):
            light.follow(domain.time, self.dt, before[cell], now[cell], after[cell])
            domain.advance(self.steps)

    def excited(self) -> Array:
        """Excited electrons of each domain."""
        return self._gathered([domain.observe()["n_exc"] for domain in self.domains], ())

    def _gathered(self, own: Sequence[Any], shape: tuple[int, ...]) -> Array:
        """Numbers of all domains, from those of this rank's."""
        everywhere = np.zeros((self._cells, *shape))
        everywhere[self._own] = own
        return self._line.sum(everywhere)
