"""Trajectories of fewest-switches surface hopping: classical nuclei, each on one state of its electrons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...backends import PlanError
from .amplitudes import Complex, decohere, propagate
from .hops import FRUSTRATED, chosen, paid
from .surfaces import Array, Surfaces

States = Callable[[Array, Array | None], Surfaces]
DIRECTIONS = ("coupling", "velocity")


@dataclass(frozen=True)
class Hopping:
    """Rules of a hop.

    Parameters
    ----------
    direction : str
        Along which velocities pay for a hop: ``"coupling"``, or ``"velocity"``, which scales them all alike.
    frustrated : str
        What a hop that cannot be paid for does to the velocity along the coupling: ``"keep"`` or ``"reverse"``.
    decoherence : float or None
        C of `decohere`, hartree; None for amplitudes that stay coherent.

    Raises
    ------
    PlanError
        For other values.
    """

    direction: str = "coupling"
    frustrated: str = "keep"
    decoherence: float | None = 0.1

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise PlanError(f"direction is {self.direction!r}; give one of {', '.join(DIRECTIONS)}")
        if self.frustrated not in FRUSTRATED:
            raise PlanError(f"frustrated is {self.frustrated!r}; give one of {', '.join(FRUSTRATED)}")
        if self.decoherence is not None and not self.decoherence > 0.0:
            raise PlanError(f"decoherence is {self.decoherence}; give an energy above zero, or None")


class Trajectories:
    """A swarm of trajectories, none of which knows of the others.

    Parameters
    ----------
    states : callable
        ``states(x, vectors)`` gives the `Surfaces` at x, with the signs of the vectors of the step before.
    x, v : (trajectories, coordinates) float64
        Where they start, bohr and atomic units of velocity.
    mass : (coordinates,) float64
        Electron masses.
    active : int
        The state that they start on.
    rules : Hopping
    seed : int

    Raises
    ------
    PlanError
        If shapes do not fit, or there is no such state.

    Examples
    --------
    >>> from mlmd.dcmesh.hopping.surfaces import adiabatic
    >>> from mlmd.dcmesh.hopping.tully import MASS, simple_crossing
    >>> swarm = Trajectories(
    ...     lambda x, before: adiabatic(simple_crossing, x, before),
    ...     np.full((4, 1), -5.0), np.full((4, 1), 20.0 / MASS), np.array([MASS]), active=0,
    ... )
    >>> energy = swarm.energies()
    >>> for _ in range(500):
    ...     swarm.advance(2.0)
    >>> bool(np.allclose(swarm.energies(), energy, atol=1e-5)), bool(np.allclose(np.linalg.norm(swarm.c, axis=1), 1))
    (True, True)
    """

    def __init__(
        self,
        states: States,
        x: Array,
        v: Array,
        mass: Array,
        active: int = 0,
        rules: Hopping | None = None,
        seed: int = 0,
    ) -> None:
        self.x, self.v, self.mass = np.array(x, float), np.array(v, float), np.asarray(mass, float)
        if self.x.ndim != 2 or self.x.shape != self.v.shape or self.mass.shape != self.x.shape[1:]:
            raise PlanError(
                f"x, v and mass have shapes {self.x.shape}, {self.v.shape}, {self.mass.shape}; "
                "give (trajectories, coordinates) twice, and (coordinates,)"
            )
        self.states, self.rules = states, rules or Hopping()
        self.random = np.random.default_rng(seed)
        self.surfaces = states(self.x, None)
        count, levels = self.surfaces.energies.shape
        if not 0 <= active < levels:
            raise PlanError(f"active is {active}; there are states 0 to {levels - 1}")
        self.active: NDArray[np.intp] = np.full(count, active)
        self.c: Complex = np.zeros((count, levels), complex)
        self.c[:, active] = 1.0
        self.hops = self.frustrated = 0

    def kinetic(self) -> Array:
        """Kinetic energies, (trajectories,) hartree."""
        return 0.5 * np.sum(self.mass * self.v**2, axis=1)

    def energies(self) -> Array:
        """Kinetic energies and those of the active states, (trajectories,) hartree; a hop conserves them."""
        return self.kinetic() + self._of_active(self.surfaces.energies)

    def advance(self, dt: float, parts: int = 5) -> None:
        """One step of the nuclei (velocity Verlet) with the electrons in some parts; then hops, then decoherence."""
        before, T_before = self.surfaces, self._couplings()
        self.v -= 0.5 * dt * self._of_active(before.gradients) / self.mass
        self.x += dt * self.v
        self.surfaces = self.states(self.x, before.vectors)
        self.v -= 0.5 * dt * self._of_active(self.surfaces.gradients) / self.mass
        energies = (before.energies, self.surfaces.energies)
        self.c, chances = propagate(self.c, self.active, energies, (T_before, self._couplings()), dt, parts)
        self._hop(chances)
        if self.rules.decoherence is not None:
            fade = (self.surfaces.energies, self.kinetic(), dt, self.rules.decoherence)
            self.c = decohere(self.c, self.active, *fade)

    def leave(self, gone: NDArray[np.bool_]) -> None:
        """Go on without some of the trajectories."""
        stay = ~gone
        self.x, self.v, self.c, self.active = self.x[stay], self.v[stay], self.c[stay], self.active[stay]
        self.surfaces = Surfaces(*(field[stay] for field in self.surfaces))

    def _of_active(self, field: Array) -> Array:
        return field[np.arange(len(self.active)), self.active]

    def _couplings(self) -> Array:
        return np.einsum("bx,bijx->bij", self.v, self.surfaces.couplings)

    def _hop(self, chances: Array) -> None:
        wanted = chosen(chances, self.active, self.random.random(len(self.active)))
        who = np.flatnonzero(wanted != self.active)
        if not len(who):
            return
        start, end, E = self.active[who], wanted[who], self.surfaces.energies[who]
        rows = np.arange(len(who))
        along = self.surfaces.couplings[who, start, end]
        if self.rules.direction == "velocity":
            along = self.mass * self.v[who]
        cost = E[rows, end] - E[rows, start]
        self.v[who], happened = paid(self.v[who], along, self.mass, cost, self.rules.frustrated)
        self.active[who[happened]] = end[happened]
        self.hops += int(happened.sum())
        self.frustrated += int((~happened).sum())
