"""Starts the worker, reads what it measured, and says what happened if it died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...backends import MlmdError
from .builds import Build
from .cases import Case
from .verdict import Quad
from .worker import Order, order_text

LIMIT_SECONDS = 600.0
# The same for both builds: threads that wait asleep, no wisdom of one build that the other lacks.
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0", "MLMD_TUNING": "off"}


@dataclass
class Times:
    """What one launch measured: case number -> its palindromes, or why there are none."""

    quads: dict[int, list[Quad]] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)


Launcher = Callable[[Sequence[Case], int], Times]


def launcher(sides: tuple[Build, Build], threads: int, quads: int) -> Launcher:
    """A function that lets a fresh worker time some cases; its second argument counts the launches."""

    def launch(cases: Sequence[Case], number: int) -> Times:
        with tempfile.TemporaryDirectory(prefix="mlmd-compare-") as scratch:
            fields = [asdict(case) for case in cases]
            base, head = (str(side.folder) for side in sides)
            order = Order(base, head, scratch, fields, threads, quads, number)
            return read_answer(*_run(order_text(order)), cases)

    return launch


def _run(order: str) -> tuple[str, str, int]:
    """What the worker wrote, its messages, and its exit code."""
    command = [sys.executable, "-m", f"{__package__}.worker"]
    package = Path(__file__).parents[len(__package__.split("."))]
    paths = [str(package.absolute()), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as messages:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=messages, env=environment, text=True
        )
        try:
            process.communicate(order, timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            messages.write(f"it was stopped after {LIMIT_SECONDS:.0f} s")
        finally:
            process.kill()
            code = process.wait()
        out.seek(0)
        messages.seek(0)
        return out.read(), messages.read(), code


def read_answer(answer: str, messages: str, code: int, cases: Sequence[Case]) -> Times:
    """What a worker measured.

    Raises
    ------
    MlmdError
        If it did not come to its end; the message says what it was doing.
    """
    events = [json.loads(line) for line in answer.splitlines() if line.endswith("}")]
    if code != 0:
        raise MlmdError(_obituary(events, messages, code, cases))
    times = Times()
    for event in events:
        if event["event"] == "times":
            times.quads[event["case"]] = event["quads"]
        elif event["event"] == "left out":
            times.left_out[event["case"]] = event["reason"]
    return times


def _obituary(events: list[dict[str, Any]], messages: str, code: int, cases: Sequence[Case]) -> str:
    """Which build died of what, as far as is known."""
    last: dict[str, Any] = events[-1] if events else {"event": "start"}
    doing = {"load": "while {side} was loaded", "start": "before it loaded anything"}.get(last["event"], "in {case}")
    case = cases[last["case"]].name if "case" in last else ""
    place = doing.format(side=str(last.get("side", "")).upper(), case=case)
    if last["event"] == "case":
        place += f", prepared for {last['side'].upper()}"
    how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    tail = "; ".join(messages.strip().splitlines()[-3:]) or "it left no message"
    return f"the worker died ({how}) {place}: {tail}; run that case by itself on each build to see which one fails"
