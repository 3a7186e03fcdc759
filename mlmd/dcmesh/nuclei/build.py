"""From the section ``[nuclei]`` to nuclei in motion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...config import Config
from ..errors import OccupationError, TimeStepError
from ..hopping import Hopping
from ..lfd import LFD
from ..qxmd import GroundState
from .ehrenfest import Ehrenfest, MeanField, Shadow
from .hopping import SurfaceHopping
from .mesh import Mesh


def moving(
    config: Config, ground_state: GroundState, electrons: Callable[[], LFD]
) -> Ehrenfest | SurfaceHopping | Mesh:
    """Return what ``[nuclei]`` asks for, at time 0.

    Parameters
    ----------
    config : Config
        Whose motion is not "fixed".
    ground_state : GroundState
    electrons : callable
        Makes the LFD of the input.

    Raises
    ------
    OccupationError
        An excitation from an empty band or to one that is not there.
    TimeStepError
        See `check_spectral_step`.
    """
    settings, seed = config.nuclei, config.run.seed
    motion = {
        "temperature": settings.temperature,
        "thermostat": settings.thermostat,
        "relaxation_time": settings.relaxation_time or 1.0,
        "masses": settings.masses,
    }
    rules = Hopping(settings.rescale, settings.frustrated, settings.decoherence or None)

    def hopping(states: GroundState, active: np.ndarray) -> SurfaceHopping:
        return SurfaceHopping(states, config.dynamics.dt, settings.steps_per_md, active, rules, seed, **motion)

    if settings.motion == "hopping":
        return hopping(ground_state, lifted(ground_state, *(settings.excitation or (0, 0))))
    lfd = electrons()
    if lfd.mode == "exact":
        check_spectral_step(lfd)
    every = settings.basis_every
    coupling = MeanField(lfd, every) if lfd.mode == "exact" else Shadow(lfd, ground_state, every)
    first = Ehrenfest(lfd, coupling, settings.steps_per_md, seed=seed, **motion)
    if settings.motion == "ehrenfest":
        return first
    return Mesh(first, hopping, settings.dephasing_time, seed)


def lifted(states: GroundState, start: int, end: int) -> np.ndarray:
    """States of the electrons with one of them lifted from band ``start`` to band ``end``, counted from 1."""
    filled, bands = states.electrons // 2, states.eigenvalues.shape[1]
    if not 1 <= start <= filled < end <= bands:
        raise OccupationError(
            f"excitation from band {start} to band {end}: bands 1 to {filled} are full, {filled + 1} to {bands} empty; "
            "take one of each, or raise extra_bands"
        )
    active = np.tile(np.arange(filled), 2)
    active[start - 1] = end - 1
    return active


def check_spectral_step(electrons: LFD) -> None:
    """Refuse a step whose phases wrap on the spectral grid, where moving nuclei would feed such states with energy.

    Raises
    ------
    TimeStepError
        dt (T_max + v_max - v_min) exceeds 2 pi, with T_max = (pi/hx)^2/2 + ..., of the exact mode.
    """
    v = electrons.ground_state.v_loc
    largest = 0.5 * float(np.sum((np.pi / np.asarray(electrons.grid.spacing)) ** 2)) + float(v.max() - v.min())
    limit = 2 * np.pi / largest
    if electrons.dt > limit:
        raise TimeStepError(
            f"dt = {electrons.dt:g} a.u. is too long for nuclei that move in the exact mode on this grid: "
            f'it must be at most {limit:.4f} a.u.; take a smaller dt, a coarser grid or mode = "shadow"'
        )
