"""Checked lines: whatever is cut or changed is refused with its file and line, and nothing else is."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mlmd.tuning import lines

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
FIELDS = st.dictionaries(WORDS.filter(lambda name: name != "crc"), st.one_of(st.integers(), WORDS), max_size=4)


def kept(data: bytes) -> tuple[list[dict], list[int]]:
    items, refused = lines.read(Path("w"), data, dict)
    return items, [line.number for line in refused]


@given(FIELDS)
def test_lines_come_back(fields: dict) -> None:
    line = lines.encode(fields)
    assert line.count("\n") == 1
    assert lines.decode(line.rstrip("\n").encode()) == fields


@given(st.lists(FIELDS, min_size=1, max_size=5), st.data())
def test_a_cut_costs_the_line_that_it_is_in(rows: list[dict], data: st.DataObject) -> None:
    whole = "".join(map(lines.encode, rows)).encode()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    items, refused = kept(cut)
    complete = cut.count(b"\n") + (cut[-1:] == b"}" and whole[len(cut) : len(cut) + 1] == b"\n")
    assert items == rows[:complete]
    assert refused == ([] if cut[-1:] in (b"\n", b"") or complete > cut.count(b"\n") else [complete + 1])


@given(st.lists(FIELDS, min_size=3, max_size=5), st.data())
def test_a_changed_byte_costs_the_lines_that_it_is_in(rows: list[dict], data: st.DataObject) -> None:
    whole = bytearray("".join(map(lines.encode, rows)).encode())
    place = data.draw(st.integers(0, len(whole) - 1))
    number = whole[:place].count(b"\n")
    touched = {number, number + 1} if whole[place : place + 1] == b"\n" else {number}
    if place == len(whole) - 1:
        touched = {number}
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    items, refused = kept(bytes(whole))
    assert refused
    assert items == [row for n, row in enumerate(rows) if n not in touched]


def test_a_torn_last_line_is_ended_before_more_is_added(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(lines.encode({"a": 1}).encode() + b'{"b": 2, "cr')
    lines.append(file, [lines.encode({"c": 3})])
    items, refused = kept(file.read_bytes())
    assert items == [{"a": 1}, {"c": 3}]
    assert refused == [2]


def test_a_refused_line_says_where_it_is() -> None:
    _, (line,) = lines.read(Path("w.jsonl"), lines.encode({"a": 1}).replace("1", "2", 1).encode(), dict)
    assert str(line) == "w.jsonl:1: its checksum is not that of its text: it was changed"
