"""What a propagation cannot do: devices, ranks and time steps, refused before any work, and numbers out of bounds."""

from __future__ import annotations

import numpy as np

from ... import units
from ...backends import Arrays, Device, PlanError
from ...errors import NumericsError
from ...laser import Laser
from ..errors import DecompositionError, TimeStepError
from ..parallel import Team

LARGEST_LIGHT_PHASE = 0.5  # rad per step


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a word that is not one of those known, with a ValueError."""
    if value not in known:
        raise ValueError(f"{name} '{value}' is not known: use one of {', '.join(known)}")


def check_finite(number: float, first: int, last: int, dt: float) -> None:
    """Refuse orbitals that are no longer finite.

    Raises
    ------
    NumericsError
        ``number``, a sum over them, is infinite or not a number; it went wrong in one of the steps first to last.
    """
    if not np.isfinite(number):
        when = f"step {last}" if first == last else f"one of the steps {first} to {last}"
        raise NumericsError(
            f"the orbitals are not finite after {when} (t = {last * dt:.4f} a.u.): take a smaller dt or a weaker pulse"
        )


def check_device(arrays: Arrays, mode: str, functional: str) -> None:
    """Refuse what runs on the host only.

    Raises
    ------
    PlanError
        For the exact mode, or a functional other than LDA, on a device.
    """
    if not isinstance(arrays, Device):
        return
    for what, given, works in (("mode", mode, "shadow"), ("xc", functional, "lda")):
        if given != works:
            raise PlanError(f"{what} '{given}' does not run on {arrays.name}, only '{works}' does; use backend 'cpu'")


def check_team(arrays: Arrays, mode: str, team: Team) -> None:
    """Refuse what one rank must do alone.

    Raises
    ------
    DecompositionError
        For a device whose orbitals are to be shared out, or the exact mode and its planes.
    """
    if isinstance(arrays, Device) and team.ranks.size > 1:
        raise DecompositionError(
            f"the orbitals of a domain on {arrays.name} cannot be shared out among {team.ranks.size} ranks; "
            "give each domain one rank, or take backend 'cpu'"
        )
    if mode == "exact" and team.space.size > 1:
        raise DecompositionError("in mode 'exact' the planes of the grid are not shared out; take [parallel] space = 1")


def check_time_step(dt: float, spacing: tuple[float, float, float], laser: Laser, v_range: float = 0.0) -> None:
    """Refuse a time step that the split propagator cannot follow.

    Parameters
    ----------
    dt, spacing
        a.u.
    laser
        The light.
    v_range
        v_max - v_min of the local potential, Ha; 0 gives a first check before the ground state is known.

    Raises
    ------
    TimeStepError
        See `LFD`.
    """
    limit = 2 * np.pi / float(np.sum(2 / np.asarray(spacing) ** 2) + v_range)
    if laser.frequency > 0:
        limit = min(limit, LARGEST_LIGHT_PHASE / laser.frequency)
    if not 0 < dt <= limit:
        raise TimeStepError(
            f"dt = {dt:g} a.u. cannot be followed on this grid and pulse: it must lie in (0, {limit:.4f}] a.u. "
            f"(at most {units.from_atomic(limit, 'as', 'time'):.3g} as), "
            "so that the phases of the kinetic and potential energy do not wrap and the light is resolved"
        )
