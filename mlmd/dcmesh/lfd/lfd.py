r"""Real-time propagation of the Kohn-Sham orbitals of one cell under light.

The local half phases stand outside, the kinetic and nonlocal parts inside:

.. math:: \psi(t+dt) = e^{-i\frac{dt}{2}v(t+dt)}\; U(dt; A(t+\tfrac{dt}{2}))\; e^{-i\frac{dt}{2}v(t)}\; \psi(t)

The last factor changes no density, so v(t + dt) is known from the density before it acts: the step is
self-consistent, explicit, and returns to its start when dt changes sign.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Device, Graph, Traffic
from ...laser import Laser
from ..errors import DecompositionError
from ..parallel import ALONE, Team
from ..precision import Levels, complete
from ..qxmd.cell import Ions
from ..qxmd.ground_state import GroundState
from .checks import check_choice, check_device, check_finite, check_team, check_time_step
from .device_potential import DevicePotential
from .exact import ExactPropagator
from .observables import Measured, measure, occupations
from .options import Options
from .potential import HARTREE_METHODS, Potential
from .shadow import ShadowPropagator
from .slab import make_share

Array = NDArray[np.float64]
MODES = ("shadow", "exact")
OCCUPIED = 1e-10  # orbitals with fewer electrons are not propagated


class LFD:
    """Orbitals of one cell in motion.

    Parameters
    ----------
    ground_state
        Where the electrons start.
    dt
        Time step, a.u.
    laser
        The light.
    mode
        "shadow" (fast: finite differences with low-rank correction) or "exact" (spectral, full projectors).
    precision
        "fp64" or "fp32", or levels by subproblem, such as ``{"state": "fp32", "velocity": "bf16x1"}``, see
        `mlmd.dcmesh.precision`.
    backend
        Kernel backend.
    hartree
        "multigrid", "dsa" or "fft".
    threads
        Threads of each kernel; None for all.
    scissor
        Energy added to the empty states of the shadow mode, Ha.
    team
        The ranks that share out the orbitals; all methods but `time` are then called on all of them alike, and give
        the same on each.

    Raises
    ------
    DecompositionError
        There are more ranks than occupied bands or pairs of planes, or the team is more than one rank and the mode or
        the backend is one of those that cannot be shared out.
    TimeStepError
        dt is not positive, or so long that dt (T_max + v_max - v_min) exceeds 2 pi, T_max = 2/hx^2 + 2/hy^2 + 2/hz^2:
        then states at both ends of the spectrum get the same phase, and the split step mixes them; or the light
        turns by more than 1/2 rad in it.

    Examples
    --------
    >>> from ase import Atoms
    >>> from mlmd.dcmesh.qxmd import ground_state
    >>> from mlmd.laser import DeltaKick
    >>> h2 = Atoms("H2", [[1.5, 1.5, 1.13], [1.5, 1.5, 1.87]], cell=[3, 3, 3], pbc=True)
    >>> gs = ground_state(h2, (20, 20, 20), extra_bands=1, tol=1e-6)
    >>> lfd = LFD(gs, dt=0.05, laser=DeltaKick(0.01), backend="reference")
    >>> lfd.advance(2)
    >>> bool(lfd.observe()["n_exc"] < 1e-3)
    True
    """

    def __init__(
        self,
        ground_state: GroundState,
        dt: float,
        laser: Laser,
        mode: str = "shadow",
        precision: str | Levels = "fp64",
        backend: str = "cpu",
        hartree: str = "multigrid",
        threads: int | None = None,
        scissor: float = 0.0,
        team: Team = ALONE,
    ) -> None:
        check_choice("mode", mode, MODES)
        check_choice("hartree", hartree, HARTREE_METHODS)
        self.ground_state, self.grid, self.dt, self.laser = ground_state, ground_state.grid, dt, laser
        self.mode, self.levels, self.scissor = mode, complete(precision, mode, hartree), scissor
        self.options = Options(backend, self.levels, threads)
        self.arrays = self.options.arrays
        self.team = team
        check_device(self.arrays, mode, ground_state.xc)
        check_team(self.arrays, mode, team)
        self._check_time_step()
        self.step_count = 0
        self.polarization = np.zeros(3)
        self._start_orbitals()
        self._make_plans(hartree)
        self._measured: Measured | None = None
        # Multigrid reads a residual in each cycle: such a step cannot be captured.
        self._captures = isinstance(self.arrays, Device) and hartree == "dsa"
        self._graphs: dict[tuple[float, tuple[tuple[bool, ...], ...]], Graph | None] = {}
        self._last_current = self._measure().current

    @property
    def time(self) -> float:
        """Time in a.u."""
        return self.step_count * self.dt

    @property
    def electrons(self) -> int:
        """Electrons in the cell."""
        return self.ground_state.electrons

    def _check_time_step(self) -> None:
        v = self.ground_state.v_loc
        check_time_step(self.dt, self.grid.spacing, self.laser, float(v.max() - v.min()))

    def _start_orbitals(self) -> None:
        gs, line = self.ground_state, self.team.bands
        weights = gs.weights[:, None] * gs.occupations
        occupied = [np.flatnonzero(w > OCCUPIED) for w in weights]
        if (fewest := min(map(len, occupied))) < line.size:
            raise DecompositionError(f"{fewest} occupied bands cannot be shared out among {line.size} ranks")
        self._places = [(len(bands), line.block(len(bands))) for bands in occupied]
        own = [bands[place] for bands, (_, place) in zip(occupied, self._places, strict=True)]
        self.weights = [w[bands] for w, bands in zip(weights, own, strict=True)]
        self.f = [self.arrays.asarray(w) for w in self.weights]
        self._shares = [
            make_share(self.grid, psi, bands, self.options, self.team.space)
            for psi, bands in zip(gs.psi, own, strict=True)
        ]
        self.psi = [share.psi for share in self._shares]

    def _make_plans(self, hartree: str) -> None:
        self._density = [share.density() for share in self._shares]
        self._phase = [share.phase(self.dt) for share in self._shares]
        self._make_middle()
        self._n = [self.arrays.empty(share.shape, np.float64) for share in self._shares]
        self._make_potential(hartree)

    def _make_potential(self, hartree: str) -> None:
        density = self._present_density()
        kind = DevicePotential if isinstance(self.arrays, Device) else Potential
        self.potential = kind(self.ground_state, density, hartree, self.options)
        self.v = self.potential.update(density)

    def _make_middle(self) -> None:
        """What comes from the states of QXMD: the middle of the step, and the states that are counted in."""
        gs, shares = self.ground_state, self._shares
        self._middle: list[ShadowPropagator | ExactPropagator]
        if self.mode == "shadow":
            self._middle = [ShadowPropagator(gs, k, share, self.dt, self.scissor) for k, share in enumerate(shares)]
        else:
            self._middle = [
                ExactPropagator(gs, k, share.norb, self.dt, self.options) for k, share in enumerate(shares)
            ]
        self._start = [share.projection(psi) for share, psi in zip(shares, gs.psi, strict=True)]

    def move(self, ions: Ions, states: GroundState | None = None) -> None:
        """Put the ions elsewhere while the orbitals stay as they are: dv_loc goes in, one field.

        In the exact mode the projectors go along. The corrections, and the states that occupations are counted in, stay
        those that they were made of until ``states`` come with the ions.

        Parameters
        ----------
        ions
            The same atoms elsewhere in the same cell.
        states
            The states of QXMD there, with as many bands, in any order; their occupations do not count.

        Examples
        --------
        >>> from ase import Atoms
        >>> from mlmd.dcmesh.qxmd import ground_state
        >>> from mlmd.laser import NoLaser
        >>> h2 = Atoms("H2", [[1.5, 1.5, 1.13], [1.5, 1.5, 1.87]], cell=[3, 3, 3], pbc=True)
        >>> gs = ground_state(h2, (20, 20, 20), extra_bands=1, tol=1e-6)
        >>> lfd = LFD(gs, dt=0.05, laser=NoLaser(), mode="exact", backend="reference")
        >>> h2.positions[1, 2] += 0.1
        >>> lfd.move(gs.ions.moved(h2.positions))
        >>> bool(lfd.observe()["energy"]["total"] > gs.energy["total"])
        True
        """
        dv_loc = self.potential.move(ions)
        self.arrays.combine(self.v, self.v, dv_loc)
        self._measured = None
        if states is not None:
            self.ground_state = replace(states, occupations=self.ground_state.occupations)
            self._make_middle()
            self._graphs.clear()
        for middle in self._middle:
            if isinstance(middle, ExactPropagator):
                middle.move(ions)

    def twin(self, laser: Laser) -> LFD:
        """The same electrons at time 0 under another light.

        Orbitals and potential are its own.  Plans and projections are shared, which hold the light of the step that is
        taken: the two may step in turn, not at once.
        """
        other = copy.copy(self)
        other.laser, other.step_count, other.polarization = laser, 0, np.zeros(3)
        other._check_time_step()
        other._start_orbitals()
        other._make_potential(self.potential.method)
        other._measured, other._graphs = None, {}
        other._last_current = other._measure().current
        return other

    def density(self) -> Array:
        """Electron density (nx, ny, nz), electrons/bohr^3, on the host; later calls may overwrite it."""
        return np.asarray(self.arrays.asnumpy(self._present_density()))

    def _present_density(self) -> Any:
        """The density as an array of the backend that later calls overwrite."""
        for plan, psi, f, n in zip(self._density, self.psi, self.f, self._n, strict=True):
            plan(psi, f, out=n)
        first, *others = self._n
        for n in others:
            self.arrays.combine(first, first, n)
        return self._whole(first)

    def _whole(self, field: Any) -> Any:
        """A density of all bands on the whole grid, from those of all ranks."""
        if self.team.ranks.size == 1:
            return field
        whole = np.zeros(self.grid.shape)
        self._shares[0].of_grid(whole)[...] = field
        return self.team.ranks.sum(whole)

    def advance(self, steps: int) -> None:
        """Propagate by a number of steps.

        Raises
        ------
        NumericsError
            The orbitals are no longer finite; names the step.
        """
        self._measured = None
        begin = self.step_count
        if steps > 0:
            self._prepare(steps)
        for step in range(steps):
            lit = [middle.load(step) for middle in self._middle]
            self.step_count += 1
            if self._captures:
                self._replay(0.5 if step == 0 else 1.0, tuple(lit))
            else:
                self._take_step(0.5 if step == 0 else 1.0, tuple(lit))
        if steps > 0:
            self._apply_phase(0.5)
            self._integrate_current(steps)
            check_finite(float(self._last_current.sum()), begin + 1, self.step_count, self.dt)

    def _prepare(self, steps: int) -> None:
        A = np.array([self.laser.A(self.time + (step + 0.5) * self.dt) for step in range(steps)])
        for middle in self._middle:
            middle.prepare(A)

    def _take_step(self, fraction: float, lit: tuple[tuple[bool, ...], ...]) -> None:
        """One step but for its last half phase, which the next one takes along: fraction is 1/2 if there is none."""
        self._apply_phase(fraction)
        for middle, share, axes in zip(self._middle, self._shares, lit, strict=True):
            middle.propagate(share.refreshed(), axes)
        self._follow_density()

    def _replay(self, fraction: float, lit: tuple[tuple[bool, ...], ...]) -> None:
        """The same on a device as a graph, which is captured when a step is taken for the second time."""
        assert isinstance(self.arrays, Device)
        key = (fraction, lit)
        if key not in self._graphs:
            self._graphs[key] = None
            self._take_step(fraction, lit)
            return
        graph = self._graphs[key] or self.arrays.graph(lambda: self._take_step(fraction, lit))
        self._graphs[key] = graph
        graph.launch()

    def _follow_density(self) -> None:
        density = self._present_density()
        if not isinstance(self.arrays, Device):  # there it would have to wait for the device
            check_finite(float(density.sum()), self.step_count, self.step_count, self.dt)
        self.v = self.potential.update(density)

    def _apply_phase(self, fraction: float) -> None:
        for plan, share in zip(self._phase, self._shares, strict=True):
            plan(share.psi, share.of_grid(self.v), dt=fraction * self.dt)

    def _integrate_current(self, steps: int) -> None:
        """P(t) = -integral of J (electrons carry -1), by the trapezoidal rule over the calls of `advance`."""
        current = self._measure().current
        self.polarization = self.polarization - 0.5 * steps * self.dt * (current + self._last_current)
        self._last_current = current

    def _measure(self) -> Measured:
        """Done once for each stop of the propagation, whoever asks."""
        if self._measured is None:
            A, bands = self.laser.A(self.time), self.team.bands
            own = measure(self._middle, self._shares, self.f, self.weights, A, self.arrays, bands)
            self._measured = own._replace(density=self._whole(own.density))
        return self._measured

    def current(self) -> Array:
        """Particle current density now (3,), without the rest of `observe`: `advance` ends with it."""
        return self._last_current.copy()

    def observe(self) -> dict[str, Any]:
        """Observables now.

        Returns
        -------
        dict
            ``n_exc`` electrons excited out of the initially occupied states; ``f`` (nk, nb) occupations of the
            initial states; ``J`` (3,) particle current density, ``A`` (3,), ``polarization`` (3,) change of
            polarisation in e/bohr^2; ``energy`` terms in Ha with their ``total``; ``norm`` largest deviation
            of an orbital's norm from 1.
        """
        terms, current, density = self._measure()
        energy = terms | self.potential.energies(density)
        energy["entropy"] = self.ground_state.energy["entropy"]
        energy["total"] = sum(energy.values())
        f, norm = self._occupations()
        lost = np.maximum(self.ground_state.occupations - f, 0.0).sum(axis=1)
        return {
            "n_exc": float(self.ground_state.weights @ lost),
            "f": f,
            "J": current.copy(),
            "A": self.laser.A(self.time),
            "polarization": self.polarization.copy(),
            "energy": energy,
            "norm": norm,
        }

    def occupations(self) -> Array:
        """f (nk, nb) as in `observe`."""
        return self._occupations()[0]

    def _occupations(self) -> tuple[Array, float]:
        gs = self.ground_state
        electrons = [w / weight for w, weight in zip(self.weights, gs.weights, strict=True)]
        return occupations(self._start, self._shares, self._places, electrons, self.arrays, self.team.bands)

    def precision(self) -> dict[str, Any]:
        """Levels of precision."""
        return {"levels": dict(self.levels)}

    def flops_per_step(self) -> int:
        """Floating-point operations of one step on all ranks, without the potential."""
        outer = sum(p.flops() + d.flops() for p, d in zip(self._phase, self._density, strict=True))
        return int(self.team.ranks.sum(np.array([outer + sum(m.flops() for m in self._middle)]))[0])

    def traffic(self, steps: int) -> Traffic:
        """Bytes between host and device of `advance` by so many steps and the `observe` that follows.

        To the device go for each k-point and step the Peierls phases and A/c, and for each orbital its weight; back
        come the sums behind energies, current and occupations. (Multigrid also reads a residual in each cycle.)
        """
        number, norbs = 8, sum(psi.shape[3] for psi in self.psi)
        sums = sum(middle.numbers_observed() for middle in self._middle if isinstance(middle, ShadowPropagator))
        bands = sum(start.rank for start in self._start)
        there = 6 * steps * len(self.psi) + norbs
        back = sums + norbs + bands + 4  # energies of the density
        return Traffic(number * there, number * back)

    def solve_potential(self) -> None:
        """Solve v for the density that is there anew: what was solved less exactly is left behind."""
        if self.potential.method != "dsa":  # which follows the motion, and would take this for a step
            self.v = self.potential.update(self._present_density())

    def state(self) -> dict[str, Any]:
        """Everything that a continued run needs, as arrays and numbers."""
        a = self.arrays
        arrays: dict[str, Any] = {f"psi_{k}": self._orbitals(k) for k in range(len(self.psi))}
        arrays |= {"v": a.asnumpy(self.v), "polarization": self.polarization, "last_current": self._last_current}
        return arrays | self.potential.state() | {"step_count": self.step_count}

    def _orbitals(self, k: int) -> NDArray[Any]:
        """All occupied orbitals of a k-point on the whole grid, as they are on all ranks."""
        share, (norb, place) = self._shares[k], self._places[k]
        whole = np.zeros((*self.grid.shape, norb), self.options.dtype)
        share.of_grid(whole)[..., place] = self.arrays.asnumpy(share.psi)
        return self.team.ranks.sum(whole)

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave: bit for bit at the same levels of precision, to rounding at others."""
        for k, (share, (_, place)) in enumerate(zip(self._shares, self._places, strict=True)):
            share.restore(state[f"psi_{k}"][..., place])
        self.arrays.copy(self.v, self.arrays.asarray(np.array(state["v"])))
        self.polarization = np.array(state["polarization"])
        self._last_current = np.array(state["last_current"])
        self.potential.restore(state)
        self.step_count = int(state["step_count"])
        self._measured = None
