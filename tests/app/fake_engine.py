"""A small stand-in for the physics that keeps the promises of mlmd.engine; also runs as a program.

Its electrons are a few random orbitals driven by a sine: quick, not trivial, equal to the last bit when repeated.
``NAN_AT`` (a step) and ``STEP_SECONDS`` in the environment make it fail or take its time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from ase import Atoms
from ase.units import Bohr

from mlmd.config import Config
from mlmd.dcmesh.errors import GridError, OccupationError, PseudopotentialError, TimeStepError
from mlmd.engine import Report
from mlmd.errors import NumericsError

BANDS = 3
INPUT = """
title = "test"
[system]
cell = [8.0, 8.0, 8.0]
atoms = [["H", 0.5, 0.5, 0.41], ["H", 0.5, 0.5, 0.59]]
[grid]
shape = [8, 8, 9]
[ground_state]
extra_bands = 2
[laser]
type = "sin2"
wavelength = "267 nm"
intensity = "1e12 W/cm2"
duration = "0.04 fs"
[dynamics]
dt = "1 as"
steps = 60
backend = "reference"
[output]
every = 10
checkpoint_every = 20
plots = false
"""


class FakeGroundState:
    def __init__(self, psi: np.ndarray, electrons: int) -> None:
        self.psi, self.electrons = psi, electrons
        self.energy = {"kinetic": 1.0, "total": -1.1}
        self.eigenvalues = np.array([[-0.5, 0.1, 0.2]])
        self.occupations = np.array([[2.0, 0.0, 0.0]])
        self.kpoints, self.weights = np.zeros((1, 3)), np.ones(1)
        self.gap = 0.6
        self.density = 2.0 * np.abs(psi[..., 0]) ** 2

    def save(self, group: h5py.Group) -> None:
        group.create_dataset("psi", data=self.psi)
        group.attrs["electrons"] = self.electrons


class FakeElectrons:
    def __init__(self, config: Config, ground_state: FakeGroundState) -> None:
        self.dt, self.start, self.psi = config.dynamics.dt, ground_state, ground_state.psi.copy()
        self.step_count, self.polarization = 0, np.zeros(3)

    @property
    def time(self) -> float:
        return self.step_count * self.dt

    def field(self) -> np.ndarray:
        return np.array([0.0, 0.0, np.sin(0.3 * self.time)])

    def advance(self, n_steps: int, /) -> None:
        self.psi = self.psi * np.exp(1e-9j)  # as with fused steps, the numbers depend on the chunks
        for _ in range(n_steps):
            time.sleep(float(os.environ.get("STEP_SECONDS", "0")))
            mixing = 1e-2 * self.field()[2] * np.roll(self.psi, 1, axis=2)
            self.psi = (self.psi + 1j * mixing) * np.exp(-1j * self.dt * self.start.eigenvalues[0])
            self.polarization = self.polarization + self.dt * self.field()
            self.step_count += 1
            if self.step_count == int(os.environ.get("NAN_AT", "-1")):
                raise NumericsError(f"step {self.step_count}: psi holds NaN")

    def observe(self) -> dict[str, Any]:
        change = float(np.abs(self.psi[..., 0] - self.start.psi[..., 0]).sum())
        return {
            "n_exc": change,
            "f": self.start.occupations,
            "J": self.field() * 1e-3,
            "A": self.field(),
            "polarization": self.polarization,
            "energy": {"kinetic": 1.0 + change, "total": -1.1 + change},
            "norm": 1e-13,
        }

    def density(self) -> np.ndarray:
        return 2.0 * np.abs(self.psi[..., 0]) ** 2

    def state(self) -> dict[str, Any]:
        return {"psi": self.psi, "step": self.step_count, "sums": {"polarization": self.polarization}}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.psi, self.step_count = state["psi"], state["step"]
        self.polarization = state["sums"]["polarization"]

    def flops_per_step(self) -> float:
        return 10.0 * self.psi.size

    def precision(self) -> dict[str, Any]:
        return {"levels": {"state": "fp64"}}


class FakeEngine:
    solved = 0

    def check(self, config: Config, atoms: Atoms, shape: tuple[int, int, int]) -> list[str]:
        if config.dynamics.dt > 1.0:
            raise TimeStepError(f"dt = {config.dynamics.dt:.3g} is beyond the stability limit 1.0")
        return []

    def ground_state(
        self, config: Config, atoms: Atoms, shape: tuple[int, int, int], report: Report
    ) -> FakeGroundState:
        if "U" in atoms.get_chemical_symbols():
            raise PseudopotentialError("no pseudopotential for U")
        electrons = int(atoms.numbers.sum())
        if electrons % 2 and not config.ground_state.smearing:
            raise OccupationError(f"{electrons} electrons are an odd number: give a smearing")
        if max(atoms.cell.lengths() / Bohr / np.array(shape)) > 2.0:
            raise GridError("the grid is too coarse for the pseudopotential of H")
        for iteration in range(1, 4):
            time.sleep(float(os.environ.get("ITERATION_SECONDS", "0")))
            report(iteration, -1.1, 10.0**-iteration)
        type(self).solved += 1
        rng = np.random.default_rng(config.run.seed)
        return FakeGroundState(rng.random((*shape, BANDS)) + 0j, electrons)

    def load_ground_state(self, group: h5py.Group) -> FakeGroundState:
        return FakeGroundState(group["psi"][()], int(group.attrs["electrons"]))

    def propagator(self, config: Config, ground_state: FakeGroundState, plan: object = None) -> FakeElectrons:
        return FakeElectrons(config, ground_state)


if __name__ == "__main__":
    import resource

    import mlmd.engine
    from mlmd.cli import main

    largest = int(os.environ.get("LARGEST_FILE", "0"))
    if largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    mlmd.engine.default_engine = FakeEngine  # type: ignore[assignment]
    main()
