"""Surface hopping on Kohn-Sham states: each electron on one state at a time, nuclei on the energy that belongs to it.

An electron has amplitudes on all states of QXMD, which follow the couplings of the moving nuclei, and an active state.
The active states of all electrons are the configuration: its self-consistent energy (Delta-SCF) moves the nuclei. By
the fewest switches an electron hops to another state unless one of its spin is there; the nuclei pay for the difference
of the energies of the two configurations, or the hop is frustrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..hopping import Hopping, chosen, decohere, paid, propagate
from ..qxmd import GroundState
from .adiabatic import couplings, followed, occupied
from .ehrenfest import next_move, with_nuclei
from .forces import transition_forces
from .motion import Nuclei, pack_random, unpack_random
from .states import pack, unpack

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


class SurfaceHopping:
    """Keeps the promises of `mlmd.engine.Propagator`.

    Parameters
    ----------
    states : GroundState
        At Gamma, two electrons in each occupied state.
    dt : float
        QD step, a.u.
    steps_per_md : int
        QD steps in one MD step: parts in which the amplitudes go from one move to the next.
    active : (electrons,) int, optional
        States of the electrons, first those of one spin, then of the other; by default the lowest.
    rules : Hopping, optional
    seed : int
        Of the hops.
    **motion
        Of `motion.Nuclei`.

    Examples
    --------
    Hydrogen with one electron lifted:

    >>> from mlmd.dcmesh.qxmd import ground_state
    >>> h2 = Atoms("H2", [[1.5, 1.5, 1.13], [1.5, 1.5, 1.87]], cell=[3, 3, 3], pbc=True)
    >>> gs = ground_state(h2, (20, 20, 20), extra_bands=1, tol=1e-6)
    >>> lifted = SurfaceHopping(gs, 0.1, 20, active=np.array([0, 1]))
    >>> start = lifted.observe()["energy"]["total"]
    >>> lifted.advance(60)
    >>> bool(abs(lifted.observe()["energy"]["total"] - start) < 1e-4)
    True
    """

    def __init__(
        self,
        states: GroundState,
        dt: float,
        steps_per_md: int,
        active: NDArray[np.intp] | None = None,
        rules: Hopping | None = None,
        seed: int = 0,
        **motion: Any,
    ) -> None:
        self.bands = states.eigenvalues.shape[1]
        self.lowest = np.tile(np.arange(states.electrons // 2), 2)
        self.active = self.lowest.copy() if active is None else np.array(active)
        self.c: Complex = np.eye(self.bands, dtype=complex)[self.active]
        self.states = followed(states, states.ions, occupied(self.active, self.bands))
        self.qd, self.steps_per_md, self.dt = dt, steps_per_md, dt * steps_per_md
        self.rules, self.rng = rules or Hopping(), np.random.default_rng([seed, 1])
        self.nuclei = Nuclei(states.atoms, self._force, self.dt, seed=seed, **motion)
        self.step_count = self.hops = self.frustrated = 0

    @property
    def time(self) -> float:
        """Time in a.u."""
        return self.step_count * self.qd

    @property
    def potential_energy(self) -> float:
        """Energy of the configuration, Ha."""
        return self.states.energy["total"]

    def _force(self, atoms: Atoms) -> Array:
        if not np.array_equal(atoms.positions, self.states.atoms.positions):
            occupations = occupied(self.active, self.bands)
            self.states = followed(self.states, self.states.ions.moved(atoms.positions), occupations)
        return self.states.forces()

    def advance(self, steps: int, /) -> None:
        """Some QD steps; all happens at the moves of the nuclei that fall into them."""
        end = self.step_count + steps
        while self.step_count < end:
            move = next_move(self.step_count, self.steps_per_md)
            self.step_count = min(move, end)
            if self.step_count == move:
                self._move()

    def _move(self) -> None:
        before = self.states
        self.nuclei.move()
        T = np.broadcast_to(couplings(before, self.states, self.dt), (len(self.c), self.bands, self.bands))
        energies = tuple(np.broadcast_to(s.eigenvalues, self.c.shape) for s in (before, self.states))
        self.c, chances = propagate(self.c, self.active, (energies[0], energies[1]), (T, T), self.dt, self.steps_per_md)
        wanted = chosen(chances * self._open(), self.active, self.rng.random(len(self.c)))
        for electron in np.flatnonzero(wanted != self.active):
            self._try(int(electron), int(wanted[electron]))
        if self.rules.decoherence is not None:
            kinetic = np.full(len(self.c), self.nuclei.kinetic_energy)
            levels = np.broadcast_to(self.states.eigenvalues, self.c.shape)
            self.c = decohere(self.c, self.active, levels, kinetic, self.dt, self.rules.decoherence)

    def _open(self) -> Array:
        """(electrons, bands): 0 where another electron of the same spin is."""
        spins = np.split(self.active, 2)
        free = np.ones((2, self.bands))
        for spin, there in enumerate(spins):
            free[spin, there] = 0.0
        return np.repeat(free, len(spins[0]), axis=0)

    def _try(self, electron: int, to: int) -> None:
        """A hop, if nobody came first and the velocities can pay for it."""
        if not self._open()[electron, to]:
            return
        start, active = int(self.active[electron]), self.active.copy()
        active[electron] = to
        after = followed(self.states, self.states.ions, occupied(active, self.bands))
        along = self.nuclei.masses[None] * self.nuclei.velocities.reshape(1, -1)
        if self.rules.direction == "coupling":
            along = transition_forces(self.states, start, to).reshape(1, -1)
        if self.pay(after.energy["total"] - self.potential_energy, along):
            self.active, self.states = active, after
            self.hops += 1
        else:
            self.frustrated += 1

    def pay(self, cost: float, along: Array) -> bool:
        """Take an energy (Ha) from the velocities along a direction (1, 3 natoms); tells whether they have it."""
        v = self.nuclei.velocities
        paying = (v.reshape(1, -1), along, self.nuclei.masses, np.array([cost]), self.rules.frustrated)
        left, happened = paid(*paying)
        self.nuclei.velocities = left.reshape(v.shape)
        return bool(happened[0])

    def observe(self) -> dict[str, Any]:
        """What a run records; there is no light and no current, and occupations are those of the configuration."""
        excited = [np.sum(~np.isin(there, self.lowest)) for there in np.split(self.active, 2)]
        return {
            "n_exc": float(sum(excited)),
            "f": occupied(self.active, self.bands),
            "J": np.zeros(3),
            "A": np.zeros(3),
            "polarization": np.zeros(3),
            "energy": with_nuclei(self.states.energy, self.nuclei),
            "norm": float(np.abs(np.linalg.norm(self.c, axis=1) - 1.0).max()),
            "active": self.active.copy(),
            "hops": self.hops,
            "frustrated": self.frustrated,
        } | self.nuclei.observe()

    def density(self) -> Array:
        """Electron density of the configuration (nx, ny, nz)."""
        return self.states.density

    def state(self) -> Mapping[str, Any]:
        """All that a bit-for-bit continuation needs."""
        return {
            "nuclei": self.nuclei.state(),
            "states": pack(self.states),
            "c": self.c,
            "active": self.active,
            "random": pack_random(self.rng),
            "counts": np.array([self.step_count, self.hops, self.frustrated]),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        self.nuclei.restore(state["nuclei"])
        self.states = unpack(state["states"], self.states)
        self.c, self.active = np.array(state["c"]), np.array(state["active"])
        unpack_random(self.rng, state["random"])
        self.step_count, self.hops, self.frustrated = (int(n) for n in state["counts"])

    def flops_per_step(self) -> float:
        """Zero: the orbitals are not propagated."""
        return 0.0

    def precision(self) -> Mapping[str, Any]:
        """QXMD knows one precision."""
        return {"levels": {"state": "fp64"}}
