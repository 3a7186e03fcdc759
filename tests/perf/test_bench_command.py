"""``mlmd bench``: what it prints and writes, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.perf.record import from_json

SMALL = ["--shape", "6x6x6", "--norb", "2", "--threads", "1", "--rounds", "5"]
ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["bench", *arguments], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    return answer.exit_code, " ".join(answer.output.split())


def test_a_kernel(tmp_path: Path) -> None:
    pytest.importorskip("mlmd._cpu")
    code, text = bench("density", *SMALL, "--json", str(tmp_path / "d.json"))
    assert code == 0, text
    assert "density: grid 6x6x6, 2 orbitals, complex64, 1 thread(s)" in text
    assert "roof: read of psi" in text
    record = from_json((tmp_path / "d.json").read_text())
    assert record.command == "mlmd bench density --shape 6x6x6 --norb 2 --dtype complex64 --threads 1 --rounds 5"
    assert len(record.rows[0].seconds) == 5


def test_table3(tmp_path: Path) -> None:
    pytest.importorskip("mlmd._cpu")
    code, text = bench("table3", *SMALL)
    assert code == 0, text
    assert "9.22 (CPU)" in text


def test_roofs() -> None:
    pytest.importorskip("mlmd._cpu")
    code, text = bench("roofs", "--mib", "1", "--threads", "1")
    assert code == 0, text
    assert "arrays of 1 MiB, 1 thread(s): in place" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["kin_porp"], "there is no benchmark 'kin_porp'; did you mean 'kin_prop'?"),
        (["xyz"], "there is no benchmark 'xyz'; known: kin_prop, loc_prop,"),
        (["density", "--shape", "70x70"], "--shape is '70x70'; give three numbers joined by x"),
        (["density", "--shape", "axbxc"], "--shape is 'axbxc'"),
        (["density", "--shape", "1x8x8"], "an axis with 1 point has no neighbours"),
        (["kin_prop", "--shape", "2x8x8"], "a periodic axis with 2 points"),
        (["density", "--dtype", "float64"], "dtype is float64; give 'complex64' or 'complex128'"),
        (["density", "--rounds", "3"], "--rounds"),
        (["density", "--norb", "0"], "--norb"),
        (["density", "--threads", "0"], "--threads"),
        (["roofs", "--mib", "-1"], "--mib is -1.0; give a size above zero"),
        (["step", "nowhere.toml"], "nowhere.toml"),
        (["step", "--precision", "fp16"], "--precision"),
    ],
)
def test_refusals(arguments: list[str], words: str) -> None:
    code, text = bench(*arguments)
    assert code == 2
    assert words in text


def test_step(tmp_path: Path) -> None:
    pytest.importorskip("mlmd._cpu")
    file = tmp_path / "h2.toml"
    file.write_text(
        """
[system]
cell = [3.0, 3.0, 3.0]
atoms = [["H", 1.5, 1.5, 1.13], ["H", 1.5, 1.5, 1.87]]
[grid]
shape = [20, 20, 20]
[ground_state]
extra_bands = 2
[laser]
type = "sin2"
wavelength = "100 nm"
intensity = "1e13 W/cm2"
duration = "0.4 fs"
[dynamics]
dt = "0.4 as"
time = "0.4 fs"
"""
    )
    code, text = bench(
        "step", str(file), "--norb", "2", "--steps", "1", "--rounds", "5", "--json", f"{tmp_path}/s.json"
    )
    assert code == 0, text
    record = from_json((tmp_path / "s.json").read_text())
    parts = {part["part"]: part for part in record.extra["parts"]}
    assert {"kin", "loc", "nlp", "density", "current", "hartree", "xc", "rest"} <= set(parts)
    assert record.extra["electrons"] == 4.0
    assert sum(part["seconds"] for part in parts.values()) >= 0.999 * record.extra["seconds_per_step"]
