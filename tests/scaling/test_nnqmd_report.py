"""``mlmd scaling --workload nnqmd``: from bricks to a report; the counts of a brick are those of its kernels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.perf.scaling.machines import AURORA
from mlmd.perf.scaling.model import Rate, Roofs, elsewhere, seconds
from mlmd.perf.scaling.report import MEASURED, PROJECTED, PUBLISHED, as_json
from mlmd.perf.scaling.tables import tables
from mlmd.scaling import nnqmd_analysis
from mlmd.scaling.nnqmd import cube, load
from mlmd.scaling.nnqmd_analysis import Measured, described, report, work_of
from mlmd.scaling.records import BrickRun, RoofsRun

ROOFS = Roofs(1e11, 2e10)
NEIGHBOURS = 50
WEIGHTS = 51_136
TRUE = {
    "dense": Rate(0.0, 0.9, 0.0),
    "edges": Rate(1e-3, 0.5, 0.0),
    "network": Rate(7e-3, 0.002, 0.0),
    "neighbours": Rate(0.0, 0.02, 0.0),
    "atoms": Rate(2e-5, 0.5, 0.0),
}


def made_up(cells: int) -> BrickRun:
    """A brick on a machine that follows the model exactly."""
    atoms, ghosts = 5 * cells**3, 5 * (cells + 3) ** 3 - 5 * cells**3
    pairs = NEIGHBOURS * atoms
    counted = {
        "dense": (0.0, 9000.0 * pairs, 13000.0 * pairs, 0.0),
        "edges": (0.0, 12000.0 * pairs, 9000.0 * pairs, 0.0),
    }
    run = BrickRun(
        model="made up", size="l_max 2, 2 layers, 64/16", weights=WEIGHTS, cutoff=5.2, cells=cells, atoms=atoms,
        ghosts=ghosts, pairs=pairs, seconds=1.0, parts=counted, held=4e5 * atoms,
    )  # fmt: skip
    work = work_of(run, described(run)[1])
    parts = {name: (w.calls, w.nbytes, w.flops, seconds({name: w}, TRUE, ROOFS)) for name, w in work.items()}
    return run.model_copy(update={"parts": parts, "seconds": seconds(work, TRUE, ROOFS)})


@pytest.fixture
def measured() -> Measured:
    """Everything that one rank can measure."""
    fitted, held = ([made_up(n) for n in cells] for cells in ((2, 3, 4), (5, 6)))
    return Measured(RoofsRun(flops=1e11, bandwidth=2e10, nbytes=2**28), fitted, held, None, [])


def test_model_machine_is_found_and_projected(measured: Measured) -> None:
    """Held-out bricks to rounding; the projection is the model with the rates of the other machine."""
    found = report("weak", measured, AURORA, [])
    assert [check.held_out for check in found.checks] == [False] * 3 + [True] * 2
    assert max(abs(check.error) for check in found.checks) < 1e-9
    last = found.curves[0].runs[-1]
    crystal, network = described(measured.held_out[-1])
    expected = seconds(load(cube(160_000, crystal), network), elsewhere(TRUE), AURORA.roofs())
    assert last.compute == pytest.approx(expected, rel=1e-9)
    assert (last.ranks, last.quantity) == (120_000, 1.92e10)
    assert 0 < last.messages < last.compute


def test_measured_projected_and_published_are_told_apart(measured: Measured) -> None:
    """Each time to solution says where it comes from; for each weight, and for an atom of a rank."""
    whole = report("strong", measured, AURORA, [])
    assert [row.source for row in whole.solutions] == [MEASURED] * 5 + [PROJECTED] * 2 + [PUBLISHED] * 2
    paper = whole.solutions[-1]
    assert paper.weights is not None and paper.seconds / paper.weights == pytest.approx(1.876e-15, rel=1e-3)
    console = Console(width=250, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for item in tables(whole):
        console.print(item)
    text = console.export_text()
    assert text.index("MEASURED on this machine") < text.index("PROJECTED to Aurora")
    assert "s/(atom weight step)" in text and "1.88e-15" in text and "155.3" in text and "l_max 2, 2 layers" in text
    assert "s per MD step" in text and text.count("0.773") == 1
    run = measured.held_out[-1]
    assert f"{run.seconds / run.atoms / WEIGHTS:.3g}" in text and f"{1e6 * run.seconds / run.atoms:.4g}" in text
    only = report("strong", measured, None, [])
    assert {row.source for row in only.solutions} == {MEASURED, PUBLISHED}
    assert only.curves == [] and json.dumps(as_json(whole))


def test_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bricks are measured once, files are written; what is counted is what the kernels were asked for."""
    pytest.importorskip("nequip", reason="nequip is not installed: pip install 'mlmd[nn]'")
    pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")
    for name, value in (("QUICK_FITTED", (1, 2)), ("QUICK_HELD_OUT", (3,)), ("MIN_ROUNDS", 1), ("LEAST_SECONDS", 0.0)):
        monkeypatch.setattr(nnqmd_analysis, name, value)
    monkeypatch.setattr("mlmd.scaling.measure.BEYOND_CACHES", 2**20)
    monkeypatch.setattr("mlmd.scaling.measure.ROUNDS", 3)
    options = ["scaling", "--weak", "--workload", "nnqmd", "--quick", "--ranks", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "nnqmd_weak.png").read_bytes().startswith(b"\x89PNG")
    small, large = (
        BrickRun.model_validate_json((tmp_path / "measured_pto_ground" / f"brick_of_{n}^3_cells.json").read_text())
        for n in (2, 3)
    )
    assert (small.atoms, large.atoms) == (40, 135)
    assert all(small.parts[name][3] > 0 for name in ("dense", "edges", "network", "neighbours", "atoms"))
    for part in ("dense", "edges"):  # each pair is the same work; couplings of atoms are a small rest
        each = [run.parts[part][2] / run.pairs for run in (small, large)]
        assert each[0] == pytest.approx(each[1], rel=0.02 if part == "dense" else 0.4)
    result = CliRunner().invoke(app, [*options[:1], "--strong", *options[2:]])
    assert result.exit_code == 0 and "measuring" not in result.output


