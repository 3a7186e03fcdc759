r"""Ehrenfest dynamics: nuclei in the mean field of the electrons, electrons in the field of the nuclei.

The energy T(p) + E(x, psi) is split as Strang does: the electrons go through N QD steps while the nuclei stay, then
the nuclei make one step of an MD integrator while the electrons wait. Its two half kicks take the force of this moment
at the old and at the new places, so that over the N steps between two moves the nuclei get the trapezoidal rule of the
force. Moves are in the middle of an MD step, at (m + 1/2) N steps: at the end of each MD step positions, velocities and
electrons are there for the same time, to second order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..lfd import LFD
from ..qxmd import GroundState, follow
from ..qxmd.occupations import overlaps, successors
from .forces import field, mean_field_forces
from .motion import Nuclei
from .states import agreed, pack, unpack

Array = NDArray[np.float64]


class Coupling(Protocol):
    """How electrons and nuclei tell each other where they are."""

    def force(self, atoms: Atoms) -> Array:
        """Take the electrons along to the atoms if these moved; the forces on them (natoms, 3), Ha/bohr."""

    def state(self) -> dict[str, Any]:
        """What a continued run needs besides the atoms."""

    def restore(self, state: dict[str, Any], atoms: Atoms) -> None:
        """Put the electrons' surroundings back to what they were."""


class MeanField:
    """Exact mode: dv_loc and projectors go in, the force of Hellmann and Feynman with psi(t) comes out.

    Parameters
    ----------
    electrons : LFD
    basis_every : int
        Moves between two renewals of the states that the corrections and occupations are made of.
    """

    def __init__(self, electrons: LFD, basis_every: int = 1) -> None:
        self.electrons, self.ions, self.basis_every = electrons, electrons.ground_state.ions, basis_every
        self.moves = 0

    def force(self, atoms: Atoms) -> Array:
        """See `Coupling`."""
        if not np.array_equal(atoms.positions, self.ions.atoms.positions):
            self.ions = self.ions.moved(atoms.positions)
            self.moves += 1
            self.electrons.move(self.ions, self._states() if self.moves % self.basis_every == 0 else None)
        return mean_field_forces(self.electrons, self.ions)

    def _states(self) -> GroundState:
        basis = self.electrons.ground_state
        return agreed(follow(basis, self.ions, whole(self.electrons.occupations(), basis)), self.electrons.team.ranks)

    def state(self) -> dict[str, Any]:
        """See `Coupling`."""
        return {"moves": self.moves, "basis": pack(self.electrons.ground_state)}

    def restore(self, state: dict[str, Any], atoms: Atoms) -> None:
        """See `Coupling`."""
        self.moves, self.ions = int(state["moves"]), self.ions.moved(atoms.positions)
        self.electrons.move(self.ions, unpack(state["basis"], self.electrons.ground_state))


class Shadow:
    """Shadow mode: dv_loc goes in, the occupations f come out, and QXMD makes the force of states with these.

    Parameters
    ----------
    electrons : LFD
    states : GroundState
        Where they started.
    basis_every : int
        Moves between two renewals of the states that the shadow's correction and occupations are made of.
    """

    def __init__(self, electrons: LFD, states: GroundState, basis_every: int = 1) -> None:
        self.electrons, self.states, self.basis_every = electrons, states, basis_every
        self.moves = 0
        self.order = np.tile(np.arange(states.eigenvalues.shape[1]), (len(states.weights), 1))

    def force(self, atoms: Atoms) -> Array:
        """See `Coupling`."""
        ions, moved = self.states.ions, not np.array_equal(atoms.positions, self.states.ions.atoms.positions)
        if moved:
            ions = ions.moved(atoms.positions)
        before = self.states
        self.states = agreed(follow(before, ions, self._occupations()), self.electrons.team.ranks)
        for k, order in enumerate(self.order):
            after = successors(overlaps(before.psi[k], self.states.psi[k], ions.grid.dv))
            self.order[k] = after[order]
        if moved:
            self._move_electrons()
        return self.states.forces()

    def _occupations(self) -> Array:
        """f of the electrons, in the order of the states here."""
        found, f = self.electrons.occupations(), np.zeros_like(self.states.occupations)
        np.put_along_axis(f, self.order, found, axis=1)
        return whole(f, self.states)

    def _move_electrons(self) -> None:
        self.moves += 1
        renew = self.moves % self.basis_every == 0
        self.electrons.move(self.states.ions, self.states if renew else None)
        if renew:
            self.order[:] = np.arange(self.order.shape[1])

    def state(self) -> dict[str, Any]:
        """See `Coupling`."""
        state = {"states": pack(self.states), "moves": self.moves, "order": self.order.copy()}
        if self.electrons.ground_state.psi[0] is not self.states.psi[0]:
            state["basis"] = pack(self.electrons.ground_state)
        return state

    def restore(self, state: dict[str, Any], atoms: Atoms) -> None:
        """See `Coupling`."""
        self.states = unpack(state["states"], self.states)
        self.moves, self.order = int(state["moves"]), np.array(state["order"])
        basis = unpack(state["basis"], self.states) if "basis" in state else self.states
        self.electrons.move(self.states.ions, basis)


