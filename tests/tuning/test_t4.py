"""T4 results against the schema of the community (TuningSchema, branch T4, version 1.0.0), field by field."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mlmd.backends import MlmdError
from mlmd.tuning import t4, trials
from mlmd.tuning.problem import make_problem
from mlmd.tuning.tuner import tune_problem

from .fakes import Machine

VALIDITY = {"timeout", "compile", "runtime", "correctness", "constraints", "correct"}
REQUIRED = {"configuration", "times", "invalidity", "correctness"}
WRONG = (("schedule", "dynamic"),)


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    log = tmp_path / "log"
    problem = make_problem("loc_prop", (6, 6, 6), 2, threads=4)
    machine = Machine(lambda candidate: 1e-3 * (1 + len(candidate)), wrong={WRONG: "small"})
    tuned = tune_problem(problem, "cpu", 30.0, "patient", log, live=lambda *_: machine)
    assert t4.export(tmp_path / "t4.json", trials.read(log).sections) == len(tuned.space)
    return json.loads((tmp_path / "t4.json").read_text())


def test_the_document_has_the_fields_of_the_schema(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", document["schema_version"])
    for result in document["results"]:
        assert set(result) >= REQUIRED
        assert result["invalidity"] in VALIDITY
        assert isinstance(result["configuration"], dict)
        assert isinstance(result["correctness"], float)
        assert datetime.fromisoformat(result["timestamp"])
        assert isinstance(result["times"]["validation"], float)
        assert all(isinstance(time, float) for time in result["times"]["runtimes"])
        assert result["objectives"] == ["time"]
        for measured in result["measurements"]:
            assert set(measured) == {"name", "value", "unit"}
            assert isinstance(measured["value"], (int, float, str))


def test_every_candidate_is_there_with_all_its_knobs(document: dict[str, Any]) -> None:
    configurations = [tuple(result["configuration"].items()) for result in document["results"]]
    assert len(set(configurations)) == len(configurations) >= 6
    assert all([name for name, _ in found] == ["threads", "isa", "schedule"] for found in configurations)
    assert configurations[0] == (("threads", 0), ("isa", "best"), ("schedule", "static"))


def test_times_are_milliseconds_and_wrong_candidates_have_none(document: dict[str, Any]) -> None:
    default, wrong = document["results"][0], [r for r in document["results"] if r["invalidity"] != "correct"]
    assert default["measurements"][0] == {"name": "time", "value": pytest.approx(1.0), "unit": "ms"}
    (wrong,) = wrong
    assert (wrong["invalidity"], wrong["correctness"], wrong["times"]["runtimes"]) == ("correctness", 0.0, [])
    assert wrong["configuration"]["schedule"] == "dynamic"
    assert all(measured["name"] != "time" for measured in wrong["measurements"])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MlmdError, match=r"none/t4.json: T4 results cannot be written"):
        t4.export(tmp_path / "none/t4.json", [])
