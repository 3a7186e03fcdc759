"""What a run with ``[maxwell]`` asks of the rest of the input, checked before any work is done."""

from __future__ import annotations

import math
from pathlib import Path

from . import units
from .config import Config, MaxwellSettings, PulseSettings
from .dcmesh.grid import Grid
from .dcmesh.maxwell import check_coupling
from .dcmesh.memory import check_domains_memory
from .dcmesh.qxmd.kpoints import monkhorst_pack
from .dcmesh.qxmd.occupations import required_bands
from .engine import light
from .errors import InputError
from .exclusions import check_single_cell_only
from .kernels.constants import SPEED_OF_LIGHT

CELLS_PER_WAVELENGTH = 20  # in vacuum; in matter there are fewer
MIB = 2**20


def check_maxwell(config: Config, path: Path) -> None:
    """Check what stands in the input file.

    Parameters
    ----------
    config : Config
        The input.
    path : Path
        Its file, for messages.

    Raises
    ------
    InputError
        Without a pulse, with planned precision or moving nuclei, with light along its own way, with steps that are no
        whole steps of the wave, with cells too long for the light, or when the light cannot be gone at the end.
    """
    settings, laser = config.maxwell, config.laser
    if settings is None:
        return
    if not isinstance(laser, PulseSettings):
        problem = f"is '{laser.type}', and the light of [maxwell] has to be a pulse"
        raise InputError(path, "[laser] type", problem, "give 'sin2' or 'gaussian', or remove [maxwell]")
    check_single_cell_only(config, "maxwell", path)
    _check_steps(config, settings, path)
    if settings.spacing is not None:
        _check_cells(settings, settings.spacing, laser, path)
        _check_way(config, settings, settings.spacing, path)


def _check_steps(config: Config, settings: MaxwellSettings, path: Path) -> None:
    """Raise unless all stops are at whole steps of the wave."""
    dynamics, stride = config.dynamics, settings.stride
    length = "[dynamics] steps" if dynamics.steps else "[dynamics] time"
    stops = {
        length: dynamics.n_steps,
        "[output] every": config.output.every,
        "[output] checkpoint_every": config.output.checkpoint_every,
    }
    for key, steps in stops.items():
        if steps % stride:
            remedy = f"give {'steps = ' if key == length else ''}{(steps // stride + 1) * stride}, or another stride"
            raise InputError(path, key, f"{steps} steps are no multiple of [maxwell] stride = {stride}", remedy)


def _check_cells(settings: MaxwellSettings, spacing: float, laser: PulseSettings, path: Path) -> None:
    """Raise if the light is not across its way, or the cells are too long for it."""
    along = laser.polarization["xyz".index(settings.axis)]
    if abs(along) > 1e-9:
        problem = f"is {settings.axis}, and the light is polarised along it (polarization = {list(laser.polarization)})"
        raise InputError(path, "[maxwell] axis", problem, "take an axis across the polarisation")
    longest = 2.0 * math.pi * SPEED_OF_LIGHT / laser.frequency / CELLS_PER_WAVELENGTH
    if spacing > longest:
        shown, most = (units.from_atomic(x, "nm", "length") for x in (spacing, longest))
        problem = f"{shown:.4g} nm is too coarse for this light"
        remedy = f"give {most:.3g} nm or less: {CELLS_PER_WAVELENGTH} cells in a wavelength in vacuum, more in matter"
        raise InputError(path, "[maxwell] spacing", problem, remedy)


def _check_way(config: Config, settings: MaxwellSettings, spacing: float, path: Path) -> None:
    """Raise when the end of the pulse has no time to go through all cells."""
    dynamics = config.dynamics
    way = (sum(settings.cells) + settings.domains) * spacing / SPEED_OF_LIGHT
    end = light(config.laser).duration + way
    if end <= dynamics.n_steps * dynamics.dt * (1 + 1e-9):
        return
    enough = math.ceil(end / dynamics.dt / settings.stride) * settings.stride
    raise InputError(
        path,
        "[dynamics] steps" if dynamics.steps else "[dynamics] time",
        f"is too short: the end of the pulse is through the cells at {units.from_atomic(end, 'fs', 'time'):.4g} fs",
        f"give {enough} steps or more (the way through matter takes longer), or less vacuum",
    )


def check_illumination(config: Config, electrons: int, grid: Grid) -> list[str]:
    """Check what depends on the structure, and tell the size of what is to come.

    Parameters
    ----------
    config : Config
        An input with ``[maxwell]``.
    electrons : int
        In one domain.
    grid : Grid
        Of one domain.

    Returns
    -------
    list of str
        Lines for the user.

    Raises
    ------
    LightError
        The step of the wave is too long, or the domains do not fit into memory.
    """
    settings, dynamics, start = config.maxwell, config.dynamics, config.ground_state
    assert settings is not None and isinstance(config.laser, PulseSettings)  # validated
    spacing, dt = settings.spacing or math.inf, settings.stride * dynamics.dt
    if settings.field != "incident":
        check_coupling(spacing, dt, math.sqrt(4.0 * math.pi * electrons / grid.volume))
    k_list, _ = monkhorst_pack(start.kpoints, start.kpoint_shift)
    unfolded = sum(2 if k.any() else 1 for k in k_list)
    orbitals = required_bands(electrons, start.smearing) * unfolded
    size = check_domains_memory(settings.domains, grid.size, orbitals)
    count = f"{settings.domains} domain{'s' if settings.domains > 1 else ''}"
    lines = [f"{count} of {size / MIB:,.1f} MiB each, {unfolded} k-point{'s' if unfolded > 1 else ''} under light"]
    if settings.spacing is not None:
        before, after = settings.cells
        wavelength = 2.0 * math.pi * SPEED_OF_LIGHT / config.laser.frequency
        lines.append(
            f"{before} + {settings.domains} + {after} cells of {units.from_atomic(spacing, 'nm', 'length'):.4g} nm, "
            f"{wavelength / spacing:.0f} in a wavelength in vacuum; "
            f"light goes through {SPEED_OF_LIGHT * dt / spacing:.3g} of one in a step of the wave"
        )
    return lines