class Ehrenfest:
    """Electrons and nuclei in real time; keeps the promises of `mlmd.engine.Propagator`.

    Parameters
    ----------
    electrons : LFD
        At time 0.
    coupling : Coupling
        `MeanField` or `Shadow` around the same electrons.
    steps_per_md : int
        QD steps in one MD step, even.
    **motion
        Of `motion.Nuclei`: temperature, thermostat, relaxation_time, masses, seed.

    Examples
    --------
    >>> from mlmd.dcmesh.qxmd import ground_state
    >>> from mlmd.laser import NoLaser
    >>> h2 = Atoms("H2", [[1.5, 1.5, 1.13], [1.5, 1.5, 1.87]], cell=[3, 3, 3], pbc=True)
    >>> gs = ground_state(h2, (20, 20, 20), extra_bands=1, tol=1e-6)
    >>> lfd = LFD(gs, 0.05, NoLaser(), mode="exact", backend="reference", hartree="fft")
    >>> whole = Ehrenfest(lfd, MeanField(lfd), steps_per_md=4)
    >>> start = whole.observe()["energy"]["total"]
    >>> whole.advance(20)
    >>> bool(abs(whole.observe()["energy"]["total"] - start) < 1e-5)
    True
    """

    def __init__(self, electrons: LFD, coupling: Coupling, steps_per_md: int, **motion: Any) -> None:
        self.electrons, self.coupling, self.steps_per_md = electrons, coupling, steps_per_md
        self.dt = steps_per_md * electrons.dt
        self.charges = electrons.ground_state.ions.charges
        self.nuclei = Nuclei(electrons.ground_state.atoms, self._force, self.dt, **motion)

    def _force(self, atoms: Atoms) -> Array:
        light = field(self.electrons.laser, self.electrons.time, self.dt)
        return self.coupling.force(atoms) + self.charges[:, None] * light

    @property
    def time(self) -> float:
        """Time in a.u."""
        return self.electrons.time

    @property
    def step_count(self) -> int:
        """QD steps done."""
        return self.electrons.step_count

    def advance(self, steps: int, /) -> None:
        """Some QD steps, with the moves of the nuclei that fall into them; see `LFD.advance`."""
        end = self.step_count + steps
        while self.step_count < end:
            move = next_move(self.step_count, self.steps_per_md)
            self.electrons.advance(min(move, end) - self.step_count)
            if self.step_count == move:
                self.nuclei.move()

    def observe(self) -> dict[str, Any]:
        """As `LFD.observe`, with what `Nuclei.observe` adds; the kinetic energy of the nuclei is part of the total."""
        seen = self.electrons.observe()
        return seen | {"energy": with_nuclei(seen["energy"], self.nuclei)} | self.nuclei.observe()

    def density(self) -> Array:
        """See `LFD.density`."""
        return self.electrons.density()

    def state(self) -> Mapping[str, Any]:
        """All that a bit-for-bit continuation needs."""
        parts = {"electrons": self.electrons.state(), "nuclei": self.nuclei.state()}
        return parts | {"coupling": self.coupling.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        self.nuclei.restore(state["nuclei"])
        if int(state["electrons"]["step_count"]) >= self.steps_per_md // 2:
            self.coupling.restore(state["coupling"], self.nuclei.atoms)
        self.electrons.restore(state["electrons"])

    def flops_per_step(self) -> float:
        """Floating-point operations of one QD step, without moves."""
        return self.electrons.flops_per_step()

    def precision(self) -> Mapping[str, Any]:
        """See `LFD.precision`."""
        return self.electrons.precision()


def whole(f: Array, states: GroundState) -> Array:
    """Occupations (nk, nb) of as many electrons as there are: what has left the span is shared out among the states."""
    return np.asarray(f * (states.electrons / (states.weights @ f.sum(axis=1))))


def next_move(step: int, steps_per_md: int) -> int:
    """The step after which the nuclei move next: the next odd multiple of half an MD step.

    Examples
    --------
    >>> [next_move(step, 10) for step in (0, 4, 5, 14, 15)]
    [5, 5, 15, 15, 25]
    """
    half = steps_per_md // 2
    return (step + half) // steps_per_md * steps_per_md + half


def with_nuclei(energy: Mapping[str, float], nuclei: Nuclei) -> dict[str, float]:
    """Terms of the energy with the kinetic energy of the nuclei among them."""
    return {**energy, "nuclei": nuclei.kinetic_energy, "total": energy["total"] + nuclei.kinetic_energy}