def test_a_brick_gives_the_forces_of_the_crystal() -> None:
    """Pairs of own atoms alone, forces on ghosts handed back: the forces of the periodic cell."""
    pytest.importorskip("nequip", reason="nequip is not installed: pip install 'mlmd[nn]'")
    pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")
    import ase
    import numpy as np

    from mlmd.nnqmd.calculator import NeuralNetwork
    from mlmd.nnqmd.shipped import shipped_model
    from mlmd.perf.parts import PartClock
    from mlmd.scaling.brick import Rank
    from mlmd.scaling.crystal import CELL

    cells = 2
    rank, sides = Rank(shipped_model("pto_ground"), cells), cells * np.array(CELL)
    home, places = rank.positions[: rank.own].copy(), rank.positions[rank.own :].copy()
    away = (places[:, None] - home) / sides
    owner = np.argmin(np.linalg.norm(away - np.rint(away), axis=2), axis=1)
    turns = np.rint((places - home[owner]) / sides)
    assert np.all(np.abs(turns).max(axis=1) >= 1)
    rank.positions[rank.own :] = home[owner] + turns * sides  # images of the atoms, stirred as they are
    rank.step(PartClock())
    together = rank.forces[: rank.own].copy()
    np.add.at(together, owner, rank.forces[rank.own :])
    own = ase.Atoms(rank.atoms.symbols[: rank.own], home, cell=sides, pbc=True)
    own.calc = NeuralNetwork(shipped_model("pto_ground"))
    np.testing.assert_allclose(together, own.get_forces(), atol=5e-5)
