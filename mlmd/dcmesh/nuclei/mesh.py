r"""MESH: Ehrenfest dynamics under the light, surface hopping once the electrons have lost their phases, in one run.

The switch comes a dephasing time after the end of the light, at the end of an MD step.  Each electron's orbital is
projected on the states of QXMD: these are its amplitudes, and their squares the chances of its active state.  The
nuclei pay for the difference between the energy of the configuration and that of the mean field; one that they cannot
pay for is drawn again.

Without a dephasing time given, it is that of the gap between the highest occupied and the lowest empty level along the
way so far, by the second cumulant of its fluctuation (see E. R. Bittner and P. J. Rossky, J. Chem. Phys. 103, 8130
(1995)):

.. math:: D(t) = \exp\Big(-\int_0^t dt' \int_0^{t'} dt''\,
          \langle\delta\varepsilon(t'')\,\delta\varepsilon(0)\rangle\Big).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid

from ..lfd import LFD
from ..qxmd import GroundState, follow
from ..qxmd.occupations import overlaps
from .ehrenfest import Ehrenfest, Shadow
from .hopping import SurfaceHopping
from .motion import pack_random, unpack_random

Array = NDArray[np.float64]
Make = Callable[[GroundState, NDArray[np.intp]], SurfaceHopping]
DRAWS = 100
FEWEST = 4  # gaps that make a correlation function


def dephasing_time(gaps: Array, dt: float) -> float:
    """When D(t) of the module's docstring has come down to 1/e, a.u.; infinite if it has not.

    Parameters
    ----------
    gaps : (times,) float64
        Ha, dt apart.
    dt : float

    Examples
    --------
    A slow fluctuation of variance s^2 dephases as exp(-(s t)^2 / 2), which is 1/e at sqrt(2) / s:

    >>> gaps = 0.3 + 0.02 * np.sqrt(2) * np.cos(2 * np.pi * np.arange(20_000) / 5000)
    >>> bool(abs(dephasing_time(gaps, 1.0) * 0.02 / np.sqrt(2) - 1) < 0.01)
    True
    """
    if len(gaps) < FEWEST:
        return float("inf")
    change = gaps - gaps.mean()
    lags = len(gaps) // 2
    correlation = np.array([np.mean(change[: len(change) - lag] * change[lag:]) for lag in range(lags)])
    exponent = cumulative_trapezoid(cumulative_trapezoid(correlation, dx=dt, initial=0.0), dx=dt, initial=0.0)
    past = np.flatnonzero(exponent >= 1.0)
    if not len(past):
        return float("inf")
    return float(np.interp(1.0, exponent[past[0] - 1 : past[0] + 1], dt * np.array([past[0] - 1, past[0]])))


class Mesh:
    """Keeps the promises of `mlmd.engine.Propagator`.

    Parameters
    ----------
    first : Ehrenfest
        The whole at time 0.
    hopping : callable
        ``hopping(states, active)`` makes the second part.
    dephasing : float or None
        Time from the end of the light to the switch, a.u.; None to estimate it, which takes `Shadow` in ``first``.
    seed : int
        Of the draw of the active states.
    """

    def __init__(self, first: Ehrenfest, hopping: Make, dephasing: float | None, seed: int = 0) -> None:
        self.first, self.hopping, self.dephasing = first, hopping, dephasing
        self.rng = np.random.default_rng([seed, 2])
        self.second: SurfaceHopping | None = None
        self.gaps: list[float] = []

    @property
    def _now(self) -> Ehrenfest | SurfaceHopping:
        return self.second or self.first

    @property
    def time(self) -> float:
        """Time in a.u."""
        return self._now.time

    @property
    def step_count(self) -> int:
        """QD steps done."""
        return self._now.step_count

    def advance(self, steps: int, /) -> None:
        """Some QD steps; looks at the end of each MD step whether it is time to switch."""
        end, md = self.step_count + steps, self.first.steps_per_md
        while self.step_count < end:
            if self.second is not None:
                self.second.advance(end - self.step_count)
                return
            self.first.advance(min((self.step_count // md + 1) * md, end) - self.step_count)
            if self.step_count % md == 0:
                self._look()

    def _look(self) -> None:
        since = self.time - self.first.electrons.laser.duration
        if self.dephasing is None and isinstance(self.first.coupling, Shadow):
            self.gaps.append(self.first.coupling.states.gap)
        waiting = self.dephasing if self.dephasing is not None else dephasing_time(np.array(self.gaps), self.first.dt)
        if since >= waiting:
            self._switch()

    def _switch(self) -> None:
        """Go over to surface hopping at the energy and the velocities that are there."""
        energy = self.first.observe()["energy"]["total"]
        start = self.first.electrons.ground_state
        states = follow(start, start.ions.moved(self.first.nuclei.atoms.positions))
        c = amplitudes(self.first.electrons, states)
        lowest = np.tile(np.arange(states.electrons // 2), 2)
        for _ in range(DRAWS):
            if self._begin(c, draw(c, self.rng), states, energy):
                return
        self._begin(c, lowest, states, energy)

    def _begin(self, c: NDArray[np.complex128], active: NDArray[np.intp], states: GroundState, energy: float) -> bool:
        """Make the second part with electrons on these states, if the nuclei can pay; tells whether they can."""
        second = self.hopping(states, active)
        second.nuclei.restore(self.first.nuclei.state())
        second.c, second.step_count = c, self.first.step_count
        momenta = second.nuclei.masses * second.nuclei.velocities.reshape(1, -1)
        if second.pay(second.potential_energy + second.nuclei.kinetic_energy - energy, momenta):
            self.second = second
            return True
        return False

    def observe(self) -> dict[str, Any]:
        """As `SurfaceHopping.observe`; before the switch the active states are -1."""
        seen = self._now.observe()
        if self.second is None:
            seen |= {"active": np.full(self.first.electrons.electrons, -1), "hops": 0, "frustrated": 0}
        return seen | {"energy": common_terms(seen["energy"])}

    def density(self) -> Array:
        """Electron density (nx, ny, nz)."""
        return self._now.density()

    def state(self) -> Mapping[str, Any]:
        """All that a bit-for-bit continuation needs."""
        own = {"gaps": np.array(self.gaps), "switched": int(self.second is not None), "random": pack_random(self.rng)}
        return own | {"part": self._now.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        self.gaps = [float(gap) for gap in state["gaps"]]
        if state["switched"]:
            states = self.first.electrons.ground_state
            self.second = self.hopping(states, np.tile(np.arange(states.electrons // 2), 2))
        self._now.restore(state["part"])
        unpack_random(self.rng, state["random"])

    def flops_per_step(self) -> float:
        """See `LFD.flops_per_step`; zero after the switch."""
        return self._now.flops_per_step()

    def precision(self) -> Mapping[str, Any]:
        """See `LFD.precision`."""
        return self.first.precision()


def amplitudes(electrons: LFD, states: GroundState) -> NDArray[np.complex128]:
    """<state|orbital> of each electron, (electrons, bands), of norm 1; first those of one spin, then of the other."""
    psi = electrons.arrays.asnumpy(electrons.psi[0])
    c = overlaps(states.psi[0], psi, states.grid.dv).T
    c = c / np.linalg.norm(c, axis=1)[:, None]
    return np.concatenate([c, c])


def draw(c: NDArray[np.complex128], rng: np.random.Generator) -> NDArray[np.intp]:
    """States (electrons,) drawn by |c|^2, one electron of each spin in a state at most.

    Examples
    --------
    >>> draw(np.eye(4, dtype=complex)[[0, 2, 0, 1]], np.random.default_rng(0)).tolist()
    [0, 2, 0, 1]
    """
    active: list[int] = []
    for spin in np.split(np.abs(c) ** 2, 2):
        free = np.ones(spin.shape[1])
        for chances in spin:
            weight = np.maximum(chances, np.finfo(float).tiny) * free
            active.append(int(rng.choice(len(free), p=weight / weight.sum())))
            free[active[-1]] = 0.0
    return np.array(active)


def common_terms(energy: Mapping[str, float]) -> dict[str, float]:
    """Terms that both parts of a run have: kinetic and nonlocal energy of the electrons as one."""
    one = ("kinetic", "nonlocal", "correction")
    others = {name: value for name, value in energy.items() if name not in one}
    return {"kinetic_and_nonlocal": sum(energy.get(name, 0.0) for name in one)} | others
