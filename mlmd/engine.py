"""What the driver of a run needs from the physics, and the DC-MESH implementation of it.

The driver (:mod:`mlmd.run`) knows the physics only through :class:`Engine`, so that it can be
driven by anything that keeps the same promises.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import h5py
import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from . import laser
from .config import Config, DomainSettings, Kick, MaxwellSettings, NoLaser, PulseSettings
from .dcmesh.parallel import ALONE, PAIR, Line, Team, Work

if TYPE_CHECKING:
    from .dcmesh.domains import BoxStates
    from .dcmesh.lfd import LFD
    from .dcmesh.maxwell import Illumination
    from .precision import Plan

Array = NDArray[np.float64]
Report = Callable[[int, float, float], None]


class GroundState(Protocol):
    """A Kohn-Sham ground state, atomic units."""

    energy: dict[str, float]
    eigenvalues: Array
    occupations: Array
    kpoints: Array
    weights: Array
    density: Array

    @property
    def electrons(self) -> int:
        """Valence electrons in the cell."""

    @property
    def gap(self) -> float:
        """Lowest empty minus highest occupied eigenvalue, hartree."""

    def save(self, group: h5py.Group) -> None:
        """Store everything in a group."""


class Propagator(Protocol):
    """Electrons moving in real time, atomic units."""

    @property
    def time(self) -> float:
        """Time reached."""

    @property
    def step_count(self) -> int:
        """Steps done."""

    def advance(self, steps: int, /) -> None:
        """Do some steps; raises NumericsError with the step number on NaN."""

    def observe(self) -> Mapping[str, Any]:
        """Return n_exc, f, J, A, polarization, energy (by term) and norm."""

    def density(self) -> Array:
        """Return the electron density (nx, ny, nz)."""

    def state(self) -> Mapping[str, Any]:
        """Return all that a bit-for-bit continuation needs."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state."""

    def flops_per_step(self) -> float:
        """Floating-point operations of one step."""

    def precision(self) -> Mapping[str, Any]:
        """Return the levels of precision, and what sentinels found, of values that JSON can hold."""


class Engine(Protocol):
    """The physics behind a run."""

    def check(self, config: Config, atoms: Atoms, shape: tuple[int, int, int]) -> list[str]:
        """Refuse at once what is known to fail later: no work is done before; return what the user should know."""

    def ground_state(self, config: Config, atoms: Atoms, shape: tuple[int, int, int], report: Report) -> GroundState:
        """Solve for the ground state; ``report(iteration, energy, residual)`` after each iteration."""

    def load_ground_state(self, group: h5py.Group) -> GroundState:
        """Return a ground state stored by its ``save``."""

    def propagator(self, config: Config, ground_state: GroundState, plan: Plan | None = None) -> Propagator:
        """Return the electrons at time 0, with the light of ``[laser]``, watched if their precision is planned."""


