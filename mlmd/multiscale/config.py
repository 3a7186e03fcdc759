"""The input of a photo-switching: a polar texture, a pulse of light, and what becomes of the texture.

Sections ``[grid]``, ``[ground_state]`` and ``[dynamics]`` are those of a run of DC-MESH (:mod:`mlmd.config`), which
takes local cells of the crystal through the light.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .. import units
from ..config import Dynamics, Grid, GroundStateSettings, Output, PulseSettings
from ..sections import (
    Angle,
    Count,
    CountOrZero,
    Direction,
    Energy,
    Fluence,
    PositiveEnergy,
    PositiveLength,
    PositiveTime,
    Section,
    Time,
    Wavelength,
    exactly_one,
    wrong,
)
from .textures import Texture


class Crystal(Section):
    """``[crystal]``: cells along x, y, z, lattice constants a and c of PbTiO3, layers of SrTiO3 on top."""

    cells: tuple[Count, Count, Count]
    lattice: tuple[PositiveLength, PositiveLength]
    strontium: CountOrZero = 0

    @model_validator(mode="after")
    def _check(self) -> Crystal:
        if self.strontium >= self.cells[2]:
            raise wrong("strontium", f"leaves no layer of PbTiO3 among {self.cells[2]}; take fewer")
        return self


class Networks(Section):
    """``[networks]``: models of the ground and of the excited state, and electrons of a formula unit in the latter.

    ``mm`` names the model that takes the place of the networks in SrTiO3.
    """

    ground: str = "pto_ground"
    excited: str = "pto_excited"
    electrons: Annotated[float, Field(gt=0)] = 0.6
    mm: Literal["srtio3"] | None = None


class Prepare(Section):
    """``[prepare]``: the texture relaxes, then moves for a time at the temperature of the run."""

    force: Annotated[float, Field(gt=0)] = 0.02
    iterations: Count = 100
    time: PositiveTime = units.parse("0.2 ps", "time")
    friction_time: PositiveTime = units.parse("50 fs", "time")


class Domains(Section):
    """``[domains]``: blocks of cells that light excites alike; each has a local cell.

    At most ``local_cells`` of them, and no more than bring every domain within ``tolerance`` of one, go through the
    light.
    """

    cells: tuple[Count, Count, Count] = (2, 2, 1)
    local_cells: Count = 3
    tolerance: PositiveLength = units.parse("0.02 angstrom", "length")


class Laser(Section):
    """``[laser]``: the pulse of DC-MESH, and the fluences to try."""

    photon_energy: PositiveEnergy | None = None
    wavelength: Wavelength | None = None
    fluences: Annotated[list[Fluence], Field(min_length=1)]
    duration: PositiveTime
    polarization: Direction = (0.0, 0.0, 1.0)
    phase: Angle = 0.0

    @model_validator(mode="after")
    def _check(self) -> Laser:
        exactly_one(self, "photon_energy", "wavelength")
        if len(set(self.fluences)) < len(self.fluences):
            raise wrong("fluences", "holds one twice")
        return self

    def pulse(self, fluence: float) -> PulseSettings:
        """The pulse of a fluence (atomic units)."""
        return PulseSettings(
            type="sin2",
            photon_energy=self.photon_energy,
            wavelength=self.wavelength,
            fluence=fluence,
            duration=self.duration,
            polarization=self.polarization,
            phase=self.phase,
        )


class Carriers(Section):
    """``[carriers]``: how long the lifted electrons stay, and what of the absorbed energy heats the lattice.

    ``heat`` is the share of the energy absorbed that goes to the lattice as electrons fall back; the lattice loses its
    heat to the rest of the sample within ``heat_loss``.
    """

    lifetime: PositiveTime
    heat: Annotated[float, Field(ge=0, le=1)] = 0.0
    heat_loss: PositiveTime = units.parse("10 ps", "time")


class Switch(Section):
    """``[switch]``: the dynamics under what the light left, and in the dark."""

    time: PositiveTime
    step: PositiveTime = units.parse("2 fs", "time")
    temperature: Energy
    friction_time: PositiveTime = units.parse("0.2 ps", "time")
    seeds: Annotated[list[CountOrZero], Field(min_length=1)] = [0]
    frame: PositiveTime = units.parse("20 fs", "time")
    window: PositiveTime = units.parse("100 fs", "time")
    checkpoint: Time = units.parse("0.2 ps", "time")

    @model_validator(mode="after")
    def _check(self) -> Switch:
        for key in ("frame", "window", "checkpoint", "time"):
            if getattr(self, key) < self.step:
                raise wrong(key, "is shorter than one 'step'")
        if not self.frame <= self.window <= self.time:
            raise wrong("window", "must be at least 'frame' and at most 'time'")
        if len(set(self.seeds)) < len(self.seeds):
            raise wrong("seeds", "holds one twice")
        return self


class SwitchConfig(Section):
    """A whole input file of a photo-switching."""

    title: str = ""
    texture: Texture
    crystal: Crystal
    networks: Networks = Networks()
    prepare: Prepare = Prepare()
    domains: Domains = Domains()
    grid: Grid
    ground_state: GroundStateSettings = GroundStateSettings()
    laser: Laser
    dynamics: Dynamics
    carriers: Carriers
    switch: Switch
    output: Output = Output()

    @model_validator(mode="after")
    def _check(self) -> SwitchConfig:
        for count, size in zip(self.crystal.cells, self.domains.cells, strict=True):
            if count % size:
                raise wrong("[domains] cells", f"{size} does not divide the {count} cells of [crystal]")
        if self.crystal.strontium and self.networks.mm is None:
            raise wrong("[networks] mm", 'is missing; the networks know no Sr: give mm = "srtio3"')
        return self
