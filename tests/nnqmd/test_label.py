"""Labels by QXMD: right settings, resumed after a stop, refused where they cannot be."""

from __future__ import annotations

from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.calculator import Calculator
from ase.calculators.lj import LennardJones
from ase.units import Bohr, Hartree
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.dcmesh.qxmd import ground_state
from mlmd.errors import MlmdError
from mlmd.io.input import parse
from mlmd.nnqmd.dataset import labels, read_frames, read_structures
from mlmd.nnqmd.labelling import Labelling, Solver

SETTINGS = """
[grid]
shape = [20, 20, 20]
[ground_state]
extra_bands = 3
tolerance = 1e-7
smearing = "0.05 eV"
[electrons]
excited = EXCITED
atoms = 2
"""


def write(folder: Path, excited: float, count: int = 3) -> tuple[Path, Path]:
    frames = [
        ase.Atoms("H2", [[2, 2, 2 - d / 2], [2, 2.05, 2 + d / 2]], cell=[4, 4, 4], pbc=True)
        for d in np.linspace(0.7, 1.1, count)
    ]
    ase.io.write(folder / "h2.xyz", frames, format="extxyz")
    (folder / "settings.toml").write_text(SETTINGS.replace("EXCITED", str(excited)))
    return folder / "settings.toml", folder / "h2.xyz"


def label(*arguments: object) -> str:
    answer = CliRunner().invoke(app, ["nn", "label", *map(str, arguments)])
    return f"{answer.exit_code} {' '.join(answer.output.split())}"


@pytest.mark.parametrize("excited", [0.0, 0.5])
def test_labels_are_those_of_qxmd(tmp_path: Path, excited: float) -> None:
    settings, structures = write(tmp_path, excited)
    assert label(settings, structures, "--out", tmp_path / "out.xyz").startswith("0 ")
    last = read_frames(tmp_path / "out.xyz")[-1]
    state = ground_state(last, (20, 20, 20), extra_bands=3, tol=1e-7, smearing=0.05 / 27.211386245988, excited=excited)
    assert labels(last)["energy"] == pytest.approx(state.energy["total"] * 27.211386245988, abs=1e-5)
    np.testing.assert_allclose(labels(last)["forces"], state.forces() * 51.422067, atol=1e-4)


def test_a_stopped_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, structures = write(tmp_path, 0.0)
    out, solve, count = tmp_path / "out.xyz", Solver.solve, iter(range(100))

    def dies(self: Solver, frame: ase.Atoms, place: str) -> ase.Atoms:
        if next(count) == 2:
            raise KeyboardInterrupt
        return solve(self, frame, place)

    monkeypatch.setattr(Solver, "solve", dies)
    assert label(settings, structures, "--out", out).startswith("1") or len(read_frames(out)) == 2
    before = read_frames(out)
    monkeypatch.setattr(Solver, "solve", solve)
    assert label(settings, structures, "--out", out).startswith("0 ")
    after = read_frames(out)
    assert len(before) == 2 and len(after) == 3
    assert [labels(f)["energy"] for f in after[:2]] == [labels(f)["energy"] for f in before]
    other, _ = write(tmp_path, 0.1)
    assert "2 " in (text := label(other, structures, "--out", out))[:2] and "other structures or settings" in text


def test_what_cannot_be_is_named(tmp_path: Path) -> None:
    settings, structures = write(tmp_path, 2.5)
    text = label(settings, structures, "--out", tmp_path / "out.xyz")
    assert text.startswith("2 ") and "structure 1 of" in text and "2.5 of 2 electrons cannot be lifted" in text
    assert not (tmp_path / "out.xyz").exists()


def springs() -> Calculator:
    return LennardJones(epsilon=0.1, sigma=0.7, rc=1.9)


def test_labels_onto_a_model_are_its_own_and_what_excitation_changes(tmp_path: Path) -> None:
    """E = E_model + E(n) - E(0) - zero, and its gradient, without the force of the grid on all atoms together."""
    settings, structures = write(tmp_path, 0.5)
    settings.write_text(settings.read_text() + 'zero = "5 eV"\n')
    parsed = parse(Labelling, settings.read_text(), settings)
    frame = read_structures(structures)[0]
    found = labels(Solver(parsed, springs()).solve(frame, "here"))
    options = {"extra_bands": 3, "tol": 1e-7, "smearing": 0.05 / Hartree}
    below, above = (ground_state(frame, (20, 20, 20), excited=n, **options) for n in (0.0, 0.5))
    frame.calc = springs()
    energy = frame.get_potential_energy() + (above.energy["total"] - below.energy["total"]) * Hartree - 5.0
    assert found["energy"] == pytest.approx(energy, abs=1e-4)
    change = (above.forces() - below.forces()) * Hartree / Bohr
    np.testing.assert_allclose(found["forces"], frame.get_forces() + change - change.mean(axis=0), atol=1e-3)


def test_differences_need_lifted_electrons(tmp_path: Path) -> None:
    settings, _ = write(tmp_path, 0.0)
    with pytest.raises(MlmdError, match="no electrons are lifted"):
        Solver(parse(Labelling, settings.read_text(), settings), springs())


def test_labels_with_a_cutoff_are_those_of_qxmd_with_it(tmp_path: Path) -> None:
    settings, structures = write(tmp_path, 0.0, count=1)
    settings.write_text(settings.read_text().replace("[ground_state]", '[ground_state]\ncutoff = "14 hartree"'))
    assert label(settings, structures, "--out", tmp_path / "out.xyz").startswith("0 ")
    (frame,) = read_frames(tmp_path / "out.xyz")
    state = ground_state(frame, (20, 20, 20), extra_bands=3, tol=1e-7, smearing=0.05 / Hartree, cutoff=14.0)
    assert labels(frame)["energy"] == pytest.approx(state.energy["total"] * Hartree, abs=1e-5)
