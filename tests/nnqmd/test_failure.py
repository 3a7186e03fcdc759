"""Time to failure: the fit finds a known law, each kind of failure is noticed, a study goes on where it was."""

from __future__ import annotations

from pathlib import Path

import ase
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from rich.console import Console

from mlmd.errors import InputError, MlmdError
from mlmd.interrupt import Interrupted
from mlmd.nnqmd.failure import Conditions, Lifetime, fit_power_law, lifetime
from mlmd.nnqmd.failure_command import read_lifetimes, repeats, study


class Springs(Calculator):
    """Atoms on springs to where they started; those that go further than ``wall`` are thrown out."""

    implemented_properties = ("energy", "forces")

    def __init__(self, home: np.ndarray, stiffness: float = 5.0, wall: float = np.inf, thrown: float = 1e3) -> None:
        super().__init__()
        self.home, self.stiffness, self.wall, self.thrown = home, stiffness, wall, thrown

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:  # type: ignore[no-untyped-def]
        super().calculate(atoms, properties, system_changes)
        away = self.atoms.positions - self.home
        forces = -self.stiffness * away
        forces[np.linalg.norm(away, axis=1) > self.wall] = self.thrown
        self.results = {"energy": 0.5 * self.stiffness * float(np.sum(away**2)), "forces": forces}


def weibull(exponent: float, shape: float, longest: float, seed: int) -> list[Lifetime]:
    random = np.random.default_rng(seed)
    found = []
    for atoms in (40, 120, 320, 1080):
        for k in range(30):
            time = 3000.0 * (atoms / 200) ** exponent * random.weibull(shape)
            found.append(Lifetime(atoms, k, min(time, longest), "hot" if time < longest else None))
    return found


@pytest.mark.parametrize("longest", [1e9, 3000.0])
def test_a_known_exponent_is_found_within_its_error(longest: float) -> None:
    """Over many studies, also where half of the runs did not fail: no bias, and errors that hold."""
    laws = [fit_power_law(weibull(-0.3, 1.7, longest, seed)) for seed in range(60)]
    deviations = np.array([(law.exponent + 0.3) / law.exponent_error for law in laws])
    assert abs(deviations.mean()) < 4 / 60**0.5
    assert deviations.std() == pytest.approx(1.0, abs=0.3)
    assert np.mean([law.shape for law in laws]) == pytest.approx(1.7, rel=0.05)
    truth = 3000.0 * np.log(2) ** (1 / 1.7)
    assert np.mean([law.at(200) for law in laws]) == pytest.approx(truth, rel=0.05)


def test_too_few_failures_tell_no_law() -> None:
    with pytest.raises(MlmdError, match="run longer, hotter or larger"):
        fit_power_law([Lifetime(40, k, 1e4, None) for k in range(10)])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"wall": 0.15, "thrown": 60.0}, "force 103.9 eV/Angstrom"),
        ({"wall": 0.15, "thrown": 40.0}, "temperature"),
        ({"wall": 0.15, "thrown": np.nan}, "not finite"),
    ],
)
def test_failures_are_noticed_and_named(change: dict[str, float], reason: str) -> None:
    crystal = bulk("Cu", cubic=True).repeat(2)
    conditions = Conditions(temperature=600, step=2.0, longest=2000, force=100.0)
    assert lifetime(crystal, Springs(crystal.positions), conditions, 0) == Lifetime(32, 0, 2000.0, None)
    failed = lifetime(crystal, Springs(crystal.positions, **change), conditions, 0)
    assert failed is not None and failed.time < 2000
    assert reason in str(failed.reason)


def test_a_lost_atom_is_noticed() -> None:
    crystal = bulk("Cu", cubic=True).repeat(2)
    home = crystal.positions.copy()
    cluster = ase.Atoms("Cu32", home, cell=np.diag([60.0] * 3), pbc=True)
    home[0] -= 6.0  # its spring pulls it out of the cluster
    conditions = Conditions(temperature=50, longest=4000, window=(0, 1e5), friction=0.05)
    failed = lifetime(cluster, Springs(home, stiffness=0.2), conditions, 0)
    assert failed is not None and "an atom without neighbours" in str(failed.reason)


def test_a_study_goes_on_where_it_was(tmp_path: Path) -> None:
    starts = [bulk("Cu", cubic=True).repeat((n, 1, 1)) for n in (1, 3)]
    conditions, quiet = Conditions(temperature=600, step=2.0, longest=1500, force=100.0), Console(quiet=True)

    class Walls(Springs):
        """The same wall for every size."""

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:  # type: ignore[no-untyped-def]
            self.home = next(start.positions for start in starts if len(start) == len(atoms))
            super().calculate(atoms, properties, system_changes)

    models = {"soft": Walls(starts[0].positions, wall=0.28), "hard": Walls(starts[0].positions, wall=0.33)}
    calls = iter(range(10**9))
    with pytest.raises(Interrupted):
        study(quiet, tmp_path / "parts", models, starts, 6, conditions, lambda: next(calls) > 400)
    before = read_lifetimes(tmp_path / "parts" / "lifetimes.jsonl")
    assert 0 < sum(map(len, before.values())) < 24
    for folder in ("parts", "whole"):
        study(quiet, tmp_path / folder, models, starts, 6, conditions, lambda: False)
    found, whole = (read_lifetimes(tmp_path / folder / "lifetimes.jsonl") for folder in ("parts", "whole"))
    assert found == whole
    assert (tmp_path / "whole" / "lifetimes.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="other conditions"):
        study(quiet, tmp_path / "whole", models, starts, 6, Conditions(temperature=500), lambda: False)


def test_repeats_that_are_none() -> None:
    for text in ("0", "2x2", "a", "1,,2", "2x-1x1"):
        with pytest.raises(InputError, match="is no repeat"):
            repeats(text)


def test_a_window_without_the_temperature_is_refused() -> None:
    with pytest.raises(MlmdError, match="does not hold the temperature"):
        Conditions(temperature=300, window=(400, 500))
