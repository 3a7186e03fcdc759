r"""Electrons of a divided cell under light: an LFD in each box, observables sewn together from the cores.

All boxes see the same light. The potential of a box starts as that of the whole cell, and follows its own density,

.. math:: v_\alpha(t) = v(0) + v_H[n_\alpha(t) - n_\alpha(0)] + v_{xc}[n_\alpha(t)] - v_{xc}[n_\alpha(0)],

so that domains know of each other's start, but not of each other's motion but for what their buffers repeat of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import NumericsError
from ..errors import DecompositionError
from ..lfd import LFD
from ..parallel import ALONE, Line
from ..qxmd.energy import field_energies
from ..qxmd.ground_state import GroundState
from .core import Core, InCore
from .partition import recombine
from .start import BoxStates

Array = NDArray[np.float64]


class Part(NamedTuple):
    """The electrons of one domain."""

    lfd: LFD
    core: Core

    def psi(self) -> NDArray[Any]:
        """Its orbitals in double precision."""
        return np.asarray(self.lfd.arrays.asnumpy(self.lfd.psi[0]), np.complex128)

    def current(self) -> Array:
        """Integral of the particle current over its core, (3,)."""
        return self.core.current(self.psi(), self.lfd.laser.A(self.lfd.time))

    def observe(self) -> InCore:
        """The other observables of its core."""
        return self.core.observe(self.psi(), self.lfd.laser.A(self.lfd.time))


class DividedElectrons:
    """All domains of a cell, stepped one after the other; used like an `LFD`.

    Ranks may share the domains out: then all methods but `time` are called on all of them alike, and give the same on
    each.

    Parameters
    ----------
    start
        Where the electrons start.
    make
        ``make(state)`` gives the `LFD` of a box.
    line
        The ranks that share out the domains.

    Raises
    ------
    DecompositionError
        There are more ranks than domains.

    Examples
    --------
    >>> from ase import Atoms
    >>> from mlmd.dcmesh.domains import box_states, divided_ground_state
    >>> from mlmd.laser import DeltaKick
    >>> row = Atoms("H4", [[1.5, 1.5, z] for z in (0.63, 1.37, 3.63, 4.37)], cell=[3, 3, 6], pbc=True)
    >>> divided = divided_ground_state(row, (16, 16, 32), (1, 1, 2), buffer=2.8, extra_bands=2, tol=1e-4)
    >>> kick = DeltaKick(0.01)
    >>> electrons = DividedElectrons(box_states(divided), lambda box: LFD(box, 0.05, kick, backend="reference"))
    >>> electrons.advance(2)
    >>> seen = electrons.observe()
    >>> len(seen["domains"]["n_exc"]), bool(0 < seen["n_exc"] < 1e-2)
    (2, True)
    """

    def __init__(self, start: BoxStates, make: Callable[[GroundState], LFD], line: Line = ALONE.domains) -> None:
        self.start, self._line, self.count = start, line, len(start.boxes)
        if self.count < line.size:
            raise DecompositionError(f"{self.count} domains cannot be shared out among {line.size} ranks; start fewer")
        self._own = range(self.count)[line.block(self.count)]
        self._parts = [self._part(place, make(start.states[place])) for place in self._own]
        self.lfd = self._parts[0].lfd  # whose clock, light and precision are those of all
        self.polarization = np.zeros(3)
        self._last_current = self._current()

    def _part(self, place: int, lfd: LFD) -> Part:
        psi = np.asarray(lfd.arrays.asnumpy(lfd.psi[0]), np.complex128)
        return Part(lfd, Core(self.start.boxes[place], self.start.states[place], psi, lfd.weights[0]))

    @property
    def time(self) -> float:
        """Time in a.u."""
        return self.lfd.time

    @property
    def step_count(self) -> int:
        """Steps done."""
        return self.lfd.step_count

    def advance(self, steps: int) -> None:
        """Propagate all domains by a number of steps.

        Raises
        ------
        NumericsError
            The orbitals are no longer finite; names the domain and the step.
        """
        own = zip(self._own, self._parts, strict=True)
        failures = [failure for place, part in own if (failure := self._advanced(place, part.lfd, steps))]
        if everywhere := self._line.collect(failures):  # so that all ranks see it
            raise NumericsError(everywhere[0])
        current = self._current()
        self.polarization = self.polarization - 0.5 * steps * self.lfd.dt * (current + self._last_current)
        self._last_current = current

    def _advanced(self, place: int, lfd: LFD, steps: int) -> str | None:
        """Propagate a domain; tells what went wrong."""
        try:
            lfd.advance(steps)
        except NumericsError as error:
            return f"domain {place + 1} of {self.count}: {error}"
        return None

    def _current(self) -> Array:
        """Average of the particle current density over the cell, (3,)."""
        return np.sum(self._line.collect([part.current() for part in self._parts]), axis=0) / self.start.grid.volume

    def observe(self) -> dict[str, Any]:
        """Observables now.

        Returns
        -------
        dict
            As `LFD.observe`. ``n_exc``, ``J`` and the kinetic and nonlocal energy are sums over the cores, see `core`;
            the other terms of the energy are those of the cell's density. ``f`` (1, bands) has the bands of all boxes
            one after the other, each of its whole box; ``norm`` is that of the worst box. Besides ``domains``, with
            ``n_exc`` of each core.
        """
        seen: list[InCore] = self._line.collect([part.observe() for part in self._parts])
        n_exc = np.array([core.n_exc for core in seen])
        energy = {term: sum(core.energy[term] for core in seen) for term in seen[0].energy}
        energy |= field_energies(self.start.ions, self.start.states[0].xc, self.density())
        energy["entropy"] = self.start.energy["entropy"]
        energy["total"] = sum(energy.values())
        return {
            "n_exc": float(n_exc.sum()),
            "f": np.concatenate([core.f for core in seen])[None],
            "J": self._last_current.copy(),
            "A": self.lfd.laser.A(self.time),
            "polarization": self.polarization.copy(),
            "energy": energy,
            "norm": max(core.norm for core in seen),
            "domains": {"n_exc": n_exc},
        }

    def density(self) -> Array:
        """Electron density of the cell (nx, ny, nz), sewn together."""
        boxes = [self.start.boxes[place] for place in self._own]
        densities = [part.lfd.density() for part in self._parts]
        return np.asarray(self._line.sum(recombine(boxes, densities)))

    def state(self) -> dict[str, Any]:
        """Everything that a continued run needs, domain by domain."""
        states = self._line.collect([part.lfd.state() for part in self._parts])
        domains = {f"domain_{place}": state for place, state in enumerate(states)}
        return domains | {"polarization": self.polarization, "last_current": self._last_current}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` gave, bit for bit."""
        for place, part in zip(self._own, self._parts, strict=True):
            part.lfd.restore(state[f"domain_{place}"])
        self.polarization = np.array(state["polarization"])
        self._last_current = np.array(state["last_current"])

    def flops_per_step(self) -> int:
        """Floating-point operations of one step of all domains, without the potential."""
        own = sum(part.lfd.flops_per_step() for part in self._parts)
        return int(self._line.sum(np.array([own]))[0])

    def precision(self) -> dict[str, Any]:
        """Levels of precision, the same in all domains."""
        return self.lfd.precision()
