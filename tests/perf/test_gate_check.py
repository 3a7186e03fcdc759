"""The acceptance check of the gate: its order, its memory and its answer, with trials that cost nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlmd.errors import MlmdError
from mlmd.perf.gate_check import Trial, check, keeps_its_word, report

SETTINGS = {"tolerance": 0.03, "threads": 2}


def trial(part: float, *slower: str) -> Trial:
    ratios: dict[str, tuple[float, ...]] = {"kin_prop 8x8x8": (1.0 + part, 1.0 + part - 0.01, 1.0 + part + 0.01)}
    return Trial(part, "slower" if slower else "passed", list(slower), ratios, {}, 8, 1, 10.0)


def perfect(part: float) -> Trial:
    return trial(part, *(["kin_prop 8x8x8"] if part else []))


def run(path: Path, make: Any, wanted: dict[float, int], settings: dict[str, Any] | None = None) -> list[Trial]:
    return check(wanted, settings or SETTINGS, path, make, lambda text: None)


def test_kinds_take_turns_and_all_is_kept(tmp_path: Path) -> None:
    trials = run(tmp_path / "t.json", perfect, {0.0: 4, 0.08: 2})
    assert [trial.planted for trial in trials] == [0.0, 0.08, 0.0, 0.0, 0.08, 0.0]
    kept = json.loads((tmp_path / "t.json").read_text())
    assert kept["tolerance"] == 0.03
    assert len(kept["trials"]) == 6
    assert keeps_its_word(trials)


def test_an_interrupted_check_goes_on(tmp_path: Path) -> None:
    made: list[float] = []

    def until_the_fourth(part: float) -> Trial:
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(part)
        return perfect(part)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "t.json", until_the_fourth, {0.0: 4, 0.08: 2})
    made.pop()  # room for one more
    trials = run(tmp_path / "t.json", lambda part: perfect(part), {0.0: 4, 0.08: 2})
    assert len(trials) == 6
    assert [t.planted for t in trials].count(0.0) == 4


def test_a_file_of_other_settings_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "t.json", perfect, {0.0: 1})
    with pytest.raises(MlmdError, match="was made with another threads"):
        run(tmp_path / "t.json", perfect, {0.0: 2}, {"tolerance": 0.03, "threads": 1})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"trials": [{"planted": 0}]}'])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(MlmdError, match="holds no trials"):
        run(tmp_path / "t.json", perfect, {0.0: 1})


def test_one_false_alarm_is_too_many() -> None:
    assert not keeps_its_word([trial(0.0)] * 39 + [trial(0.0, "density 8x8x8")])


def test_one_of_twenty_may_be_missed() -> None:
    caught, missed, wrong = perfect(0.08), trial(0.08), trial(0.08, "kin_prop 8x8x8", "density 8x8x8")
    assert keeps_its_word([caught] * 19 + [missed])
    assert not keeps_its_word([caught] * 18 + [missed] * 2)
    assert not keeps_its_word([caught] * 18 + [wrong] * 2)


def test_the_table_counts() -> None:
    heads, cells = report([trial(0.0), trial(0.0, "density 8x8x8"), perfect(0.08)])
    assert [dict(zip(heads, row, strict=True))["wrong"] for row in cells] == ["1", "0"]
    assert [row[0] for row in cells] == ["identical", "8 % in kin_prop"]
