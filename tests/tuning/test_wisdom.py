"""The wisdom file: what goes in comes out, two writers lose nothing, bad lines are told and kept aside."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmd.tuning import wisdom
from mlmd.tuning.wisdom import WisdomError, add, aside, better, forget, read

from .fakes import KEY, entry

PRECISION = {"kernel": "precision", "device": "EPYC", "plan": "bf16x2", "nx": 32}
MANY = [entry(replace(KEY, nx=n), {"block": n}, seconds=1.0 + n) for n in range(1, 6)]


def test_entries_come_back(tmp_path: Path) -> None:
    path = tmp_path / "deep/folder/wisdom.jsonl"
    add(path, [*MANY, PRECISION])
    assert read(path).items == (*MANY, PRECISION)
    assert read(path).entries == MANY
    assert path.read_text().splitlines()[0] == '{"mlmd_wisdom": 1}'
    assert not list(path.parent.glob("*.tmp"))


def test_a_line_has_the_form_that_other_programs_read(tmp_path: Path) -> None:
    add(tmp_path / "w", [replace(entry(), date="2026-11-21")])
    assert (tmp_path / "w").read_text().splitlines()[1] == (
        '{"kernel": "density", "backend": "cpu", "device": "EPYC", "build": "b1", "threads": 2, "dtype": "complex64", '
        '"mode": "", "nx": 32, "ny": 32, "nz": 32, "norb": 16, "rank": 0, "tuning": {"block": 4}, "seconds": 1.0, '
        '"default_seconds": 2.0, "trials": 12, "date": "2026-11-21", "crc": "71977247"}'
    )


def test_a_missing_file_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "none").items == ()


def test_the_newer_entry_replaces_the_older_and_merging_keeps_the_better(tmp_path: Path) -> None:
    path, slow, fast = tmp_path / "w", entry(seconds=1.9), entry(tuning={"block": 8}, seconds=1.1)
    add(path, [fast])
    add(path, [slow])
    assert read(path).entries == [slow]
    add(path, [fast], better)
    add(path, [slow], better)
    assert read(path).entries == [fast]


def test_plans_of_precision_for_other_problems_stay(tmp_path: Path) -> None:
    path = tmp_path / "w"
    add(path, [PRECISION, PRECISION | {"nx": 64}])
    add(path, [PRECISION | {"plan": "bf16x1"}])
    assert [item["plan"] for item in read(path).items] == ["bf16x1", "bf16x2"]


def test_forgetting(tmp_path: Path) -> None:
    path = tmp_path / "w"
    add(path, MANY)
    assert forget(path, lambda item: item in MANY[1:3]) == 2
    assert read(path).entries == [MANY[0], *MANY[3:]]


def test_lines_that_do_not_hold_are_told_and_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "w"
    add(path, MANY)
    lines = path.read_text().splitlines(keepends=True)
    bad = [lines[2].replace('"block": 2', '"block": 9'), "by hand\n"]
    path.write_text("".join([*lines[:2], *bad, *lines[3:]]))
    there = read(path)
    assert [str(line).split(": ")[0] for line in there.refused] == [f"{path}:3", f"{path}:4"]
    assert there.entries == [MANY[0], *MANY[2:]]
    add(path, [entry()])
    assert read(path).entries == [MANY[0], *MANY[2:], entry()]
    assert read(path).refused == ()
    assert aside(path).read_text() == "".join(bad)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threads", "2"),
        ("nx", 1.5),
        ("device", 3),
        ("norb", True),
        ("seconds", 0.0),
        ("seconds", "fast"),
        ("tuning", []),
    ],
)
def test_fields_of_wrong_types_are_refused(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "w"
    path.write_text(wisdom.text([entry().fields() | {field: value}]))
    (line,) = read(path).refused
    assert "no entry" in line.reason or "wrong" in line.reason


def test_a_missing_field_is_refused(tmp_path: Path) -> None:
    fields = entry().fields()
    del fields["build"]
    (tmp_path / "w").write_text(wisdom.text([fields]))
    (line,) = read(tmp_path / "w").refused
    assert "build" in line.reason


def test_another_version_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_text('{"mlmd_wisdom": 2}\nwhat it knows\n')
    for call in (lambda: read(path), lambda: add(path, [entry()]), lambda: forget(path, lambda item: True)):
        with pytest.raises(WisdomError, match=r"w:1: wisdom of version 2, and this MLMD reads 1"):
            call()
    assert path.read_text() == '{"mlmd_wisdom": 2}\nwhat it knows\n'


def test_a_damaged_header_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "w"
    add(path, MANY)
    path.write_text(path.read_text().replace("mlmd_wisdom", "mlmd_wis", 1))
    assert read(path).entries == MANY
    assert [line.number for line in read(path).refused] == [1]


@given(st.data())
def test_any_cut_keeps_what_is_whole_and_all_that_comes_after(tmp_path: Path, data: st.DataObject) -> None:
    whole = wisdom.text(MANY).encode()
    path = tmp_path / "w"
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    held = read(path)
    assert held.entries == MANY[: len(held.entries)]
    assert len(held.entries) >= whole[:cut].count(b"\n") - 1
    add(path, [entry()])
    assert read(path).entries == [*held.entries, entry()]


@given(st.data())
def test_any_changed_byte_costs_at_most_two_lines(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(wisdom.text(MANY).encode())
    place = data.draw(st.integers(len(wisdom.HEADER), len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "w").write_bytes(bytes(whole))
    there = read(tmp_path / "w")
    assert there.refused
    assert len(there.entries) >= len(MANY) - 2
    assert set(map(str, there.entries)) <= set(map(str, MANY))


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from mlmd.tuning.wisdom import add
from tests.tuning.fakes import KEY, entry
for n in range(25):
    add(Path(sys.argv[1]), [entry(replace(KEY, nx=n + 1, threads=int(sys.argv[2])))])
"""


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w"
    root = Path(__file__).resolve().parents[2]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(n)], cwd=root) for n in (1, 2, 3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert read(path).refused == ()
    assert {(e.key.threads, e.key.nx) for e in read(path).entries} == {(t, n + 1) for t in (1, 2, 3) for n in range(25)}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WisdomError, match="file/w: wisdom cannot be written"):
        add(tmp_path / "file/w", [entry()])


def test_the_usual_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MLMD_WISDOM", "MLMD_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert wisdom.default_path() == Path.home() / ".cache/mlmd/wisdom.jsonl"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert wisdom.default_path() == tmp_path / "mlmd/wisdom.jsonl"
    monkeypatch.setenv("MLMD_CACHE", str(tmp_path / "c"))
    assert wisdom.default_path() == tmp_path / "c/wisdom.jsonl"
    monkeypatch.setenv("MLMD_WISDOM", str(tmp_path / "mine"))
    assert wisdom.default_path() == tmp_path / "mine"
