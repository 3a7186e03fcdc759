"""Records survive JSON; tables say what is in them; the documentation shows the records that are kept."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mlmd.errors import MlmdError
from mlmd.perf import refresh_docs
from mlmd.perf.record import Record, from_json, make_row, to_json, write
from mlmd.perf.render import markdown, shown
from mlmd.perf.roofs import Roofs
from mlmd.tuning.timing import Timing

ROOT = Path(__file__).resolve().parents[2]
ROOFS = Roofs(2, "v4", 2**20, 3e10, 2e10, 1e10, 4e11, 2e11, 3e12, "AMX")
PROBLEM = {"shape": [4, 6, 8], "norb": 2, "dtype": "complex64", "threads": 2, "rank": 2}


def kernel_record() -> Record:
    base, slow, roof = Timing("cpu", (2e-3,) * 5), Timing("numba", (5e-3,) * 5), Timing("roof", (1e-3,) * 5)
    rows = [
        make_row(base, base, flops=4e6, nbytes=2e6, roofs={"in place": (2e6, 2e9)}),
        make_row(slow, base, flops=4e6, nbytes=2e6, roofs={"in place": (2e6, 2e9)}),
        make_row(roof, base, nbytes=2e6),
    ]
    return Record("kin_prop", "mlmd bench kin_prop", PROBLEM, "cpu", rows, ROOFS, ["reference left out: slow"])


def table3_record() -> Record:
    times = {name: Timing(name, (s,) * 5) for name, s in (("baseline", 8.0), ("blocked", 0.5), ("hierarchical", 0.25))}
    rows = [make_row(timing, times["baseline"]) for timing in times.values()]
    return Record("table3", "mlmd bench table3", PROBLEM, "baseline", rows)


def step_record() -> Record:
    step = Timing("whole step", (0.5,) * 5)
    kin = {"part": "kin", "seconds": 0.01, "calls": 1.0, "nbytes": 1e8, "flops": 1e9, "roof": "read", "fraction": 0.5}
    rest = {"part": "rest", "seconds": 0.04, "calls": 0, "nbytes": 0, "flops": 0, "roof": "", "fraction": None}
    extra = {"parts": [kin, rest], "electrons": 4.0, "seconds_per_step": 0.05, "seconds_per_electron_step": 0.014}
    problem = PROBLEM | {"work": "toy"}
    return Record("step", "mlmd bench step", problem, "whole step", [make_row(step, step)], ROOFS, extra=extra)


def text_of(record: Record) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(shown(record))
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("make", [kernel_record, table3_record, step_record])
def test_json_round_trip(make: type, tmp_path: Path) -> None:
    record = make()
    assert from_json(to_json(record)) == record
    write(tmp_path / "folder" / "a.json", record)
    assert json.loads((tmp_path / "folder" / "a.json").read_text())["machine"]["cpu"] == record.machine["cpu"]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": 1}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(MlmdError, match="no record"):
        from_json(text)


def test_other_formats_are_refused() -> None:
    with pytest.raises(MlmdError, match="format 99"):
        from_json(to_json(replace(kernel_record(), format=99)))


def test_a_record_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MlmdError, match="cannot be written"):
        write(tmp_path / "file" / "a.json", kernel_record())


def test_kernel_report() -> None:
    text = text_of(kernel_record())
    for needed in ("of in place", "50 %", "20 %", "2.50", "±0 %", "4x6x8", "2 orbitals", "3000 (AMX)", "slow"):
        assert needed in text


def test_table3_report_has_the_paper_beside_ours() -> None:
    text = markdown(table3_record())
    assert "| blocked | 1 | 500 | 16.00 | 16.00-16.00 | 0.939 | 9.22 (CPU) |" in text
    assert "| hierarchical | 2 | 250 | 32.00 | 32.00-32.00 | 0.026 | 338 (GPU) |" in text


def test_step_report_has_parts_and_peers() -> None:
    text = markdown(step_record())
    assert "| kin | 10 | 20 % | 1 | 10 | 50 % read |" in text
    assert "| MLMD | toy | 4 | 2 | 4x6x8 | 0.05 | 1.4e-02 |" in text
    assert "| SALMON2 | Si8 | 32 | 16 | 16x16x16 | 0.0062 | 1.9e-04 |" in text


def test_no_bf16_unit_is_said() -> None:
    roofs = replace(ROOFS, bf16=None, bf16_unit="no AMX tiles for bf16")
    assert "bf16 no AMX tiles for bf16" in text_of(replace(kernel_record(), roofs=roofs))


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the documentation is not here")
def test_the_page_shows_the_kept_records() -> None:
    page = (ROOT / refresh_docs.PAGE).read_text()
    kept = refresh_docs.tables(ROOT / refresh_docs.RESULTS)
    assert set(kept) <= set(refresh_docs.BENCHES)
    assert refresh_docs.filled(page, kept) == page
    assert all(f"<!-- begin {name} -->" in page for name in refresh_docs.BENCHES)