class DcMesh:
    """Ground state by QXMD, real time by LFD.

    Parameters
    ----------
    team : Team
        The ranks that propagate together; of a divided cell they solve for the ground state together too.
    """

    def __init__(self, team: Team = ALONE) -> None:
        self.team = team

    def check(self, config: Config, atoms: Atoms, shape: tuple[int, int, int]) -> list[str]:
        """Check pseudopotentials, grid, occupation, time step and memory; tell the size of domains if there are any.

        Raises
        ------
        PseudopotentialError, GridError, PartitionError, OccupationError, TimeStepError, LightError
            What the ground state or the propagation would refuse.
        """
        from .dcmesh.lfd import check_time_step
        from .dcmesh.memory import check_memory
        from .dcmesh.qxmd.cell import prepare
        from .dcmesh.qxmd.kpoints import monkhorst_pack
        from .dcmesh.qxmd.occupations import required_bands
        from .domains.checks import check_boxes
        from .illumination import check_illumination

        settings = config.ground_state
        ions = prepare(atoms, shape, settings.xc, settings.pseudopotentials or None)
        check_time_step(config.dynamics.dt, ions.grid.spacing, light(config.laser))
        if config.domains is not None:
            return check_boxes(config, config.domains, ions)
        bands = required_bands(ions.electrons, settings.smearing) + settings.extra_bands
        k_list, _ = monkhorst_pack(settings.kpoints, settings.kpoint_shift)
        check_memory(shape, bands, len(k_list), real=not k_list.any())
        return check_illumination(config, ions.electrons, ions.grid) if config.maxwell is not None else []

    def ground_state(self, config: Config, atoms: Atoms, shape: tuple[int, int, int], report: Report) -> GroundState:
        """Solve the Kohn-Sham equations; see :func:`mlmd.dcmesh.qxmd.ground_state`, of ``[domains]`` box by box."""
        from .dcmesh.qxmd import ground_state

        if config.domains is not None:
            return divide(config, config.domains, atoms, shape, report, self.team.domains)
        settings = config.ground_state
        return ground_state(
            atoms,
            shape,
            **settings.arguments(),
            kpts=settings.kpoints,
            kpt_shift=settings.kpoint_shift,
            seed=config.run.seed,
            progress=report,
        )

    def load_ground_state(self, group: h5py.Group) -> GroundState:
        """Read a stored ground state, divided or not."""
        from .dcmesh.domains import BoxStates
        from .dcmesh.qxmd import GroundState as KohnSham

        return BoxStates.load(group) if "domains" in group else KohnSham.load(group)

    def propagator(self, config: Config, ground_state: Any, plan: Plan | None = None) -> Propagator:
        """Make the real-time propagator: of :mod:`mlmd.dcmesh.lfd`, with domains, light or nuclei that move if told."""
        if config.domains is not None:
            from .dcmesh.domains import DividedElectrons

            make = partial(propagate, config, precision=config.dynamics.precision)
            return DividedElectrons(ground_state, make, self.team.domains)
        ground_state = under_light(config, ground_state)
        if config.maxwell is not None:
            return illuminate(config, config.maxwell, ground_state, self.team)
        if config.nuclei.motion != "fixed":
            from .dcmesh.nuclei.build import moving

            make = partial(propagate, config, ground_state, config.dynamics.precision, self.team)
            return moving(config, ground_state, make)
        if plan is None:
            return propagate(config, ground_state, config.dynamics.precision, self.team)
        from .precision.sentinel import Watched

        watch = config.precision
        if watch.budget is None:
            raise AssertionError("validated: planned precision has a budget")
        make = partial(propagate, config, ground_state, team=self.team)
        return Watched(make, plan, watch.budget, watch.sentinel, config.dynamics.n_steps)


def under_light(config: Config, ground_state: Any) -> Any:
    """Return where electrons start: with k and -k apart if ``[laser]`` has light, under which they differ.

    Parameters
    ----------
    config : Config
        The input.
    ground_state : mlmd.dcmesh.qxmd.GroundState
        With k and -k as one.
    """
    return ground_state if isinstance(config.laser, NoLaser) else ground_state.unfolded()


def propagate(
    config: Config,
    ground_state: Any,
    precision: str | Mapping[str, str],
    team: Team = ALONE,
    under: laser.Laser | None = None,
) -> LFD:
    """Return the electrons at time 0, with the light of ``[laser]``.

    Parameters
    ----------
    config : Config
        The input.
    ground_state : mlmd.dcmesh.qxmd.GroundState
        Where they start.
    precision : str or mapping
        Levels of precision, whatever the input says.
    team : Team
        The ranks that propagate together.
    under : Laser, optional
        Light in place of that of ``[laser]``.
    """
    from .dcmesh.lfd import LFD

    dynamics = config.dynamics
    return LFD(
        ground_state,
        dt=dynamics.dt,
        laser=light(config.laser) if under is None else under,
        mode=dynamics.mode,
        precision=precision,
        backend=dynamics.backend,
        hartree=dynamics.hartree,
        threads=dynamics.threads,
        scissor=dynamics.scissor,
        team=team,
    )


