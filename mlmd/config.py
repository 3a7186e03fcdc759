"""The input of a run as typed, validated sections; all quantities in atomic units.

A TOML file becomes a :class:`Config` through :func:`mlmd.io.read_input`, which turns each
problem found here into one plain message. Quantities may carry a unit (:mod:`mlmd.units`).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from ase.data import atomic_numbers
from pydantic import (
    BeforeValidator,
    Field,
    Strict,
    model_validator,
)

from . import units
from .dcmesh.parallel import Layout, Work, choose_layout
from .dcmesh.precision import complete
from .sections import (
    Angle,
    AtomRow,
    Count,
    CountOrZero,
    Direction,
    Energy,
    Fluence,
    GridCount,
    Intensity,
    KickStrength,
    Length,
    PositiveEnergy,
    PositiveLength,
    PositiveTime,
    Section,
    Switch,
    Time,
    Vector,
    Wavelength,
    exactly_one,
    wrong,
)


class System(Section):
    """``[system]``: the atoms, from a structure file or written out here.

    ``cell`` (edge lengths of the orthorhombic cell) and Cartesian positions are in ``units``.
    With a structure file, ``cell`` is for files that carry none.
    """

    structure: str | None = None
    index: Annotated[int, Strict()] = -1
    cell: Annotated[tuple[float, ...], Field(min_length=3, max_length=3)] | None = None
    units: Literal["bohr", "angstrom", "nm"] = "bohr"
    coordinates: Literal["fractional", "cartesian"] = "fractional"
    atoms: Annotated[list[AtomRow], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _check(self) -> System:
        exactly_one(self, "structure", "atoms")
        if self.atoms is not None and self.cell is None:
            raise wrong("cell", "is missing; give the three edge lengths of the cell")
        for length in self.cell or ():
            if length <= 0:
                raise wrong("cell", f"edge lengths must be greater than 0, got {length:g}")
        return self


class Grid(Section):
    """``[grid]``: number of points along each axis, or the largest spacing allowed."""

    shape: tuple[GridCount, GridCount, GridCount] | None = None
    spacing: PositiveLength | None = None

    @model_validator(mode="after")
    def _check(self) -> Grid:
        exactly_one(self, "shape", "spacing")
        return self


class GroundStateSettings(Section):
    """``[ground_state]``: the Kohn-Sham ground state."""

    xc: Literal["lda", "pbe"] = "lda"
    pseudopotentials: dict[str, str] = {}
    extra_bands: CountOrZero = 4
    kpoints: tuple[Count, Count, Count] = (1, 1, 1)
    kpoint_shift: Vector = (0.0, 0.0, 0.0)
    smearing: Energy = 0.0
    tolerance: Annotated[float, Field(gt=0)] = 1e-8
    max_iterations: Count = 100

    def arguments(self) -> dict[str, Any]:
        """What solvers of `mlmd.dcmesh` take of it, k-points aside.

        Examples
        --------
        >>> GroundStateSettings(smearing="0.1 eV").arguments()["xc"]
        'lda'
        """
        return {
            "xc": self.xc,
            "pseudo": self.pseudopotentials or None,
            "extra_bands": self.extra_bands,
            "smearing": self.smearing,
            "tol": self.tolerance,
            "max_iter": self.max_iterations,
        }


class DomainSettings(Section):
    """``[domains]``: the cell cut into domains, each with a buffer around it."""

    divisions: tuple[Count, Count, Count]
    buffer: Length

    @model_validator(mode="after")
    def _check(self) -> DomainSettings:
        if max(self.divisions) == 1:
            raise wrong("divisions", "cuts nothing; give 2 or more along some axis, such as [1, 1, 2]")
        return self


class NoLaser(Section):
    """``[laser] type = "none"``: no light."""

    type: Literal["none"]


class Kick(Section):
    """``[laser] type = "kick"``: every electron gets the momentum ``strength`` (A/c) at ``start``."""

    type: Literal["kick"]
    strength: KickStrength
    polarization: Direction = (0.0, 0.0, 1.0)
    start: Time = 0.0


class PulseSettings(Section):
    """``[laser] type = "sin2"`` or ``"gaussian"``: a pulse of the vector potential.

    ``duration`` is the whole length of a sin2 pulse, and the full width at half maximum of the intensity of a
    Gaussian one, which lasts six times as long. ``start`` is where the pulse begins to rise.
    """

    type: Literal["sin2", "gaussian"]
    photon_energy: PositiveEnergy | None = None
    wavelength: Wavelength | None = None
    intensity: Intensity | None = None
    fluence: Fluence | None = None
    duration: PositiveTime
    polarization: Direction = (0.0, 0.0, 1.0)
    phase: Angle = 0.0
    start: Time = 0.0

    @model_validator(mode="after")
    def _check(self) -> PulseSettings:
        exactly_one(self, "photon_energy", "wavelength")
        exactly_one(self, "intensity", "fluence")
        return self

    @property
    def frequency(self) -> float:
        """Photon energy in hartree, whichever of the two keys gave it."""
        if self.wavelength is not None:
            return units.photon_energy(self.wavelength)
        if self.photon_energy is None:
            raise AssertionError("validated: one of the two is given")
        return self.photon_energy


LaserSettings = Annotated[NoLaser | Kick | PulseSettings, Field(discriminator="type")]


def _precision(value: Any) -> Any:
    """Check the shape of ``precision``; its levels are checked with the mode and the Hartree solver."""
    if isinstance(value, str) or (isinstance(value, dict) and all(isinstance(level, str) for level in value.values())):
        return value
    raise ValueError(f'{value!r} is not a precision; give "fp64", "fp32", "planned" or {{state = "fp32", ...}}')


class Dynamics(Section):
    """``[dynamics]``: the propagation in real time.

    ``scissor`` is an energy that is added to the empty states of ``mode = "shadow"``: it opens the gap that LDA
    and PBE make too small. The exact mode has no bands to shift.
    """

    dt: PositiveTime
    steps: Count | None = None
    time: PositiveTime | None = None
    mode: Literal["shadow", "exact"] = "shadow"
    hartree: Literal["multigrid", "dsa", "fft"] = "multigrid"
    scissor: Energy = 0.0
    precision: Annotated[str | dict[str, str], BeforeValidator(_precision)] = "fp64"
    backend: str = "cpu"
    threads: Count | None = None

    @model_validator(mode="after")
    def _check(self) -> Dynamics:
        exactly_one(self, "steps", "time")
        if self.time is not None and self.time < self.dt:
            raise wrong("time", "is shorter than one step of length 'dt'")
        if self.scissor and self.mode != "shadow":
            raise wrong("scissor", f'shifts the bands of mode = "shadow", not of "{self.mode}"; remove one of them')
        if self.precision == "planned":
            if self.mode != "shadow":
                raise wrong("precision", 'is planned for mode = "shadow"; the exact mode has nothing to lower')
            return self
        try:
            complete(self.precision, self.mode, self.hartree)
        except ValueError as error:
            raise wrong("precision", f"is wrong: {error}") from None
        return self

    @property
    def precision_label(self) -> str:
        """The precision on a few words."""
        return self.precision if isinstance(self.precision, str) else " ".join(self.precision.values())

    @property
    def n_steps(self) -> int:
        """Number of steps of the whole run."""
        if self.steps is not None:
            return self.steps
        if self.time is None:
            raise AssertionError("validated: one of the two is given")
        return round(self.time / self.dt)


class NucleiSettings(Section):
    """``[nuclei]``: how the nuclei move, see docs/nuclei.md."""

    motion: Literal["fixed", "ehrenfest", "hopping", "mesh"] = "fixed"
    steps_per_md: Count = 1000
    basis_every: Count = 1
    temperature: Energy = 0.0
    thermostat: Literal["none", "langevin", "nose-hoover"] = "none"
    relaxation_time: PositiveTime | None = None
    masses: dict[str, Annotated[float, Field(gt=0)]] = {}
    excitation: tuple[Count, Count] | None = None
    rescale: Literal["coupling", "velocity"] = "coupling"
    frustrated: Literal["keep", "reverse"] = "keep"
    decoherence: Energy = 0.1
    dephasing_time: Time | None = None

    @model_validator(mode="after")
    def _check(self) -> NucleiSettings:
        if self.steps_per_md % 2:
            raise wrong("steps_per_md", f"is {self.steps_per_md}; the nuclei move in the middle: give an even number")
        if self.thermostat != "none" and not (self.temperature and self.relaxation_time):
            raise wrong("thermostat", "needs 'temperature' and 'relaxation_time', both above 0")
        if self.motion == "hopping" and self.excitation is None:
            raise wrong("excitation", "is missing; give the band an electron leaves and the one it goes to, from 1")
        unknown = [element for element in self.masses if element not in atomic_numbers]
        if unknown:
            raise wrong("masses", f"names {unknown[0]!r}, which is no element; give symbols such as H")
        return self


class PrecisionSettings(Section):
    """``[precision]``: the error that ``precision = "planned"`` may make, and how often it is watched."""

    observable: Literal["n_exc", "polarization", "J", "energy", "norm"] = "n_exc"
    budget: Annotated[float, Field(gt=0)] | None = None
    sentinel: Count = 100


class Parallel(Section):
    """``[parallel]``: how the ranks of mpirun share out the work; what is not given follows from their number."""

    domains: Count | None = None
    bands: Count | None = None
    space: Count | None = None

    def layout(self, ranks: int, work: Work) -> Layout:
        """Ranks for domains, bands and planes, see `choose_layout`."""
        return choose_layout(ranks, work, self.domains, self.bands, self.space)


class MaxwellSettings(Section):
    """``[maxwell]``: light that is changed by the electrons, in a row of domains or in one cell of a bulk.

    ``stride`` is the number of steps of ``[dynamics]`` in one step of the wave.
    """

    field: Literal["wave", "induced", "incident"] = "wave"
    domains: Count = 1
    spacing: PositiveLength | None = None
    vacuum_before: Length = 0.0
    vacuum_after: Length = 0.0
    axis: Literal["x", "y", "z"] = "x"
    stride: Count = 5
    density_of: Count = 1

    @model_validator(mode="after")
    def _check(self) -> MaxwellSettings:
        if self.field == "wave" and self.spacing is None:
            raise wrong("spacing", "is missing; give the length of a cell of the wave, such as '5 nm'")
        if self.field != "wave":
            if self.domains != 1:
                raise wrong("domains", f'must be 1 with field = "{self.field}", which has one cell in it')
            if self.spacing is not None:
                raise wrong("spacing", f'is for field = "wave"; field = "{self.field}" has no cells side by side')
        if self.density_of > self.domains:
            raise wrong("density_of", f"is {self.density_of}, and there are {self.domains} domains; give one of them")
        return self

    @property
    def cells(self) -> tuple[int, int]:
        """Cells of vacuum before and after the domains: as many as hold the lengths, two at least."""
        if self.spacing is None:
            raise AssertionError("validated: a wave has a spacing")
        before, after = (max(2, math.ceil(v / self.spacing - 1e-9)) for v in (self.vacuum_before, self.vacuum_after))
        return before, after


class Output(Section):
    """``[output]``: observe every ``every`` steps, write a checkpoint every ``checkpoint_every``."""

    every: Count = 10
    checkpoint_every: Count = 500
    plots: Switch = True


class RunSettings(Section):
    """``[run]``: what concerns the run as a whole."""

    seed: CountOrZero = 0


class Config(Section):
    """A whole input file.

    Examples
    --------
    >>> config = Config.model_validate({
    ...     "system": {"cell": [8, 8, 8], "atoms": [["He", 0.5, 0.5, 0.5]]},
    ...     "grid": {"spacing": "0.2 angstrom"},
    ...     "dynamics": {"dt": "2 as", "time": "1 fs"},
    ... })
    >>> config.dynamics.n_steps
    500
    """

    title: str = ""
    system: System
    grid: Grid
    ground_state: GroundStateSettings = GroundStateSettings()
    domains: DomainSettings | None = None
    laser: LaserSettings = NoLaser(type="none")
    dynamics: Dynamics
    nuclei: NucleiSettings = NucleiSettings()
    precision: PrecisionSettings = PrecisionSettings()
    parallel: Parallel = Parallel()
    maxwell: MaxwellSettings | None = None
    output: Output = Output()
    run: RunSettings = RunSettings()

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.dynamics.precision == "planned" and self.precision.budget is None:
            raise wrong("[precision] budget", "is missing; give the largest error allowed, such as 1e-3")
        self._check_nuclei()
        if self.domains is not None and not self.ground_state.smearing:
            raise wrong(
                "[ground_state] smearing",
                "is 0, but domains share their electrons by a chemical potential; give a width such as \"0.1 eV\"",
            )
        return self

    def _check_nuclei(self) -> None:
        motion, mode = self.nuclei.motion, self.dynamics.mode
        if motion == "fixed":
            return
        if self.dynamics.precision == "planned":
            raise wrong("[dynamics] precision", "cannot be planned for nuclei that move; give levels")
        if motion in ("hopping", "mesh") and (self.ground_state.kpoints != (1, 1, 1) or self.ground_state.smearing):
            raise wrong("[nuclei] motion", f'"{motion}" takes full or empty states at Gamma: no kpoints or smearing')
        if motion == "hopping" and self.laser.type != "none":
            raise wrong("[laser] type", 'is felt by nuclei in motion "ehrenfest" and "mesh" only; take one of these')
        if motion == "mesh" and mode == "exact" and self.nuclei.dephasing_time is None:
            raise wrong("[nuclei] dephasing_time", 'is missing; only mode = "shadow" knows the gaps to estimate it by')
