"""Trials in the T4 results format of the autotuning community (FAIR benchmark suite for autotuners), version 1.0.0.

Schema: https://github.com/odgaard/TuningSchema, branch T4, results-schema.json.  A result has a configuration, times,
a validity and a correctness; times are in milliseconds, as Kernel Tuner writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from ..backends import MlmdError
from ..backends.atomic import replace_file
from .space import Candidate
from .trials import Section

SCHEMA_VERSION = "1.0.0"


def results(sections: Iterable[Section]) -> dict[str, Any]:
    """The document of all candidates of some tunings, in the order in which they were first tried."""
    return {"schema_version": SCHEMA_VERSION, "results": [entry for section in sections for entry in _entries(section)]}


def export(path: Path, sections: Iterable[Section]) -> int:
    """Write the document, and say how many results it has.

    Raises
    ------
    MlmdError
        If the file cannot be written.
    """
    document = results(sections)
    try:
        replace_file(path, (json.dumps(document, indent=1) + "\n").encode())
    except OSError as error:
        raise MlmdError(f"{path}: T4 results cannot be written ({error.strerror}); name another file") from None
    return len(document["results"])


def _entries(section: Section) -> list[dict[str, Any]]:
    first: dict[Candidate, float] = {}
    seconds: dict[Candidate, list[float]] = {}
    validity: dict[Candidate, str] = {}
    checking: dict[Candidate, float] = {}
    before = 0.0
    for event in section.events:
        if event["kind"] == "gate":
            candidate = section.candidate(event["tuning"])
            first.setdefault(candidate, event["at"])
            checking[candidate] = checking.get(candidate, 0.0) + event["at"] - before
            validity[candidate] = _validity(event["reason"])
        else:
            for tuning, time in zip(event["tunings"], event["seconds"], strict=True):
                seconds.setdefault(section.candidate(tuning), []).append(time)
        before = event["at"]
    began = datetime.fromisoformat(section.date)
    return [
        {
            "timestamp": (began + timedelta(seconds=at)).isoformat(),
            "configuration": section.space.full(candidate),
            "objectives": ["time"],
            "times": {
                "runtimes": [1e3 * time for time in seconds.get(candidate, [])],
                "validation": 1e3 * checking[candidate],
            },
            "invalidity": validity[candidate],
            "correctness": float(validity[candidate] == "correct"),
            "measurements": _measurements(section, seconds.get(candidate, [])),
        }
        for candidate, at in first.items()
    ]


def _validity(reason: str) -> str:
    if not reason:
        return "correct"
    return "runtime" if reason.startswith("cannot run") else "correctness"


def _measurements(section: Section, seconds: list[float]) -> list[dict[str, Any]]:
    about = ("kernel", "backend", "device", "dtype", "mode", "threads", "nx", "ny", "nz", "norb", "rank")
    found = [{"name": name, "value": section.header[name], "unit": ""} for name in about]
    if seconds:
        found.insert(0, {"name": "time", "value": 1e3 * float(np.median(seconds)), "unit": "ms"})
    return found