def electrons(config: Config, atoms: Atoms, shape: tuple[int, int, int]) -> int:
    """Return the number of valence electrons."""
    from .dcmesh.qxmd.cell import prepare

    settings = config.ground_state
    return prepare(atoms, shape, settings.xc, settings.pseudopotentials or None).electrons


def work_of(config: Config, shape: tuple[int, int, int], electrons: int) -> Work:
    """Return what there is to share out among ranks.

    Parameters
    ----------
    config : Config
        The input.
    shape : tuple of int
        Grid points.
    electrons : int
        Valence electrons in the cell.
    """
    if config.domains is not None:
        return Work(math.prod(config.domains.divisions), bands=1, space=1)
    slabs = shape[0] // PAIR if shape[0] % PAIR == 0 and config.dynamics.mode == "shadow" else 1
    domains = config.maxwell.domains if config.maxwell else 1
    return Work(domains, bands=(electrons + 1) // 2, space=slabs)


def illuminate(
    config: Config, settings: MaxwellSettings, ground_state: Any, team: Team = ALONE
) -> Illumination:
    """Return domains of electrons and the light of ``[laser]`` that they change, at time 0.

    Parameters
    ----------
    config : Config
        The input.
    settings : MaxwellSettings
        Its section ``[maxwell]``.
    ground_state : mlmd.dcmesh.qxmd.GroundState
        Where the electrons of each domain start.
    team : Team
        The ranks that propagate together.
    """
    from .dcmesh.maxwell import Bulk, Domains, Film, Illumination, Wave

    pulse = light(config.laser)
    make = partial(propagate, config, ground_state, config.dynamics.precision, team)
    domains = Domains(make, settings.domains, settings.stride, pulse.frequency, team.domains)
    shown = settings.density_of - 1
    if settings.spacing is None:
        return Illumination(Bulk(pulse, domains.dt, domains, settings.field == "induced"), domains, shown)
    before, after = settings.cells
    cells = before + settings.domains + after
    wave = Wave(cells, settings.spacing, domains.dt, pulse, axis="xyz".index(settings.axis))
    return Illumination(Film(wave, domains, before), domains, shown)


def divide(
    config: Config,
    settings: DomainSettings,
    atoms: Atoms,
    shape: tuple[int, int, int],
    report: Report,
    line: Line = ALONE.domains,
) -> BoxStates:
    """Return the ground state of the boxes of a divided cell.

    Parameters
    ----------
    config : Config
        The input.
    settings : DomainSettings
        Its section ``[domains]``.
    atoms : ase.Atoms
        The structure.
    shape : tuple of int
        Grid points.
    report : callable
        ``report(iteration, energy, residual)`` after each iteration.
    line : Line
        The ranks that share out the boxes.
    """
    from .dcmesh.domains import box_states
    from .domains.study import divided

    return box_states(divided(config, settings, atoms, shape, settings.buffer, report, line))


def light(settings: NoLaser | Kick | PulseSettings) -> laser.Laser:
    """Return the light that ``[laser]`` describes.

    Parameters
    ----------
    settings : NoLaser, Kick or PulseSettings
        The section.

    Returns
    -------
    mlmd.laser.Laser
        Its vector potential over time.
    """
    match settings:
        case NoLaser():
            return laser.NoLaser()
        case Kick():
            return laser.DeltaKick(settings.strength, settings.polarization, settings.start)
    shape = laser.SinSquaredPulse if settings.type == "sin2" else laser.GaussianPulse
    return shape(
        photon_energy=settings.frequency,
        intensity=settings.intensity,
        fluence=settings.fluence,
        length=settings.duration,
        polarization=settings.polarization,
        cep=settings.phase,
        start=settings.start,
    )


def default_engine() -> Engine:
    """Return the physics that ``mlmd run`` uses.

    Returns
    -------
    Engine
        DC-MESH.
    """
    return DcMesh()
