"""Cells of the wave that are filled with electrons: in each one domain of LFD, driven by the A of its cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ...backends import PlanError
from ...errors import NumericsError
from ..errors import DecompositionError
from ..lfd import LFD
from ..parallel import ALONE, Line
from .wave import Array

Answer = TypeVar("Answer")


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

    def state(self) -> dict[str, Any]:
        """Everything that a continued run needs."""
        parabola = np.array([self._value, self._slope, self._bend])
        return {"start": self._start, "step": self._step, "parabola": parabola}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` gave, bit for bit."""
        self._start, self._step = float(state["start"]), float(state["step"])
        self._value, self._slope, self._bend = np.array(state["parabola"])


class Domains:
    """A medium of domains that know of each other through the light alone.

    They start from the same ground state, and share all that stays as it is. Ranks may share them out: then all methods
    are called on all ranks alike, and give the same on each.

    Parameters
    ----------
    make : callable
        ``make(light)`` gives an `LFD` under that light; called once, the other domains are its twins.
    cells : int
    steps : int
        Steps of LFD in one of the wave.
    frequency : float
        Carrier frequency of the pulse, hartree.
    line : Line
        The ranks that share out the domains.

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
        if cells < line.size:
            raise DecompositionError(f"{cells} domains cannot be shared out among {line.size} ranks; start fewer")
        self.cells, self.steps, self._line = cells, steps, line
        self._own = range(cells)[line.block(cells)]
        self.light = [CellField(frequency) for _ in self._own]
        first = make(self.light[0])
        self.domains: Sequence[LFD] = [first, *(first.twin(light) for light in self.light[1:])]
        self._start = float(first.observe()["energy"]["total"])
        self._j = self._currents()

    @property
    def dt(self) -> float:
        """The step of the wave that fits, a.u."""
        return self.steps * self.domains[0].dt

    @property
    def time(self) -> float:
        """Time in a.u."""
        return self.domains[0].time

    @property
    def step_count(self) -> int:
        """Steps of LFD that were taken."""
        return self.domains[0].step_count

    def current(self) -> Array:
        """Charge current densities now, (cells, 3): electrons carry -1."""
        return self._j

    def advance(self, before: Array, now: Array, after: Array) -> None:
        """Let each domain take its steps under the A of its cell.

        Raises
        ------
        NumericsError
            The orbitals of a domain are no longer finite; all ranks raise it.
        """

        j, failures = np.zeros((self.cells, 3)), []
        for cell, light, domain in zip(self._own, self.light, self.domains, strict=True):
            light.follow(domain.time, self.dt, before[cell], now[cell], after[cell])
            try:
                domain.advance(self.steps)
                j[cell] = -domain.current()
            except NumericsError as error:
                failures.append(f"domain {cell + 1} of {self.cells}: {error}")
                j[cell] = np.nan  # so that all ranks see it
        self._j = self._line.sum(j)
        if not np.isfinite(self._j).all():
            raise NumericsError(self._line.collect(failures)[0])

    def observe(self) -> dict[str, Any]:
        """What `LFD.observe` tells, as arrays (cells, ...); the terms of the energy too."""
        rows = self._each(lambda cell, light, domain: domain.observe())
        columns: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "energy"}
        columns["energy"] = {term: np.array([row["energy"][term] for row in rows]) for term in rows[0]["energy"]}
        return columns

    def gained(self, energies: Array) -> Array:
        """Energies per volume that the domains have gained since the start (cells,), of their total energies now."""
        return (energies - self._start) / self.domains[0].grid.volume

    def excited(self) -> Array:
        """Excited electrons of each domain."""
        return np.asarray(self.observe()["n_exc"])

    def density(self, cell: int) -> Any:
        """Electron density of one domain; see `LFD.density`."""
        own = [self.domains[self._own.index(cell)].density()] if cell in self._own else []
        return self._line.collect(own)[0]

    def state(self) -> dict[str, Any]:
        """Everything that a continued run needs, domain by domain."""
        states = self._each(lambda cell, light, domain: {"light": light.state(), "electrons": domain.state()})
        return {f"domain_{cell}": state for cell, state in enumerate(states)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` gave, bit for bit."""

        def take(cell: int, light: CellField, domain: LFD) -> None:
            light.restore(state[f"domain_{cell}"]["light"])
            domain.restore(state[f"domain_{cell}"]["electrons"])

        self._each(take)
        self._j = self._currents()

    def flops_per_step(self) -> int:
        """Floating-point operations of one step of all domains."""
        return self.cells * self.domains[0].flops_per_step()

    def _currents(self) -> Array:
        return -np.array(self._each(lambda cell, light, domain: domain.current()))

    def _each(self, ask: Callable[[int, CellField, LFD], Answer]) -> list[Answer]:
        """Ask every domain in its turn, and hear what all of them say."""
        here = zip(self._own, self.light, self.domains, strict=True)
        return self._line.collect([ask(cell, light, domain) for cell, light, domain in here])
