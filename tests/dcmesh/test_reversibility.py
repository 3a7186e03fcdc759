"""The self-consistent step is its own inverse under dt -> -dt, and what that is worth, beside a step that is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.qxmd import GroundState
from mlmd.laser import DeltaKick, Laser

KICK = DeltaKick(0.3)
STEPS, DT = 200, 0.025


class Lagging(LFD):
    """The usual shortcut: the potential of the beginning of a step on both of its sides."""

    def _take_step(self, fraction: float, lit: tuple[tuple[bool, ...], ...]) -> None:
        if fraction == 1.0:
            self._apply_phase(0.5)
        self.v = self.potential.update(self.density())
        self._apply_phase(0.5)
        for middle, psi, axes in zip(self._middle, self.psi, lit, strict=True):
            middle.propagate(psi, axes)


class Backward:
    """The light as time runs backward: complex conjugation turns orbitals and A around."""

    frequency = 0.0
    duration = 0.0

    def __init__(self, light: Laser, end: float) -> None:
        self.light, self.end = light, end

    def A(self, t: float) -> np.ndarray:
        return -self.light.A(self.end - t)


def return_error(kind: type[LFD], gs: GroundState, **options: Any) -> float:
    """Largest deviation of psi after steps of dt and as many of -dt, relative to the largest psi."""
    there = kind(gs, DT, KICK, **options)
    start = there.psi[0].copy()
    there.advance(STEPS)
    back = kind(gs, DT, Backward(KICK, there.time), **options)
    state = there.state()
    back.restore(state | {"psi_0": np.conj(state["psi_0"]), "step_count": 0})
    back.advance(STEPS)
    moved = np.abs(there.psi[0] - start).max()
    assert moved > 0.1 * np.abs(start).max()
    return float(np.abs(np.conj(back.psi[0]) - start).max() / np.abs(start).max())


@pytest.mark.parametrize("mode", ["shadow", "exact"])
@pytest.mark.parametrize(("hartree", "bar"), [("fft", 1e-11), ("multigrid", 1e-7)])
def test_forward_and_backward_returns(h2_state: GroundState, mode: str, hartree: str, bar: float) -> None:
    """To rounding with transforms, to the tolerance of the solver with multigrid."""
    error = return_error(LFD, h2_state, mode=mode, hartree=hartree)
    print(f"{mode}, {hartree}: {error:.1e}")
    assert error < bar


def test_a_lagging_potential_does_not_return(h2_state: GroundState) -> None:
    error = return_error(Lagging, h2_state, hartree="fft")
    print(f"lagging: {error:.1e}")
    assert error > 1e-5


def energy_error(gs: GroundState, dt: float) -> float:
    """Largest change of the energy within 5 a.u. after a kick, Ha."""
    lfd = LFD(gs, dt, KICK, hartree="fft")
    energies = [lfd.observe()["energy"]["total"]]
    for _ in range(10):
        lfd.advance(round(0.5 / dt))
        energies.append(lfd.observe()["energy"]["total"])
    return float(np.abs(np.array(energies) - energies[0]).max())


def test_energy_after_a_kick_holds_to_second_order(h2_state: GroundState) -> None:
    coarse, fine = (energy_error(h2_state, dt) for dt in (DT, DT / 2))
    print(f"energy error: {coarse:.1e} Ha, {fine:.1e} with half the step")
    assert np.log2(coarse / fine) > 1.8
