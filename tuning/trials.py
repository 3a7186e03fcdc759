"""The log of trials: every gate and every round of a tuning, one checked line each, flushed as it happens.

A file holds any number of sections, one for each tuning, in any order of lines.  The first line of a section is its
header: problem, space, build, machine, strategy.  A tuning that was cut off goes on where its section ends, and a
section replays: the same strategy comes to the same decision without the machine.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..backends import MlmdError
from . import lines
from .lines import Refused
from .runner import Bench, Decision, GateError
from .space import Candidate, Space

VERSION = 1
KINDS = ("gate", "round", "decision", "resume")


class TrialsError(MlmdError):
    """A log cannot be read or written, does not match, or ends too early."""


@dataclass
class Section:
    """A tuning in a log.

    Attributes
    ----------
    name : str
        What all its lines begin with.
    header : dict
        What was tuned, and where.
    date : str
        When it began.
    events : list of dict
        Gates and rounds, as they happened.
    decision : dict or None
        How it ended, if it did.
    """

    name: str
    header: dict[str, Any]
    date: str
    events: list[dict[str, Any]] = field(default_factory=list)
    decision: dict[str, Any] | None = None

    @property
    def space(self) -> Space:
        """The candidates."""
        return Space(self.header["space"], self.header["idle"])

    def candidate(self, tuning: Mapping[str, int | str]) -> Candidate:
        """The candidate of a line."""
        return self.space.candidate(tuning)


@dataclass(frozen=True)
class Log:
    """A file as read."""

    path: Path
    sections: tuple[Section, ...] = ()
    refused: tuple[Refused, ...] = ()


def read(path: Path) -> Log:
    """What a file says; nothing if it is not there.

    A section holds up to its first line that is missing: what came after that cannot be told from what would have come.

    Raises
    ------
    TrialsError
        If it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Log(path)
    except OSError as error:
        raise TrialsError(f"{path}: the log cannot be read ({error.strerror}); name another file") from None
    sections: dict[str, Section] = {}
    _, refused = lines.read(path, data, lambda line: _take(sections, line))
    return Log(path, tuple(sections.values()), refused)


def _take(sections: dict[str, Section], line: dict[str, Any]) -> None:
    """Put a line where it belongs; ValueError or KeyError if it does not hold."""
    if "mlmd_trials" in line:
        if line["mlmd_trials"] != VERSION:
            raise ValueError(f"it is of version {line['mlmd_trials']}, and this MLMD reads {VERSION}")
        sections[line["section"]] = Section(line["section"], line["header"], line["date"])
        return
    section = sections.get(line["section"])
    if section is None:
        raise ValueError("the header of its section is not there")
    kind, place = line["kind"], line["n"]
    if kind == "resume":
        del section.events[place:]
        section.decision = None
    elif place != len(section.events):
        raise ValueError("a line before it in its section is missing")
    elif kind == "decision":
        section.decision = line
    else:
        section.events.append(line)


def mismatch(header: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Fields in which two headers differ, in words; empty if they agree.

    Examples
    --------
    >>> mismatch({"threads": 2}, {"threads": 4})
    'threads is 2, there 4'
    """
    names = dict.fromkeys([*header, *other])
    return "; ".join(
        f"{name} is {header.get(name)}, there {other.get(name)}"
        for name in names
        if header.get(name) != other.get(name)
    )


class Recorder:
    """A bench that gives what its section holds, then asks the machine and writes down what it says.

    Parameters
    ----------
    path : Path or None
        The log; None to write nothing.
    header : dict
        Of the tuning.
    live : callable, optional
        Makes the machine's bench when it is first needed; without one this is a replay.
    section : Section, optional
        What to begin with.
    """

    def __init__(
        self,
        path: Path | None,
        header: Mapping[str, Any],
        live: Callable[[], Bench] | None,
        section: Section | None = None,
    ) -> None:
        self._path, self._live = path, live
        self._bench: Bench | None = None
        self._past = list(section.events) if section else []
        self._name = section.name if section else uuid.uuid4().hex[:8]
        self._count, self._at, self._offset = 0, 0.0, 0.0
        self._resumed = section is not None
        if section is None:
            date = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._write({"mlmd_trials": VERSION, "section": self._name, "header": dict(header), "date": date})

    def now(self) -> float:
        """Seconds at the end of the last line: the same in a replay."""
        return self._at

    def gate(self, candidate: Candidate, whole: bool) -> float:
        """See `mlmd.tuning.runner.Bench`."""
        asked = {"kind": "gate", "tuning": dict(candidate), "whole": whole}
        line = self._recorded(asked)
        if line is None:
            line = self._record(asked | self._judged(candidate, whole))
        if line["reason"]:
            raise GateError(line["reason"])
        return float(line["error"])

    def _judged(self, candidate: Candidate, whole: bool) -> dict[str, Any]:
        try:
            return {"error": self._machine().gate(candidate, whole), "reason": ""}
        except GateError as error:
            return {"error": None, "reason": str(error)}

    def round(self, candidates: Sequence[Candidate]) -> list[float]:
        """See `mlmd.tuning.runner.Bench`."""
        asked = {"kind": "round", "tunings": [dict(candidate) for candidate in candidates]}
        line = self._recorded(asked)
        if line is None:
            line = self._record(asked | {"seconds": self._machine().round(candidates)})
        return list(line["seconds"])

    def close(self, decision: Decision) -> None:
        """Write how it ended."""
        self._write(
            {
                "section": self._name,
                "n": self._count,
                "kind": "decision",
                "tuning": dict(decision.candidate),
                "seconds": decision.seconds,
                "default_seconds": decision.default_seconds,
                "ratio": list(asdict(decision.ratio).values()),
                "trials": decision.trials,
            }
        )

    def _recorded(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The next line of the past, which must be about what is asked."""
        if self._count >= len(self._past):
            return None
        line = self._past[self._count]
        if any(line.get(name) != value for name, value in asked.items()):
            raise TrialsError(f"the log goes another way at line {self._count} of section {self._name}: tune anew")
        self._count, self._at = self._count + 1, line["at"]
        return line

    def _machine(self) -> Bench:
        if self._bench is None:
            if self._live is None:
                raise TrialsError(f"section {self._name} ends before its decision: --resume goes on with it")
            if self._resumed:
                self._write({"section": self._name, "n": self._count, "kind": "resume"})
            self._offset = self._at
            self._bench = self._live()
        return self._bench

    def _record(self, line: dict[str, Any]) -> dict[str, Any]:
        self._at = self._offset + self._machine().now()
        made = {"section": self._name, "n": self._count, **line, "at": self._at}
        self._write(made)
        self._count += 1
        return made

    def _write(self, line: dict[str, Any]) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lines.append(self._path, [lines.encode(line)])
        except OSError as error:
            reason = error.strerror or str(error)
            raise TrialsError(f"{self._path}: the log cannot be written ({reason}); name another with --log") from None
