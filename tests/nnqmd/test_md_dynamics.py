"""A dynamics and its record: stopped and gone on with bit by bit, errors that leave what is written."""

from __future__ import annotations

import itertools
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import units

from mlmd.errors import CheckpointError, InputError, MlmdError, NumericsError
from mlmd.interrupt import Interrupted
from mlmd.nnqmd.md.dynamics import Dynamics, Plan, Settings, prepare
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.particles import make_system
from mlmd.nnqmd.md.record import Record

from .md_potential import SYMBOLS, Gupta, alloy

PLAN = Plan(steps=60, rows=3, frames=10, checkpoints=25)
ENSEMBLES = ("nve", "langevin", "nose-hoover", "npt", "npt-axes")


def dynamics(folder: Path, settings: Settings, potential: Any = None) -> Dynamics:
    start = alloy((2, 2, 2), kelvin=1200)
    record = Record(folder, start, {"options": vars(settings)})
    return Dynamics(make_system(start, SYMBOLS), Forces([potential or Gupta()]), settings, record)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_a_stopped_run_goes_on_to_the_last_bit(tmp_path: Path, ensemble: Any) -> None:
    """Stopped between two lists of neighbours, after a row and a frame beyond the checkpoint, and at any step."""
    settings = Settings(ensemble, temperature=1200, step=3.0, thermostat=30, barostat=100, friction=0.02)
    whole = dynamics(tmp_path / "whole", settings)
    whole.run(PLAN)
    for stop in (17, 41):
        count = itertools.count(1)
        with pytest.raises(Interrupted, match="stopped after step"):
            dynamics(tmp_path / "parts", settings).run(PLAN, stop=lambda count=count, stop=stop: next(count) == stop)
    dynamics(tmp_path / "parts", settings).run(PLAN)
    for name in ("observables.csv", "trajectory.xyz"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert whole.load.lists > 3


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    settings = Settings("nve", step=3.0)
    dynamics(tmp_path / "whole", settings).run(PLAN)

    class Killed(BaseException):
        pass

    def kill(row: Any) -> None:
        if row.step == 45:
            raise Killed

    with pytest.raises(Killed):
        dynamics(tmp_path / "parts", settings).run(PLAN, kill)
    with (tmp_path / "parts" / "trajectory.xyz").open("a") as file:
        file.write("32\nLattice=")  # a frame that was cut off
    dynamics(tmp_path / "parts", settings).run(PLAN)
    for name in ("observables.csv", "trajectory.xyz"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


class Fading:
    """An excited state that is gone after forty steps, and a bath that warms up."""

    def fraction(self, time: float) -> float:
        return max(0.0, 1 - time / 120.0)

    def temperature(self, time: float) -> float:
        return 300.0 + 3.0 * time


class Strong(Gupta):
    """Another potential."""

    strength = 1.3


def fading(folder: Path, course: Any) -> Dynamics:
    start, settings = alloy((2, 2, 2), kelvin=300), Settings("langevin", temperature=300, step=3.0, friction=0.02)
    system = make_system(start, SYMBOLS, weights=np.linspace(0, 1, len(start)))
    forces = Forces([Gupta(), Strong()])
    return Dynamics(system, forces, settings, Record(folder, start, {"options": vars(settings)}), course)


def test_a_course_is_gone_on_with_to_the_last_bit_and_leaves_the_ground_state(tmp_path: Path) -> None:
    fading(tmp_path / "whole", Fading()).run(PLAN)
    for stop in (17, 41):
        count = itertools.count(1)
        with pytest.raises(Interrupted):
            fading(tmp_path / "parts", Fading()).run(PLAN, stop=lambda count=count, stop=stop: next(count) == stop)
    fading(tmp_path / "parts", Fading()).run(PLAN)
    for name in ("observables.csv", "trajectory.xyz"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    last = fading(tmp_path / "whole", Fading())
    ground = make_system(alloy((2, 2, 2)), SYMBOLS)
    ground.particles = last.system.particles.rows(np.arange(last.system.atoms))
    Forces([Gupta()]).update(ground)
    np.testing.assert_allclose(ground.particles.forces, last.system.particles.forces, atol=1e-12)


def test_a_course_heats_the_bath(tmp_path: Path) -> None:
    """The bath of the settings has 300 K, that of the course 3,000 K."""

    class Hot(Fading):
        def temperature(self, time: float) -> float:
            return 3000.0

    settings = Settings("langevin", temperature=300, step=3.0, friction=0.1)
    start = alloy((2, 2, 2), kelvin=300)
    record = Record(tmp_path, start, {"options": vars(settings)})
    run = Dynamics(make_system(start, SYMBOLS), Forces([Gupta()]), settings, record, Hot())
    run.run(Plan(steps=100))
    assert run.system.kinetic_energy() / (1.5 * len(start) * units.kB) > 1500


def test_the_record_is_that_of_the_dynamics(tmp_path: Path) -> None:
    dynamics(tmp_path, Settings("nve", step=3.0)).run(PLAN)
    table = np.genfromtxt(tmp_path / "observables.csv", delimiter=",", names=True)
    frames = ase.io.read(tmp_path / "trajectory.xyz", ":")
    assert table["step"].tolist() == list(range(0, 61, 3))
    assert [frame.info["step"] for frame in frames] == list(range(0, 61, 10))
    frame, row = frames[3], table[10]
    assert frame.get_potential_energy() == pytest.approx(row["potential_eV"], abs=1e-6)
    assert frame.get_kinetic_energy() == pytest.approx(row["kinetic_eV"], abs=1e-5)
    assert row["temperature_K"] == pytest.approx(2 * row["kinetic_eV"] / (93 * units.kB))
    moved = frames[-1].positions - frames[-2].positions
    assert np.abs(moved).max() < 1.0  # not wrapped


class Bursting(Gupta):
    """NaN from some evaluation on."""

    def __init__(self, last: int) -> None:
        self.left = last

    def __call__(self, edges):  # type: ignore[no-untyped-def]
        energies, gradients = super().__call__(edges)
        self.left -= 1
        return energies, gradients * (1 if self.left >= 0 else np.nan)


def test_forces_that_are_not_finite_leave_what_was_written(tmp_path: Path) -> None:
    settings = Settings("nve", step=3.0)
    dynamics(tmp_path / "whole", settings).run(PLAN)
    with pytest.raises(NumericsError, match="step 42: energy or forces are not finite"):
        dynamics(tmp_path / "burst", settings, Bursting(43)).run(PLAN)
    frames = ase.io.read(tmp_path / "burst" / "trajectory.xyz", ":")
    assert [frame.info["step"] for frame in frames] == [0, 10, 20, 30, 40]
    dynamics(tmp_path / "burst", settings).run(PLAN)  # the potential is repaired
    assert (tmp_path / "burst" / "trajectory.xyz").read_bytes() == (tmp_path / "whole" / "trajectory.xyz").read_bytes()


def test_checkpoints_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamics(tmp_path, Settings("nve", step=3.0)).run(PLAN)
    with pytest.raises(CheckpointError, match=r"it differs in \[options\] step"):
        dynamics(tmp_path, Settings("nve", step=2.0))
    checkpoint = tmp_path / "checkpoint.h5"
    whole = checkpoint.read_bytes()
    monkeypatch.setattr("mlmd.nnqmd.md.record.Particles", make_dataclass("Fewer", ["ids"]))
    with pytest.raises(CheckpointError, match="was written by another version"):
        dynamics(tmp_path, Settings("nve", step=3.0))
    monkeypatch.undo()
    (tmp_path / "trajectory.xyz").write_text("")
    with pytest.raises(InputError, match=r"has 0 bytes, \d+ were written"):
        dynamics(tmp_path, Settings("nve", step=3.0))
    checkpoint.write_bytes(whole[:-1000])
    with pytest.raises(CheckpointError, match="is cut off or was changed"):
        dynamics(tmp_path, Settings("nve", step=3.0))


def test_files_of_others_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "trajectory.xyz").write_text("of somebody else")
    with pytest.raises(InputError, match="is there, and no checkpoint with it"):
        dynamics(tmp_path, Settings("nve", step=3.0))
    assert (tmp_path / "trajectory.xyz").read_text() == "of somebody else"


def test_a_full_disk_leaves_whole_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = dynamics(tmp_path, Settings("nve", step=3.0))
    before = (tmp_path / "trajectory.xyz").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlmd.nnqmd.md.record.os.fsync", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
        running.run(Plan(steps=60, rows=1000, frames=10))
    assert (tmp_path / "trajectory.xyz").read_bytes() == before


def test_settings_that_cannot_be() -> None:
    with pytest.raises(MlmdError, match="npt needs a temperature"):
        Settings("npt")
    slab = alloy()
    slab.pbc = (True, True, False)
    with pytest.raises(MlmdError, match="periodic along all axes"):
        prepare(slab, Settings("npt", temperature=300))


def test_velocities_are_drawn_where_there_are_none() -> None:
    atoms = alloy((4, 4, 4))
    kept = prepare(atoms, Settings(temperature=900))
    assert np.array_equal(kept.get_momenta(), atoms.get_momenta())
    atoms.set_momenta(np.zeros((len(atoms), 3)))
    drawn = prepare(atoms, Settings(temperature=900))
    assert drawn.get_temperature() == pytest.approx(900, rel=0.15)
    np.testing.assert_allclose(drawn.get_momenta().sum(axis=0), 0, atol=1e-10)
    assert not prepare(atoms, Settings()).get_momenta().any()
